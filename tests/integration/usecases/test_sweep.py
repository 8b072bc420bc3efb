"""The sweep on a real store: whatever signal was lost, and whoever died halfway, the swarm goes on."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared import bootstrap
from shared.adapters.filesystem import FilesystemBlobs
from shared.adapters.sqlite import SqliteStore
from shared.config import Settings
from shared.runtime import RunStatus, Runtime
from shared.runtime.names import answered_event, branch_resumed_event, resumed_event
from shared.services import Services
from shared.store import Category
from shared.store.catalog import UnfinishedSwarms
from shared.store.history import History
from shared.store.nodes import HeldNode, Nodes
from shared.swarm.birth import MANAGER_ID, child_of
from shared.swarm.node import ROOT_ID, NodeRef
from shared.swarm.outcomes import SubDirective
from shared.swarm.statuses import Operation, Status
from shared.swarm.swarm import QuestionDoc, QuestionState
from shared.swarm.transitions import transition
from shared.tenancy import TenantContext
from shared.types import SpaceKey
from shared.usecases.control import cancel_branch, cancel_swarm, pause_branch, pause_swarm, resume_branch, resume_swarm
from shared.usecases.create_swarm import NewSwarm, create_swarm
from shared.usecases.questions import answer_question
from shared.usecases.sweep import FORGET_AFTER, REPEAT_FOR, SEAL_AFTER, sweep

#: A use case that tells a swarm something and wakes its nodes.
Tell = Callable[[Services, TenantContext, Runtime, str], Awaitable[object]]

ADA = TenantContext("ada")
#: Seconds after which a signal counts as lost, and a while more.
LOST = 61.0


@dataclass
class Clock:
    """The time of a test."""

    time: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class Signals:
    """A runtime that keeps what it is told; what runs is up to the test."""

    running: set[str] = field(default_factory=set)
    started: list[str] = field(default_factory=list)
    woken: list[tuple[str, str]] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)

    async def start_swarm(self, root: NodeRef) -> None:
        self.started.append(root.swarm_id)

    async def wake(self, node: NodeRef, event: str) -> None:
        self.woken.append((node.node_id, event))

    async def status(self, root: NodeRef) -> RunStatus:
        if root.swarm_id in self.ended:
            return RunStatus.ENDED
        return RunStatus.RUNNING if root.swarm_id in self.running else RunStatus.ABSENT


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def services(tmp_path: Path, clock: Clock) -> AsyncIterator[Services]:
    store = SqliteStore(tmp_path)
    settings = Settings(local_user=ADA.user_id, spaces_dir=tmp_path, sweep_after=60.0)
    yield Services(store, FilesystemBlobs(tmp_path), settings, bootstrap.action_space(), clock=clock)
    await store.close()


async def created(services: Services, directive: str = "Do it") -> SpaceKey:
    """A swarm that is stored whole, and whose signal to start nobody heard."""
    swarm = await create_swarm(services, ADA, Signals(), NewSwarm(directive=directive))
    return ADA.space(swarm.swarm_id)


async def listed(services: Services) -> set[str]:
    """The swarms that the sweep goes by."""
    return {entry.swarm_id async for entry in UnfinishedSwarms(services.store).all()}


async def act(services: Services, space: SpaceKey, to: Status = Status.ACTING) -> HeldNode:
    """Have the root begin its work."""
    held = await Nodes(services.store, space).load(ROOT_ID)
    await Nodes(services.store, space).commit(held, transition(held.node, Operation.EXECUTE, to, services.now()))
    return held


async def asked(services: Services, space: SpaceKey) -> QuestionDoc:
    """Have the root ask a question and wait for the answer."""
    held = await act(services, space)
    deadline = services.now() + timedelta(days=1)
    question = QuestionDoc(
        question_id="0-0.0",
        node_id=ROOT_ID,
        turn=held.node.turn,
        question="Which colour?",
        assumption="blue",
        asked=services.now(),
        deadline=deadline,
    )
    await services.questions.create(space, question.question_id, question)
    blocked = transition(
        held.node, Operation.BLOCKING, Status.BLOCKED, services.now(), questions=("0-0.0",), answer_by=deadline
    )
    await Nodes(services.store, space).commit(held, blocked)
    return question


async def test_a_swarm_whose_start_was_lost_is_started(services: Services, clock: Clock) -> None:
    space = await created(services)
    signals = Signals()
    clock.pass_(LOST)

    assert await sweep(services, signals) == 1
    assert signals.started == [space.swarm_id]


async def test_a_swarm_whose_orchestration_ended_before_it_is_started_again(services: Services, clock: Clock) -> None:
    space = await created(services)
    signals = Signals(ended={space.swarm_id})
    clock.pass_(LOST)
    await sweep(services, signals)

    assert signals.started == [space.swarm_id]


async def test_a_swarm_that_runs_is_left_alone(services: Services, clock: Clock) -> None:
    space = await created(services)
    signals = Signals(running={space.swarm_id})
    clock.pass_(10 * FORGET_AFTER)
    await sweep(services, signals)

    assert (signals.started, signals.woken) == ([], [])
    assert await listed(services) == {space.swarm_id}


async def test_a_young_swarm_is_left_alone(services: Services, clock: Clock) -> None:
    await created(services)
    signals = Signals()
    clock.pass_(59)

    assert await sweep(services, signals) == 1
    assert signals.started == []
    clock.pass_(1)
    await sweep(services, signals)
    assert len(signals.started) == 1


async def test_every_swarm_of_every_user_is_looked_after(services: Services, clock: Clock) -> None:
    spaces = {(await created(services, f"Do {n}")).swarm_id for n in range(3)}
    other = await create_swarm(services, TenantContext("bob"), Signals(), NewSwarm(directive="Do it"))
    signals = Signals()
    clock.pass_(LOST)

    assert await sweep(services, signals) == 4
    assert sorted(signals.started) == sorted({*spaces, other.swarm_id})


async def test_a_node_that_sleeps_though_its_question_is_answered_is_woken(services: Services, clock: Clock) -> None:
    space = await created(services)
    question = await asked(services, space)
    signals = Signals(running={space.swarm_id})
    clock.pass_(LOST)
    await sweep(services, signals)
    assert signals.woken == []  # nobody has answered yet

    await answer_question(services, ADA, Signals(), space.swarm_id, question.question_id, "Red")
    clock.pass_(59)
    await sweep(services, signals)
    assert signals.woken == []  # the signal may still be on its way
    clock.pass_(2)
    await sweep(services, signals)
    assert signals.woken == [(ROOT_ID, answered_event(0))]
    # And once more for as long as it sleeps.
    await sweep(services, signals)
    assert signals.woken == [(ROOT_ID, answered_event(0))] * 2


async def test_a_node_that_went_on_is_not_woken(services: Services, clock: Clock) -> None:
    space = await created(services)
    question = await asked(services, space)
    await answer_question(services, ADA, Signals(), space.swarm_id, question.question_id, "Red")
    held = await Nodes(services.store, space).load(ROOT_ID)
    after = transition(held.node, Operation.USER_COMMUNICATION, Status.ACTING, services.now(), turn=1, answer_by=None)
    await Nodes(services.store, space).commit(held, after)
    signals = Signals(running={space.swarm_id})
    clock.pass_(10 * LOST)
    await sweep(services, signals)

    assert (await services.questions.get(space, question.question_id)).doc.state is QuestionState.ANSWERED
    assert signals.woken == []


async def gap(services: Services, space: SpaceKey) -> int:
    """A frame that was given out and never written, with an event behind it."""
    frame = await History(services.store, space).reserve(1)
    await act(services, space)
    return frame


async def test_an_old_gap_is_sealed_and_its_writer_takes_a_new_frame(services: Services, clock: Clock) -> None:
    space = await created(services)
    history, nodes = History(services.store, space), Nodes(services.store, space)
    # The late writer: its transition is committed in the node, and it stops before its event is written out.
    held = await nodes.load(ROOT_ID)
    begun = transition(held.node, Operation.EXECUTE, Status.ACTING, services.now())
    assert begun.outbox is not None
    late = begun.outbox.events[0].model_copy(update={"frame": await history.reserve(1)})
    behind = late.model_copy(update={"frame": await history.reserve(1), "node_id": "0.0"})
    await history.append([behind])
    assert [event.frame for event in await history.read_all()] == [1]

    signals = Signals(running={space.swarm_id})
    clock.pass_(SEAL_AFTER + 1)
    await sweep(services, signals)
    events = await history.read_all()

    assert [event.frame for event in events] == [1, 2, 3]
    assert [event.operation for event in events] == [Operation.SPAWN, None, Operation.EXECUTE]
    # The writer finds its frame sealed ...
    assert await history.append([late]) == {2}
    # ... and the node, whose outbox names that frame, writes its event behind the others.
    numbered = begun.evolve(outbox=begun.outbox.model_copy(update={"events": (late,)}))
    await nodes.commit(held, numbered)
    events = await history.read_all()
    assert [(event.frame, event.node_id, event.operation) for event in events[3:]] == [(4, ROOT_ID, Operation.EXECUTE)]
    assert (await nodes.load(ROOT_ID)).node.outbox is None


async def test_a_young_gap_is_left_to_its_writer(services: Services, clock: Clock) -> None:
    space = await created(services)
    frame = await gap(services, space)
    signals = Signals(running={space.swarm_id})
    clock.pass_(SEAL_AFTER - 1)
    await sweep(services, signals)
    assert [event.frame for event in await History(services.store, space).read_all()] == [frame - 1]

    clock.pass_(2)
    await sweep(services, signals)
    events = await History(services.store, space).read_all()
    assert [event.frame for event in events] == [frame - 1, frame, frame + 1]
    assert events[1].operation is None


async def test_a_swarm_that_was_never_created_whole_is_forgotten_after_an_hour(
    services: Services, clock: Clock
) -> None:
    whole = await created(services)
    half = ADA.space("half")
    await UnfinishedSwarms(services.store).add(half, services.now())
    signals = Signals(running={whole.swarm_id})
    clock.pass_(FORGET_AFTER)
    await sweep(services, signals)
    assert await listed(services) == {whole.swarm_id, "half"}

    clock.pass_(1)
    assert await sweep(services, signals) == 2
    assert await listed(services) == {whole.swarm_id}
    assert signals.started == []


async def test_nothing_to_look_after(services: Services) -> None:
    assert await sweep(services, Signals()) == 0


@pytest.mark.parametrize("told", [resume_swarm, cancel_swarm])
async def test_a_node_that_sleeps_though_the_pause_is_over_is_woken(
    services: Services, clock: Clock, told: Tell
) -> None:
    space = await created(services)
    await act(services, space)
    await pause_swarm(services, ADA, space.swarm_id)
    await told(services, ADA, Signals(), space.swarm_id)
    signals = Signals(running={space.swarm_id})
    clock.pass_(LOST)
    await sweep(services, signals)

    assert (ROOT_ID, resumed_event(1)) in signals.woken


async def test_a_node_that_waits_for_answers_though_the_swarm_is_cancelled_is_woken(
    services: Services, clock: Clock
) -> None:
    space = await created(services)
    await asked(services, space)
    await cancel_swarm(services, ADA, Signals(), space.swarm_id)
    signals = Signals(running={space.swarm_id})
    clock.pass_(LOST)
    await sweep(services, signals)

    assert signals.woken == [(ROOT_ID, answered_event(0))]


@pytest.mark.parametrize("told", [resume_branch, cancel_branch])
async def test_a_branch_that_sleeps_though_its_pause_is_over_is_woken(
    services: Services, clock: Clock, told: Callable[[Services, TenantContext, Runtime, str, str], Awaitable[object]]
) -> None:
    space = await created(services)
    held = await act(services, space)
    subs = [SubDirective(directive=text, action_id=MANAGER_ID) for text in ("One", "Two")]
    children = tuple(child_of(held.node, n, sub, held.node.lease) for n, sub in enumerate(subs))
    waiting = transition(held.node, Operation.SPAWN, Status.WAITING, services.now(), children=children)
    await Nodes(services.store, space).commit(held, waiting)
    await pause_branch(services, ADA, space.swarm_id, "0.1")
    await pause_branch(services, ADA, space.swarm_id, "0.0")
    await told(services, ADA, Signals(), space.swarm_id, "0.1")
    signals = Signals(running={space.swarm_id})
    await sweep(services, signals)
    assert signals.woken == []
    clock.pass_(LOST)
    await sweep(services, signals)
    assert signals.woken == [("0.1", branch_resumed_event(1))]
    clock.pass_(REPEAT_FOR)
    await sweep(services, signals)
    assert len(signals.woken) == 1


async def test_a_swarm_that_cannot_be_read_does_not_keep_the_others_from_being_swept(
    services: Services, clock: Clock
) -> None:
    broken = await created(services)
    await services.store.put(broken, Category.SWARM_STATE, ROOT_ID, "{}")
    others = {(await created(services)).swarm_id for _ in range(3)}
    signals = Signals()
    clock.pass_(LOST)
    await sweep(services, signals)

    assert set(signals.started) == others
