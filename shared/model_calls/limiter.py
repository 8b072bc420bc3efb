"""How many model calls may be in flight in this process, shared out evenly among users."""

import asyncio
import random
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.errors import ModelUnavailable

#: Seconds a call may wait for its slot before it is better done later.
WAIT = 10.0
#: After which share of that it is tried again: soon, since a slot may lie free meanwhile, and not all at once.
BACK = (0.1, 0.5)

_Waiter = asyncio.Future[None]


class CallLimiter:
    """At most `overall` slots in use, and `per_user` of them by one user.

    Free slots go round the users that wait, one each, so that nobody's queue stands before another user's first
    call. Taking and giving back a slot is O(1), whatever the number of users and waiters. For one event loop.
    """

    def __init__(self, per_user: int, overall: int) -> None:
        if per_user < 1 or overall < 1:
            raise ValueError("a limit below 1 lets nothing through")
        self._per_user = per_user
        self._overall = overall
        #: Limits of single users that differ from `per_user`.
        self._allowed: dict[str, int] = {}
        self._in_flight = 0
        self._active: dict[str, int] = {}
        #: Who waits, by user, oldest first. Ordered dicts, because waiters also leave from the middle.
        self._waiting: dict[str, OrderedDict[_Waiter, None]] = {}
        #: The users that wait and are below their own limit, in the order they are served; no user is in it twice.
        self._turn: deque[str] = deque()
        self._in_turn: set[str] = set()

    @property
    def in_flight(self) -> int:
        """How many slots are in use."""
        return self._in_flight

    def of(self, user_id: str) -> int:
        """How many slots one user has in use."""
        return self._active.get(user_id, 0)

    def allow(self, user_id: str, slots: int | None) -> None:
        """Set how many slots one user may have in use from now on; None goes back to `per_user`.

        Those in use stay so until they are given back.
        """
        if slots is None:
            self._allowed.pop(user_id, None)
        else:
            self._allowed[user_id] = slots
        self._line_up(user_id)
        self._serve()

    @asynccontextmanager
    async def slot(self, user_id: str) -> AsyncIterator[None]:
        """Hold a slot, waiting for it as long as it takes."""
        await self._take(user_id)
        try:
            yield
        finally:
            self._give_back(user_id)

    @asynccontextmanager
    async def try_slot(self, user_id: str, timeout: float = WAIT) -> AsyncIterator[None]:
        """Hold a slot; raises `ModelUnavailable` when there is none within `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._take(user_id)
        except TimeoutError:
            later = timeout * random.uniform(*BACK)  # noqa: S311  spreads load, guards nothing
            raise ModelUnavailable("too many model calls are in flight", retry_after=later) from None
        try:
            yield
        finally:
            self._give_back(user_id)

    async def _take(self, user_id: str) -> None:
        if not self._turn and self._in_flight < self._overall and self._below_own_limit(user_id):
            self._occupy(user_id)
            return
        waiter: _Waiter = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(user_id, OrderedDict())[waiter] = None
        self._line_up(user_id)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._give_back(user_id)  # the slot and the cancellation came at the same moment
            else:
                self._forget(user_id, waiter)
            raise

    def _give_back(self, user_id: str) -> None:
        self._in_flight -= 1
        self._active[user_id] -= 1
        if not self._active[user_id]:
            del self._active[user_id]
        self._line_up(user_id)
        self._serve()

    def _serve(self) -> None:
        while self._in_flight < self._overall and self._turn:
            user_id = self._turn.popleft()
            self._in_turn.discard(user_id)
            if (queue := self._waiting.get(user_id)) is None or not self._below_own_limit(user_id):
                continue  # all of this user's waiters have left, or the limit was lowered
            waiter, _ = queue.popitem(last=False)
            if not queue:
                del self._waiting[user_id]
            if not waiter.done():  # it is when its task was cancelled and has not run since
                self._occupy(user_id)
                waiter.set_result(None)
            self._line_up(user_id)

    def _line_up(self, user_id: str) -> None:
        if user_id in self._waiting and user_id not in self._in_turn and self._below_own_limit(user_id):
            self._turn.append(user_id)
            self._in_turn.add(user_id)

    def _forget(self, user_id: str, waiter: _Waiter) -> None:
        queue = self._waiting.get(user_id, OrderedDict())
        queue.pop(waiter, None)
        if not queue:
            self._waiting.pop(user_id, None)

    def _occupy(self, user_id: str) -> None:
        self._in_flight += 1
        self._active[user_id] = self._active.get(user_id, 0) + 1

    def _below_own_limit(self, user_id: str) -> bool:
        return self.of(user_id) < self._allowed.get(user_id, self._per_user)
