"""One user's model calls in flight over all instances: each instance leases slots from a document in their account.

An instance leases what it needs for a while and renews that, so no call costs an operation of the store. What is
leased never comes to more than the user's ceiling; an instance that is left with too little says so in the document,
and those with more than an even share give back what their calls in flight do not hold.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from shared.errors import Conflict
from shared.store.documents import Documents, Held
from shared.store.port import Category, IfAbsent, IfEtag, Store
from shared.types import SpaceKey

_KEY = "calls"
#: Instances that one user's calls may run on at once; what comes after them has to wait.
MAX_WORKERS = 500
_ATTEMPTS = 20


class SlotLease(BaseModel):
    """What one instance holds, and what it would like to hold."""

    model_config = ConfigDict(frozen=True)

    slots: int
    wanted: int
    expires: datetime


class Share(BaseModel):
    """The leases of one user's slots, by the instance that holds them."""

    model_config = ConfigDict(frozen=True)

    leases: dict[str, SlotLease] = {}

    def alive(self, now: datetime) -> "Share":
        """Without the leases that ran out: their slots are free."""
        return Share(leases={worker: lease for worker, lease in self.leases.items() if lease.expires > now})

    def target(self, worker: str, wanted: int, ceiling: int) -> int:
        """How many slots an instance may use: what the others leave free, and no more than an even share of the
        ceiling where others want more than they have.
        """
        others = {name: lease for name, lease in self.leases.items() if name != worker}
        free = max(0, ceiling - sum(lease.slots for lease in others.values()))
        wants = {name: max(lease.wanted, lease.slots) for name, lease in others.items()}
        return min(wanted, free, evenly(ceiling, {**wants, worker: wanted})[worker])


def evenly(total: int, wants: Mapping[str, int]) -> dict[str, int]:
    """Share out a total so that nobody gets more than they want, and nobody less than another who wants as much."""
    given: dict[str, int] = {}
    left = total
    # Who wants least is served first; ties go by name, so that every instance comes to the same result.
    for place, name in enumerate(sorted(wants, key=lambda name: (wants[name], name))):
        given[name] = min(wants[name], left // (len(wants) - place))
        left -= given[name]
    return given


@dataclass(frozen=True, slots=True)
class Granted:
    """What an instance came away with."""

    #: Slots it holds in the document.
    slots: int
    #: Slots it should use from now on: fewer where it has to give some back.
    target: int


class SlotLeases:
    """The slots of every user, as one instance leases them."""

    def __init__(self, store: Store, worker: str) -> None:
        self._docs = Documents(store, Category.SHARE, Share)
        self._worker = worker
        #: The documents as this instance last read or wrote them, so that a renewal nobody disturbs is one write.
        self._last: dict[str, Held[Share]] = {}

    async def lease(
        self, user_id: str, *, wanted: int, ceiling: int, hold: Callable[[int], int], now: datetime, seconds: float
    ) -> Granted:
        """Lease slots of a user, renew them, or give them back with `wanted` 0.

        `hold` is told how many slots the instance may use, before that is written: from then on it begins no call
        beyond them. It returns how many calls are in flight. Raises `Conflict` when others kept changing the document.
        """
        account = SpaceKey.account(user_id)
        held = self._last.pop(user_id, None) or await self._docs.find(account, _KEY)
        for _ in range(_ATTEMPTS):
            share = (Share() if held is None else held.doc).alive(now)
            if wanted and self._worker not in share.leases and len(share.leases) >= MAX_WORKERS:
                return Granted(0, 0)
            target = share.target(self._worker, wanted, ceiling)
            slots = max(target, hold(target))
            leases = {name: lease for name, lease in share.leases.items() if name != self._worker}
            if wanted or slots:
                expires = now + timedelta(seconds=seconds)
                leases[self._worker] = SlotLease(slots=slots, wanted=wanted, expires=expires)
            after = Share(leases=leases)
            condition = IfAbsent() if held is None else IfEtag(held.etag)
            try:
                etag = await self._docs.put(account, _KEY, after, condition=condition)
            except Conflict:
                held = await self._docs.find(account, _KEY)
                continue
            if leases.get(self._worker):
                self._last[user_id] = Held(after, etag)
            return Granted(slots, target)
        raise Conflict("the user's slots are contended")

    async def read(self, user_id: str) -> Share:
        """A user's leases as they stand."""
        held = await self._docs.find(SpaceKey.account(user_id), _KEY)
        return Share() if held is None else held.doc
