"""A swarm on a real store that outlives the processes which work on it, and the scenarios that are run."""

import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from fault_driver import STALL, Life, User, VirtualClock
from fault_model import RuleModel, Watcher
from fault_store import MortalStore

from shared import bootstrap
from shared.adapters.filesystem import FilesystemBlobs
from shared.adapters.sqlite import SqliteStore
from shared.config import Settings
from shared.llm.journal import JournalEntry
from shared.node.journal import log_documents
from shared.runtime import RunStatus
from shared.services import Services
from shared.store import Store
from shared.swarm.control import Command, is_below
from shared.swarm.node import ROOT_ID, NodeRef
from shared.swarm.statuses import Status
from shared.swarm.swarm import QuestionState, SwarmStatus
from shared.tenancy import TenantContext
from shared.types import SpaceKey
from shared.usecases.control import cancel_branch, pause_branch, resume_branch
from shared.usecases.create_swarm import NewSwarm, create_swarm, root_ref
from shared.usecases.questions import answer_question
from tests.crash import crash_checks, crash_script
from tests.crash.crash_checks import Ended, Shape

TENANT = TenantContext("ada")


@dataclass(frozen=True)
class Scenario:
    """A kind of swarm, and what its user does."""

    name: str
    new: NewSwarm
    #: The step at whose first call the user cancels or pauses the swarm, or the branch if one is named.
    cancel_at: str | None = None
    pause_at: str | None = None
    branch: str = ROOT_ID


def scenario(name: str, directive: str, *, context: int = 0, rounds: int = 3, **at: str) -> Scenario:
    """A scenario whose directive spells out its tree."""
    documents = [{"name": f"notes{n}.md", "content": f"Fact number {n}."} for n in range(context)]
    new = NewSwarm.model_validate({"directive": directive, "context": documents, "limits": {"rounds": rounds}})
    return Scenario(name, new, **at)


_BELOW = crash_script.both("Write a.md", crash_script.both("Write b.md"))
SCENARIOS = (
    scenario("leaf", crash_script.both("Write a.md")),
    scenario("routers", crash_script.both("Write a.md", crash_script.both("Write b.md", "Program c.py"))),
    scenario("continuation", crash_script.twice(["Write a.md"], ["Write b.md"])),
    scenario("question", crash_script.both("Ask for a", "Clarify b")),
    scenario("context", crash_script.both("Write a.md"), context=2),
    scenario("failing", crash_script.both("Write a.md", "Break b.py", "Refuse c.md", "Ponder d")),
    scenario("hopeless", crash_script.both("Ponder d"), rounds=2),
    scenario("cancel", _BELOW, cancel_at="0.1.0.0.0/0.0.0"),
    scenario("pause", crash_script.both("Write a.md", "Write b.md"), pause_at="0.1.0/0.0.0"),
    scenario("branch cancelled", _BELOW, cancel_at="0.1.0.0.0/0.0.0", branch="0.1"),
    scenario("branch paused", _BELOW, pause_at="0.1.0.0.0/0.0.0", branch="0.1.0"),
    scenario("router paused", crash_script.both("Write a.md", "Write b.md"), pause_at="0.1/0.0.0", branch="0.1"),
)


@dataclass
class World:
    """One swarm's space on disk, its clock, and the calls its model got over all lives."""

    folder: Path
    scenario: Scenario
    space: SpaceKey
    clock: VirtualClock
    store: SqliteStore
    settings: Settings = field(default_factory=lambda: Settings(local_user=TENANT.user_id))
    calls: Counter[str] = field(default_factory=Counter)
    lives: int = 0
    #: Whether the latest life saw the swarm's end.
    ended_well: bool = False
    #: Told of every model call before it is answered.
    watcher: Watcher | None = None

    @property
    def root(self) -> NodeRef:
        return root_ref(self.space)

    def worker(self, store: Store, name: str) -> Services:
        """A worker of its own."""
        return Services(
            store=store,
            blobs=FilesystemBlobs(self.folder),
            settings=self.settings,
            actions=bootstrap.action_space(),
            connect_model=self._model,
            worker=name,
            clock=self.clock,
        )

    def services(self, store: Store) -> Services:
        """What use cases get."""
        blobs = FilesystemBlobs(self.folder)
        return Services(store, blobs, self.settings, bootstrap.action_space(), clock=self.clock)

    def _model(self) -> RuleModel:
        model = RuleModel(crash_script.rule, self.watcher or self.user_at_calls())
        model.seen = self.calls
        return model

    def user_at_calls(self) -> Watcher:
        """The user who cancels or pauses in the middle of a call."""

        async def watch(step: str, _times: int) -> None:
            services, branch = self.services(self.store), (self.space.swarm_id, self.scenario.branch)
            if step == self.scenario.cancel_at and not await self._commanded(Command.CANCEL):
                await cancel_branch(services, TENANT, Deaf(), *branch)
            if step == self.scenario.pause_at and self.calls[step] == 1:
                await pause_branch(services, TENANT, *branch)

        return watch

    async def _commanded(self, command: Command) -> bool:
        return (await self.services(self.store).control(self.space)).of(self.scenario.branch) is command

    def life(
        self, deadly: int | None = None, *, after: bool = False, workers: int = 1, delivered: str = "once"
    ) -> tuple[Life, MortalStore]:
        """A process that dies at its `deadly`-th write."""
        store = MortalStore(self.store, deadly, after=after)
        self.lives += 1
        instances = [self.worker(store, f"worker-{self.lives}-{n}") for n in range(workers)]
        life = Life(self.clock, instances, delivered)
        store.on_death = life.die
        life.user = self._user(store)
        return life, store

    def _user(self, store: Store) -> User:
        services = self.services(store)

        async def act(life: Life) -> bool:
            acted = False
            async for question in services.questions.all(self.space):
                if question.state is QuestionState.OPEN:
                    answer = f"Answer to {question.question}"
                    await answer_question(services, TENANT, life, self.space.swarm_id, question.question_id, answer)
                    acted = True
            if self.scenario.pause_at and await self._commanded(Command.PAUSE):
                await resume_branch(services, TENANT, life, self.space.swarm_id, self.scenario.branch)
                acted = True
            return acted

        return act

    async def live(self, deadly: int | None = None, *, after: bool = True) -> list[str]:
        """One life; what went wrong in it. A call that is in the journal already must not be made again."""
        journalled = {f"{entry.node_id}/{entry.step}" for entry in await self.log()}
        before = Counter(self.calls)
        life, _ = self.life(deadly, after=after)
        self.ended_well = await life.run(self.root)
        made = self.calls - before
        found = [f"{step} was called again though it is in the journal" for step in made.keys() & journalled]
        found += [f"{step} was called {times} times in one life" for step, times in made.items() if times > 1]
        return life.errors + found

    async def log(self) -> list[JournalEntry]:
        """Every model call that is written down."""
        return [entry async for entry in log_documents(self.store).all(self.space)]

    async def ended(self) -> Ended:
        """What is stored once the swarm has ended."""
        return await crash_checks.read(self.store, self.space)


class Deaf:
    """A runtime that hears no signal: the store must suffice."""

    def __init__(self) -> None:
        self.started: list[NodeRef] = []

    async def start_swarm(self, root: NodeRef) -> None:
        self.started.append(root)

    async def wake(self, node: NodeRef, event: str) -> None:
        """Nothing."""

    async def status(self, root: NodeRef) -> RunStatus:
        return RunStatus.ABSENT


async def create(folder: Path, scenario: Scenario) -> World:
    """A swarm that was created and not begun."""
    store = SqliteStore(folder)
    world = World(folder, scenario, SpaceKey("ada", "none"), VirtualClock(), store)
    swarm = await create_swarm(world.services(store), TENANT, Deaf(), scenario.new)
    world.space = SpaceKey("ada", swarm.swarm_id)
    return world


async def copy(world: World, folder: Path) -> World:
    """The same swarm once more, in a folder of its own."""
    shutil.copytree(world.folder, folder)
    return World(folder, world.scenario, world.space, VirtualClock(), SqliteStore(folder))


async def undisturbed(base: World) -> tuple[Shape, int]:
    """The shape of a run that nothing happens to, and how often it writes."""
    world = await copy(base, base.folder.with_name("undisturbed"))
    life, store = world.life()
    assert await life.run(world.root)
    faults = life.errors + crash_checks.faults(await world.ended())
    shape = crash_checks.shape(await world.ended())
    await world.store.close()
    assert faults == []
    return shape, store.writes


async def verdict(world: World, expected: Shape) -> list[str]:
    """What is wrong with a world whose swarm has ended."""
    ended = await world.ended()
    found = crash_checks.faults(ended)
    if world.scenario.cancel_at is None:  # how far a cancelled one gets is a matter of moments
        found += crash_checks.differences(expected, crash_checks.shape(ended))
    elif world.scenario.branch != ROOT_ID:
        found += _of_branches(ended, world.scenario.branch)
    elif ended.swarm.status is not SwarmStatus.CANCELLED:
        found.append(f"the swarm is {ended.swarm.status}, not cancelled")
    return found


def _of_branches(ended: Ended, cancelled: str) -> list[str]:
    """What is wrong where one branch was cancelled and all others were to end well."""
    found = [] if ended.swarm.status is SwarmStatus.COMPLETED else [f"the swarm is {ended.swarm.status}"]
    for node_id, node in ended.nodes.items():
        expected = Status.CANCELLED if is_below(node_id, cancelled) else Status.TERMINATED
        if node.status is not expected:
            found.append(f"{node_id} is {node.status}, not {expected}")
    return found


async def die_once(base: World, expected: Shape, folder: Path, deadly: int) -> list[str]:
    """Let a swarm die after a write (before its first, for 0) and live again; what is wrong with its end."""
    world = await copy(base, folder)
    try:
        found = await world.live(max(deadly, 1), after=deadly > 0)
        begun = world.clock.time
        found += [] if world.ended_well else await world.live()
        if not world.ended_well:
            found.append("it did not end in its second life")
        if world.clock.time - begun > STALL:
            found.append(f"it stood still for {world.clock.time - begun} after the death")
        return found + await verdict(world, expected)
    finally:
        await world.store.close()
        shutil.rmtree(folder)
