"""Every user's share of model calls in flight, on this instance: local slots that serve from what is leased.

For each user with calls a keeper leases as many slots as they need, renews them, and gives them back with a delay, so
that calls themselves never wait for the store. A call ends with the lease it runs under: an instance that cannot renew
in time stops its calls before another may count on their slots.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from shared.errors import Conflict, ModelUnavailable, Unavailable
from shared.model_calls.limiter import WAIT, CallLimiter
from shared.model_calls.slot_leases import Granted, SlotLeases
from shared.store.ledger import UserQuotas
from shared.types import Clock

#: The fewest slots that are leased at a time.
BLOCK = 4
#: Seconds a lease lasts at most, and at least where claims are short: a renewal may be late on a busy machine.
LONGEST = 30.0
SHORTEST = 5.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How long slots are leased and how often that is renewed, in seconds."""

    lease: float = LONGEST
    #: Between two renewals.
    renew: float = LONGEST / 6
    #: After which a keeper looks again that wants more than it got or has more to give back.
    retry: float = 0.5
    #: Before its end, when a lease counts as over here: clocks differ, and calls take a moment to stop.
    margin: float = LONGEST / 6

    @classmethod
    def of_claims(cls, seconds: float) -> "Pace":
        """The pace at which a dead worker's slots are not missed for longer than the nodes it had claimed."""
        lease = min(LONGEST, max(SHORTEST, seconds))
        return cls(lease=lease, renew=lease / 6, margin=lease / 6)


class UserSlots:
    """Slots for model calls: at most a user's share over all instances, and the limiter's bound on this one."""

    def __init__(
        self, shares: SlotLeases, limiter: CallLimiter, quotas: UserQuotas, clock: Clock, pace: Pace | None = None
    ) -> None:
        self.pace = pace or Pace()
        self._shares = shares
        self._limiter = limiter
        self._quotas = quotas
        self._clock = clock
        self._keepers: dict[str, _Keeper] = {}

    @asynccontextmanager
    async def slot(self, user_id: str, timeout: float = WAIT) -> AsyncIterator[None]:
        """Hold a slot of a user's share; raises `ModelUnavailable` when there is none within `timeout` seconds.

        It also raises that when the share is lost while the slot is held.
        """
        keeper = self._keepers.get(user_id)
        if keeper is None:
            keeper = self._keepers[user_id] = _Keeper(self, user_id)
        with keeper.demand():
            async with self._limiter.try_slot(user_id, timeout), keeper.lease():
                yield

    async def renew(self, user_id: str, wanted: int, hold: Callable[[int], int]) -> tuple[Granted, int]:
        """What one user's keeper was granted, and the user's ceiling."""
        ceiling = (await self._quotas.of(user_id)).calls_at_once
        granted = await self._shares.lease(
            user_id,
            wanted=min(wanted, ceiling),
            ceiling=ceiling,
            hold=hold,
            now=self._clock(),
            seconds=self.pace.lease,
        )
        return granted, ceiling

    def allow(self, user_id: str, slots: int) -> int:
        """Let one user use so many slots here; how many are in use."""
        self._limiter.allow(user_id, slots)
        return self._limiter.of(user_id)

    def forget(self, user_id: str, *, idle: bool) -> None:
        """The keeper of a user ends; the next call starts another, and until then nobody who waits is served."""
        self._keepers.pop(user_id, None)
        self._limiter.allow(user_id, None if idle else 0)


class _Keeper:
    """Keeps one user's lease for as long as there are calls, and a little longer."""

    def __init__(self, calls: UserSlots, user_id: str) -> None:
        self._calls = calls
        self._pace = calls.pace
        self._user_id = user_id
        #: Calls that hold a slot or wait for one, and the most there were since the last renewal.
        self._demand = 0
        self._peak = 0
        #: Slots to use, until a time of the loop's clock.
        self._slots = 0
        self._until = 0.0
        self._end: asyncio.TimerHandle | None = None
        self._ceiling = 1
        #: The calls under the lease, whose end moves with it.
        self._running: set[asyncio.Timeout] = set()
        self._short = asyncio.Event()
        calls.allow(user_id, 0)
        self._task = asyncio.get_running_loop().create_task(self._keep())
        self._task.add_done_callback(self._ended)

    @contextmanager
    def demand(self) -> Iterator[None]:
        """Count one call that holds or wants a slot."""
        self._demand += 1
        self._peak = max(self._peak, self._demand)
        if self._slots < min(self._demand, self._ceiling):
            self._short.set()
        try:
            yield
        finally:
            self._demand -= 1

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[None]:
        """Run one call under the lease; raises `ModelUnavailable` when it is lost meanwhile."""
        lost = ModelUnavailable("the share of model calls could not be renewed", retry_after=self._pace.renew)
        if asyncio.get_running_loop().time() >= self._until:
            raise lost
        limit = asyncio.timeout_at(self._until)
        self._running.add(limit)
        try:
            async with limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            raise lost from None
        finally:
            self._running.discard(limit)

    async def _keep(self) -> None:
        try:
            await self._renew_while_needed()
        finally:
            self._cancel_end()
            self._calls.forget(self._user_id, idle=not self._demand)

    async def _renew_while_needed(self) -> None:
        pause = retry = self._pace.retry
        while True:
            wanted, before = self._wanted(), self._slots
            granted = await self._renew(wanted)
            if granted is None:
                await asyncio.sleep(retry)
                continue
            if not granted.slots and not self._demand and not wanted:
                return
            if granted.target >= min(wanted, self._ceiling) and granted.slots == granted.target:
                pause = retry
                await self._until_short()
            else:  # others hold the rest, or this instance has to give some back
                pause = retry if granted.target != before else min(2 * pause, self._pace.renew)
                await asyncio.sleep(pause)

    def _wanted(self) -> int:
        """Slots by the most calls there were lately; it doubles on the way up and halves on the way down."""
        peak, self._peak = self._peak, self._demand
        self._short.clear()
        if not peak:
            return 0
        return max(BLOCK, 1 << (peak - 1).bit_length(), self._slots // 2)

    async def _renew(self, wanted: int) -> Granted | None:
        """Lease anew; None when the store cannot serve, and then the lease runs out in time."""
        loop = asyncio.get_running_loop()
        asked = loop.time()
        try:
            granted, self._ceiling = await self._calls.renew(self._user_id, wanted, self._hold)
        except (Unavailable, Conflict):
            return None
        self._until = asked + self._pace.lease - self._pace.margin
        self._cancel_end()
        self._end = loop.call_at(self._until, self._use, 0)
        for limit in self._running:
            if not limit.expired():
                limit.reschedule(self._until)
        self._use(granted.target)
        return granted

    def _cancel_end(self) -> None:
        if self._end is not None:
            self._end.cancel()

    def _hold(self, target: int) -> int:
        """Begin no call beyond `target`; how many are in flight."""
        return self._use(min(target, self._slots))

    def _use(self, slots: int) -> int:
        self._slots = slots
        return self._calls.allow(self._user_id, slots)

    async def _until_short(self) -> None:
        """Wait until more is needed than there is, or the lease is to be renewed."""
        try:
            async with asyncio.timeout(self._pace.renew):
                await self._short.wait()
        except TimeoutError:
            return

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logging.getLogger("swarmstar").error("the share of %s is not kept any more", self._user_id, exc_info=error)
