"""A deployment in one process, its store a real one, and deliveries to its hooks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shared import bootstrap
from shared.adapters.filesystem import FilesystemBlobs
from shared.adapters.sqlite import SqliteStore
from shared.blobs.guarded import GuardedBlobs
from shared.config import Settings
from shared.hooks import use_cases as hooks
from shared.hooks.deliver import deliver
from shared.hooks.signing import Verification, sign
from shared.hooks.use_cases import CreatedHook, NewHook
from shared.runtime import RunStatus
from shared.services import Services
from shared.store import Store
from shared.store.tombstones import GuardedStore
from shared.swarm.node import NodeRef
from shared.swarm.swarm import Swarm
from shared.tenancy import TenantContext

ADA, BOB = TenantContext("ada"), TenantContext("bob")
BODY = b'{"build": 7}'


@dataclass
class Signals:
    """A runtime that keeps what it is told."""

    started: list[str] = field(default_factory=list)

    async def start_swarm(self, root: NodeRef) -> None:
        self.started.append(root.swarm_id)

    async def wake(self, node: NodeRef, event: str) -> None:
        """Nobody waits."""

    async def status(self, root: NodeRef) -> RunStatus:
        return RunStatus.ABSENT


class World:
    """Ada is the deployment's own user; others must be made."""

    def __init__(self, folder: Path) -> None:
        self.now = datetime(2026, 11, 22, 12, tzinfo=UTC)
        self.settings = Settings(local_user="ada", spaces_dir=folder)
        self.bare = SqliteStore(folder, clock=lambda: self.now.timestamp())
        self.folder = folder
        self.runtime = Signals()
        self.services = self.over(self.bare)

    def over(self, store: Store) -> Services:
        """The app over a store that may fail."""
        guarded = GuardedStore(store)
        blobs = GuardedBlobs(FilesystemBlobs(self.folder), guarded.deleted)
        return Services(guarded, blobs, self.settings, bootstrap.action_space(), clock=lambda: self.now)

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)

    async def hook(
        self, way: Verification = Verification.STANDARD, tenant: TenantContext = ADA, request: str = "r", **swarm: Any
    ) -> CreatedHook:
        """A new hook."""
        new = NewHook.model_validate({"name": "builds", "verification": way, "swarm": {"directive": "Look", **swarm}})
        return (await hooks.create_hook(self.services, tenant, new, request)).doc

    async def deliver(
        self,
        hook: CreatedHook,
        delivery_id: str = "d",
        body: bytes = BODY,
        services: Services | None = None,
        age: float = 0.0,
        headers: Mapping[str, str] | None = None,
    ) -> str | None:
        """Deliver something as the hook wants it signed, `age` seconds ago; `headers` replace its own."""
        signed = sign(hook.verification, hook.secret, body, delivery_id, self.now - timedelta(seconds=age))
        given = {name.lower(): value for name, value in signed.items()} | dict(headers or {})
        return await deliver(services or self.services, self.runtime, hook.hook_id, given, body)

    async def swarms(self, tenant: TenantContext = ADA) -> list[Swarm]:
        """The user's swarms, in full."""
        listed, _ = await self.services.swarms.page(tenant.account)
        return [(await self.services.swarm(tenant, one.swarm_id))[1].doc for one in listed]

    async def shown(self, hook: CreatedHook, tenant: TenantContext = ADA) -> hooks.HookDetail:
        """The hook as its owner sees it."""
        return (await hooks.get_hook(self.services, tenant, hook.hook_id)).doc

    def templates(self) -> list[str]:
        """The places outside of documents in which templates are kept."""
        return [path.name for path in self.folder.glob("*_template-*") if any(one.is_file() for one in path.rglob("*"))]

    def kept(self) -> bytes:
        """Every byte on disk."""
        return b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())
