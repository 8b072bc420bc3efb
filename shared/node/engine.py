"""What activities work with: the ports, the settings and the clock, wired by `shared.bootstrap`."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from weakref import WeakValueDictionary

from shared.blobs import Blobs
from shared.config import Settings
from shared.errors import NotFound
from shared.llm.port import ChatModel
from shared.model_calls.backoff import Rests
from shared.model_calls.limiter import CallLimiter
from shared.model_calls.slot_leases import Shares
from shared.model_calls.user_slots import Pace, SharedCalls
from shared.spaces.space import BuiltinSpace
from shared.store import Category, Store
from shared.store.documents import Documents, Held
from shared.store.ledger import Ledgers, UserQuotas
from shared.store.nodes import Nodes
from shared.store.tombstones import Tombstones
from shared.swarm.control import RUNNING, Control
from shared.swarm.node import NodeRef
from shared.swarm.swarm import QuestionDoc, Swarm
from shared.types import Clock, SpaceKey, utc_now

#: Swarms whose unchanging part is kept in memory.
_CACHED_SWARMS = 1_000


@dataclass(frozen=True)
class Engine:
    """The ports that activities are given."""

    store: Store
    blobs: Blobs
    model: ChatModel
    limiter: CallLimiter
    settings: Settings
    actions: BuiltinSpace
    #: Names this process in claims.
    worker: str
    clock: Clock = utc_now
    #: The nodes that a busy dependency told to come back later.
    rests: Rests = field(default_factory=Rests)
    _swarms: OrderedDict[SpaceKey, Swarm] = field(default_factory=OrderedDict)
    #: One for each node that something in this process works on or waits for.
    _turns: WeakValueDictionary[tuple[SpaceKey, str], asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def now(self) -> datetime:
        """The present time."""
        return self.clock()

    @cached_property
    def calls(self) -> SharedCalls:
        """Slots for model calls, of which every user has a share."""
        quotas = UserQuotas.by(self.settings, self.store)
        pace = Pace.of_claims(self.settings.claim_seconds)
        return SharedCalls(Shares(self.store, self.worker), self.limiter, quotas, self.clock, pace)

    @property
    def ledgers(self) -> Ledgers:
        """What every user's swarms may use and have used."""
        return Ledgers(self.store)

    async def deleted(self, space: SpaceKey) -> bool:
        """Whether a swarm is deleted, so that late workers find nothing."""
        return await Tombstones(self.store).there(space)

    @asynccontextmanager
    async def unless_deleted(self, space: SpaceKey) -> AsyncIterator[None]:
        """Leave it at that when something is not found because its swarm was deleted meanwhile."""
        try:
            yield
        except NotFound:
            if not await self.deleted(space):
                raise

    def turn_on(self, ref: NodeRef) -> asyncio.Lock:
        """Held by whatever works on a node in this process; a claim tells only processes apart."""
        return self._turns.setdefault((ref.space, ref.node_id), asyncio.Lock())

    def nodes(self, space: SpaceKey) -> Nodes:
        """The nodes of a swarm space."""
        return Nodes(self.store, space)

    @property
    def questions(self) -> Documents[QuestionDoc]:
        """Questions to users."""
        return Documents(self.store, Category.QUESTION, QuestionDoc)

    async def swarm(self, space: SpaceKey) -> Swarm:
        """The part of a swarm's document that never changes: directive, limits, creation."""
        known = self._swarms.get(space)
        if known is None:
            known = (await Documents(self.store, Category.SWARM, Swarm).get(space, "swarm")).doc
            self._swarms[space] = known
            if len(self._swarms) > _CACHED_SWARMS:
                self._swarms.popitem(last=False)
        return known

    async def control(self, space: SpaceKey) -> Control:
        """What the user asks of a swarm now."""
        found: Held[Control] | None = await Documents(self.store, Category.CONTROL, Control).find(space, "swarm")
        return RUNNING if found is None else found.doc
