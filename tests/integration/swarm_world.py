"""A deployment in one process: guarded store and blobs, use cases, workers, and a model that can be held."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local.scripted import Call
from local.scripted.rules import STEP_HEADER
from shared import bootstrap
from shared.activities.advance_node import advance_node
from shared.activities.begin_swarm import begin_swarm
from shared.activities.finish_swarm import finish_swarm
from shared.adapters.filesystem import FilesystemBlobs
from shared.adapters.sqlite import SqliteStore
from shared.blobs.guarded import GuardedBlobs
from shared.config import Settings
from shared.errors import ModelError
from shared.llm.port import Completion, CompletionRequest
from shared.runtime import RunStatus
from shared.runtime.steps import Step
from shared.services import Services
from shared.store.tombstones import GuardedStore
from shared.swarm.node import NodeRef
from shared.swarm.swarm import Swarm
from shared.tenancy import TenantContext
from shared.usecases.create_swarm import NewSwarm, create_swarm, root_ref
from tests.crash import crash_script

ADA, BOB = TenantContext("ada"), TenantContext("bob")
SMALL = crash_script.both("Write a.md", "Write b.md")


class Clock:
    """The time of a test: today's, and what the test adds."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def pass_(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


class HeldModel:
    """Answers by the script; calls wait while the gate is shut."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        #: Set as soon as a call waits.
        self.waits = asyncio.Event()
        self.calls: Counter[str] = Counter()

    async def complete(self, request: CompletionRequest) -> Completion:
        """Answer one request."""
        step = request.headers[STEP_HEADER]
        self.calls[step] += 1
        body: dict[str, object] = {"messages": [message.model_dump() for message in request.messages]}
        if request.schema is not None:
            body["response_format"] = {"json_schema": {"name": request.schema_name, "schema": request.schema}}
        if not self.gate.is_set():
            self.waits.set()
            await self.gate.wait()
        reply = crash_script.rule(Call(self.calls.total(), step, self.calls[step], body, request.headers))
        if reply.status >= 400:
            raise ModelError(str(reply.content))
        text = reply.content if isinstance(reply.content, str) else json.dumps(reply.content)
        return Completion(text, request.model, "stop", 100, 10)

    async def close(self) -> None:
        """Nothing is held."""


@dataclass
class Signals:
    """A runtime that keeps what it is told."""

    started: list[str] = field(default_factory=list)
    woken: list[tuple[str, str]] = field(default_factory=list)

    async def start_swarm(self, root: NodeRef) -> None:
        self.started.append(root.swarm_id)

    async def wake(self, node: NodeRef, event: str) -> None:
        self.woken.append((node.node_id, event))

    async def status(self, root: NodeRef) -> RunStatus:
        return RunStatus.ABSENT


class World:
    """The parts, on one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.bare = SqliteStore(folder, clock=lambda: self.clock().timestamp())
        self.store = GuardedStore(self.bare)
        self.blobs = GuardedBlobs(FilesystemBlobs(folder), self.store.deleted)
        self.settings = Settings(local_user="ada", spaces_dir=folder, sweep_after=1.0)
        self.model = HeldModel()
        self.services = self.worker("one")

    def worker(self, name: str) -> Services:
        """An instance of its own, with a guard that knows nothing of what the others found."""
        store = GuardedStore(self.bare)
        return Services(
            store=store,
            blobs=GuardedBlobs(FilesystemBlobs(self.folder), store.deleted),
            settings=self.settings,
            actions=bootstrap.action_space(),
            connect_model=lambda: self.model,
            worker=name,
            clock=self.clock,
        )

    async def create(self, directive: str = SMALL, tenant: TenantContext = ADA, **more: object) -> Swarm:
        """A swarm that is stored whole and that nobody works on yet."""
        new = NewSwarm.model_validate({"directive": directive, **more})
        return await create_swarm(self.services, tenant, Signals(), new)

    async def run(self, swarm: Swarm, services: Services | None = None) -> None:
        """Drive a swarm to its end."""
        root = root_ref(TenantContext(swarm.user_id).space(swarm.swarm_id))
        await drive(services or self.services, root)

    def files_of(self, swarm: Swarm) -> list[Path]:
        """What lies on disk of a swarm."""
        return list((self.folder / f"{swarm.user_id}_{swarm.swarm_id}").rglob("*"))


async def drive(services: Services, root: NodeRef) -> None:
    """What the orchestrations do, in real time: drive a swarm's nodes until its root has ended, and finish it."""
    await _pursue(services, root, await begin_swarm(services, root))
    await drive_node(services, root)
    await finish_swarm(services, root)


async def drive_node(services: Services, ref: NodeRef) -> None:
    """Drive one node until it ends."""
    while (step := await advance_node(services, ref)).kind != "ended":
        await _pursue(services, ref, step)


async def _pursue(services: Services, ref: NodeRef, step: Step) -> None:
    if step.kind == "children":
        await asyncio.gather(*(drive_node(services, ref.to(child.node_id)) for child in step.children))
    elif step.kind != "ended":
        await asyncio.sleep(max(0.02, step.seconds))
