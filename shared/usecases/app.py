"""What use cases work with, wired by `shared.bootstrap`."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from shared.blobs import Blobs
from shared.config import Settings
from shared.errors import NotFound
from shared.llm.journal import JournalEntry
from shared.spaces.space import BuiltinSpace
from shared.store import Category, Store
from shared.store.documents import Documents, Held
from shared.store.ledger import Ledgers, UserQuotas
from shared.swarm.control import Control
from shared.swarm.swarm import Artifact, ContextDoc, QuestionDoc, Swarm
from shared.tenancy import TenantContext
from shared.tenancy.rates import RequestRates
from shared.types import Clock, SpaceKey, utc_now


@dataclass(frozen=True)
class App:
    """The ports that use cases are given."""

    store: Store
    blobs: Blobs
    settings: Settings
    actions: BuiltinSpace
    clock: Clock = utc_now

    def now(self) -> datetime:
        """The present time."""
        return self.clock()

    @cached_property
    def quotas(self) -> UserQuotas:
        """Every user's ceilings."""
        return UserQuotas.by(self.settings, self.store)

    @cached_property
    def rates(self) -> RequestRates:
        """Every user's requests to this process."""
        return RequestRates()

    @property
    def ledgers(self) -> Ledgers:
        """What every user's swarms may use and have used."""
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
        """Questions to the user."""
        return Documents(self.store, Category.QUESTION, QuestionDoc)

    @property
    def artifacts(self) -> Documents[Artifact]:
        """What nodes produced."""
        return Documents(self.store, Category.ARTIFACT, Artifact)

    @property
    def contexts(self) -> Documents[ContextDoc]:
        """What the user handed over."""
        return Documents(self.store, Category.CONTEXT, ContextDoc)

    @property
    def logs(self) -> Documents[JournalEntry]:
        """What nodes said to the model."""
        return Documents(self.store, Category.NODE_LOG, JournalEntry)

    async def swarm(self, tenant: TenantContext, swarm_id: str) -> tuple[SpaceKey, Held[Swarm]]:
        """One of the tenant's swarms and its space; raises `NotFound`, for ids that cannot be too."""
        space = tenant.space(swarm_id)
        held = await self.swarms.find(space, "swarm")
        if held is None or held.doc.deleted is not None:
            raise NotFound(f"there is no swarm {swarm_id!r}")
        return space, held
