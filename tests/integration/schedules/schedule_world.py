"""Schedules on a real store with a clock of the test's."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared import bootstrap
from shared.adapters.filesystem import FilesystemBlobs
from shared.adapters.sqlite import SqliteStore
from shared.blobs.guarded import GuardedBlobs
from shared.config import Settings
from shared.runtime import RunStatus
from shared.schedules.start_due import start_due
from shared.schedules.use_cases import NewSchedule, ScheduleView, create_schedule, get_schedule, schedules_of
from shared.services import Services
from shared.store import Category, Store
from shared.store.catalog import DueEntry, DueSchedules
from shared.store.documents import Documents
from shared.store.tombstones import GuardedStore
from shared.swarm.node import NodeRef
from shared.swarm.swarm import Swarm, SwarmStatus
from shared.tenancy import TenantContext
from shared.types import SYSTEM, SpaceKey

ADA, BOB = TenantContext("ada"), TenantContext("bob")
ID = "0123456789abcdef"
MINUTE = timedelta(minutes=1)


class Signals:
    """A runtime that keeps what it is told."""

    def __init__(self) -> None:
        self.started: list[str] = []

    async def start_swarm(self, root: NodeRef) -> None:
        self.started.append(root.swarm_id)

    async def wake(self, node: NodeRef, event: str) -> None:
        """Nothing waits here."""

    async def status(self, root: NodeRef) -> RunStatus:
        return RunStatus.ABSENT


class World:
    """One deployment's store and clock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = SqliteStore(folder)
        self.now = datetime(2026, 11, 22, 10, 0, 30, tzinfo=UTC)
        self.signals = Signals()
        self.services = self.app_on(self.store)

    def app_on(self, store: Store) -> Services:
        """A process of its own on the same data."""
        guarded = GuardedStore(store)
        blobs = GuardedBlobs(FilesystemBlobs(self.folder), guarded.deleted)
        settings = Settings(local_user="ada", spaces_dir=self.folder)
        return Services(guarded, blobs, settings, bootstrap.action_space(), clock=lambda: self.now)

    async def create(
        self, tenant: TenantContext = ADA, schedule_id: str = ID, services: Services | None = None, **fields: object
    ) -> ScheduleView:
        """A schedule; due each minute, unless the test says otherwise."""
        return (await create_schedule(services or self.services, tenant, new(**fields), schedule_id)).doc

    async def show(self, tenant: TenantContext = ADA, schedule_id: str = ID) -> ScheduleView:
        """The schedule as it stands."""
        return (await get_schedule(self.services, tenant, schedule_id)).doc

    async def tick(self, after: timedelta = timedelta(), services: Services | None = None) -> int:
        """Let time pass, and start what is due."""
        self.now += after
        return await start_due(services or self.services, self.signals)

    async def swarms(self, tenant: TenantContext = ADA) -> list[Swarm]:
        """The user's swarms, the newest first."""
        return (await self.services.swarms.page(tenant.account))[0]

    async def end(self, swarm_id: str, tenant: TenantContext = ADA) -> None:
        """End a swarm."""
        ended = {"status": SwarmStatus.COMPLETED, "ended": self.now}
        await self.services.swarms.change(tenant.space(swarm_id), "swarm", lambda swarm: swarm.model_copy(update=ended))

    async def entries(self) -> list[DueEntry]:
        """Everything that is to be looked at, whenever."""
        docs = Documents(self.store, Category.DUE, DueEntry)
        return [entry async for entry in docs.all(SpaceKey(SYSTEM, "due"))]

    async def consistent(self, tenant: TenantContext = ADA, schedule_id: str = ID) -> None:
        """Check that there is one entry for a schedule that is enabled, at its next due time, and none else."""
        held = await schedules_of(self.services).find(tenant.account, schedule_id)
        entry = await DueSchedules(self.store).find(tenant.user_id, schedule_id)
        due = None if held is None else held.doc.next_due
        assert (None if entry is None else (entry.doc.due, entry.doc.touched)) == (None if due is None else (due, None))

    def blobs(self) -> list[Path]:
        """The blobs of templates."""
        return [path for path in self.folder.glob("*_template-*/blobs/*") if path.is_file()]


def new(**fields: object) -> NewSchedule:
    """What a user asks for."""
    swarm = fields.pop("swarm", None) or {"directive": "Write the report."}
    return NewSchedule.model_validate({"name": "Report", "cron": "* * * * *", "swarm": swarm, **fields})


def large(word: str = "fact") -> dict[str, object]:
    """A swarm whose context is too large for a document."""
    return {"directive": f"Use {word}.", "context": [{"name": f"{word}.md", "content": f"{word} " * 20_000}]}
