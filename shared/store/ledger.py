"""The ledger of each user, one document in their account, and the ceilings it is held against."""

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime

from shared.config import Settings
from shared.errors import Conflict, Unavailable
from shared.store.catalog import Users
from shared.store.documents import Documents, Held
from shared.store.port import Category, IfAbsent, IfEtag, Store
from shared.swarm.budget import Limits
from shared.swarm.usage import Usage
from shared.tenancy.quotas import Ledger, Quotas, Reservation, Spending, own_machine
from shared.types import SpaceKey

_KEY = "ledger"
#: Tries of one change while others change the same ledger, and seconds between two of them at most.
_ATTEMPTS = 30
_LONGEST_PAUSE = 0.1
#: Seconds for which a user's ceilings are taken as they were last read, and users remembered.
QUOTAS_AGE = 60.0
_MAX_USERS = 10_000


def spending(usage: Usage) -> Spending:
    """What model calls come to in a ledger."""
    return Spending(tokens=usage.input_tokens + usage.output_tokens, cost_usd=usage.cost_usd)


def reservation(limits: Limits) -> Reservation:
    """What is set aside for a swarm: all that its limits let it use."""
    return Reservation(nodes=limits.nodes, spending=Spending(tokens=limits.tokens, cost_usd=limits.cost_usd))


class Ledgers:
    """Every user's ledger. A change is one conditional write."""

    def __init__(self, store: Store) -> None:
        self._docs = Documents(store, Category.LEDGER, Ledger)

    async def read(self, user_id: str) -> Ledger:
        """A user's ledger as it stands."""
        held = await self._find(user_id)
        return Ledger() if held is None else held.doc

    async def check(self, space: SpaceKey, wanted: Reservation, quotas: Quotas, now: datetime) -> None:
        """Raise `QuotaExceeded` if there is no room for a new swarm now. Sets nothing aside."""
        (await self.read(space.user_id)).reserve(space.swarm_id, wanted, quotas, now)

    async def reserve(self, space: SpaceKey, wanted: Reservation, quotas: Quotas, now: datetime) -> None:
        """Set aside what a new swarm may use; raises `QuotaExceeded`. May be repeated."""
        await self._change(space.user_id, lambda ledger: ledger.reserve(space.swarm_id, wanted, quotas, now))

    async def settle(self, space: SpaceKey, used: Spending, now: datetime) -> None:
        """Put what a swarm used in the place of what was set aside for it. May be repeated."""
        await self._change(space.user_id, lambda ledger: ledger.settle(space.swarm_id, used, now))

    async def _change(self, user_id: str, change: Callable[[Ledger], Ledger]) -> None:
        for attempt in range(_ATTEMPTS):
            held = await self._find(user_id)
            before = Ledger() if held is None else held.doc
            after = change(before)
            if after == before:
                return
            condition = IfAbsent() if held is None else IfEtag(held.etag)
            try:
                await self._docs.put(SpaceKey.account(user_id), _KEY, after, condition=condition)
            except Conflict:
                spread = random.random()  # noqa: S311 - keeps contenders apart, and no secret
                await asyncio.sleep(spread * min(_LONGEST_PAUSE, 0.002 * 2.0**attempt))
                continue
            return
        raise Unavailable("the ledger is too busy to be written now", retry_after=2.0)

    async def _find(self, user_id: str) -> Held[Ledger] | None:
        return await self._docs.find(SpaceKey.account(user_id), _KEY)


class UserQuotas:
    """The ceilings of every user, read from their documents at most once a minute."""

    def __init__(
        self,
        store: Store,
        default: Quotas,
        local: Mapping[str, Quotas] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`default` is for users the deployment keeps no document of, and `local` names those with others."""
        self._users = Users(store)
        self._default = default
        self._local = local or {}
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, Quotas]] = OrderedDict()

    @classmethod
    def by(cls, settings: Settings, store: Store) -> "UserQuotas":
        """The ceilings of a deployment with these settings."""
        calls = settings.user_calls
        local = {} if settings.local_user is None else {settings.local_user: own_machine(calls)}
        return cls(store, Quotas(calls_at_once=calls), local)

    async def of(self, user_id: str) -> Quotas:
        """One user's ceilings."""
        known = self._known.get(user_id)
        if known is not None and self._clock() - known[0] < QUOTAS_AGE:
            return known[1]
        user = await self._users.find(user_id)
        quotas = self._local.get(user_id, self._default) if user is None else user.quotas
        self._known[user_id] = (self._clock(), quotas)
        self._known.move_to_end(user_id)
        if len(self._known) > _MAX_USERS:
            self._known.popitem(last=False)
        return quotas
