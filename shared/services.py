"""Services: the ports, the settings and the clock that activities and use cases are given."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from weakref import WeakValueDictionary

from shared.blobs import Blobs
from shared.config import Settings
from shared.errors import InvalidInput, NotFound
from shared.llm.journal import JournalEntry
from shared.llm.port import ChatModel
from shared.model_calls.backoff import Backoffs
from shared.model_calls.limiter import CallLimiter
from shared.model_calls.slot_leases import SlotLeases
from shared.model_calls.user_slots import Pace, UserSlots
from shared.spaces.space import BuiltinSpace
from shared.store import Category, Store
from shared.store.documents import Documents, Held
from shared.store.ledger import Ledgers, UserQuotas
from shared.store.nodes import Nodes
from shared.store.tombstones import Tombstones
from shared.swarm.control import RUNNING, Control
from shared.swarm.node import NodeRef
from shared.swarm.swarm import Artifact, ContextDoc, QuestionDoc, Swarm
from shared.tenancy import TenantContext
from shared.tenancy.rates import RequestRates
from shared.tenancy.turns import Turns
from shared.types import Clock, SpaceKey, utc_now

#: Swarms whose unchanging part is cached.
_CACHED_SWARMS = 1_000


def _no_model() -> ChatModel:
    raise InvalidInput("this process has no model endpoint")


def _new_worker() -> str:
    return secrets.token_hex(8)


@dataclass(frozen=True)
class Services:
    """What a process works with; wired once by `shared.bootstrap`. Nothing is connected before it is first used."""

    store: Store
    blobs: Blobs
    settings: Settings
    actions: BuiltinSpace
    #: Connects to the model endpoint; raises `InvalidInput` where none is configured.
    connect_model: Callable[[], ChatModel] = _no_model
    #: Names this process in claims and slot leases.
    worker: str = field(default_factory=_new_worker)
    clock: Clock = utc_now
    #: Nodes that wait out a Retry-After.
    backoffs: Backoffs = field(default_factory=Backoffs)
    _swarms: OrderedDict[SpaceKey, Swarm] = field(default_factory=OrderedDict)
    #: One lock for each node that a task of this process works on or waits for.
    _node_locks: WeakValueDictionary[tuple[SpaceKey, str], asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def now(self) -> datetime:
        """Return the present time."""
        return self.clock()

    @cached_property
    def model(self) -> ChatModel:
        """The chat endpoint, connected on first use."""
        return self.connect_model()

    @cached_property
    def quotas(self) -> UserQuotas:
        """Every user's quotas."""
        return UserQuotas.by(self.settings, self.store)

    @cached_property
    def rates(self) -> RequestRates:
        """Every user's request rate in this process."""
        return RequestRates()

    @cached_property
    def requests(self) -> Turns:
        """Requests that each user has worked on at once in this process; more of theirs wait for these."""
        return Turns("requests", each_user=8, own_patience=30.0, retry_after=2.0)

    @cached_property
    def long_polls(self) -> Turns:
        """Requests of this process that wait for an event: half of the 200 that `host.json` lets in at once."""
        return Turns("requests that wait for events", each_user=20, in_all=100, retry_after=5.0)

    @cached_property
    def imports(self) -> Turns:
        """Imports of archives under way in this process."""
        return Turns("imports", each_user=1, in_all=2, patience=20.0, retry_after=5.0)

    @cached_property
    def calls(self) -> UserSlots:
        """Slots for model calls in flight, shared fairly among users."""
        limiter = CallLimiter(self.settings.user_calls, self.settings.all_calls)
        pace = Pace.of_claims(self.settings.claim_seconds)
        return UserSlots(SlotLeases(self.store, self.worker), limiter, self.quotas, self.clock, pace)

    @property
    def ledgers(self) -> Ledgers:
        """Reserved and used amounts of every user."""
        return Ledgers(self.store)

    @property
    def swarms(self) -> Documents[Swarm]:
        """Swarm documents: each in its own space, and a summary of each in its user's account."""
        return Documents(self.store, Category.SWARM, Swarm)

    @property
    def controls(self) -> Documents[Control]:
        """Control documents."""
        return Documents(self.store, Category.CONTROL, Control)

    @property
    def questions(self) -> Documents[QuestionDoc]:
        """Questions to users."""
        return Documents(self.store, Category.QUESTION, QuestionDoc)

    @property
    def artifacts(self) -> Documents[Artifact]:
        """Files that nodes produced."""
        return Documents(self.store, Category.ARTIFACT, Artifact)

    @property
    def contexts(self) -> Documents[ContextDoc]:
        """Documents that users handed over."""
        return Documents(self.store, Category.CONTEXT, ContextDoc)

    @property
    def logs(self) -> Documents[JournalEntry]:
        """Journal entries of nodes: their model calls."""
        return Documents(self.store, Category.NODE_LOG, JournalEntry)

    def nodes(self, space: SpaceKey) -> Nodes:
        """Return the nodes of one swarm space."""
        return Nodes(self.store, space)

    def node_lock(self, ref: NodeRef) -> asyncio.Lock:
        """Return the lock that tasks of this process take to work on a node; a claim tells only processes apart."""
        return self._node_locks.setdefault((ref.space, ref.node_id), asyncio.Lock())

    async def swarm(self, tenant: TenantContext, swarm_id: str) -> tuple[SpaceKey, Held[Swarm]]:
        """Return one of the tenant's swarms and its space; raises `NotFound`, for malformed ids too."""
        space = tenant.space(swarm_id)
        held = await self.swarms.find(space, "swarm")
        if held is None or held.doc.deleted is not None:
            raise NotFound(f"there is no swarm {swarm_id!r}")
        return space, held

    async def load_swarm(self, space: SpaceKey) -> Swarm:
        """Return the part of a swarm's document that never changes: directive, limits, creation. It is cached."""
        known = self._swarms.get(space)
        if known is None:
            known = (await self.swarms.get(space, "swarm")).doc
            self._swarms[space] = known
            if len(self._swarms) > _CACHED_SWARMS:
                self._swarms.popitem(last=False)
        return known

    async def control(self, space: SpaceKey) -> Control:
        """Return what the user asks of a swarm now."""
        held = await self.controls.find(space, "swarm")
        return RUNNING if held is None else held.doc

    async def deleted(self, space: SpaceKey) -> bool:
        """Return whether a swarm is deleted."""
        return await Tombstones(self.store).there(space)

    @asynccontextmanager
    async def unless_deleted(self, space: SpaceKey) -> AsyncIterator[None]:
        """Suppress `NotFound` where the swarm was deleted meanwhile."""
        try:
            yield
        except NotFound:
            if not await self.deleted(space):
                raise
