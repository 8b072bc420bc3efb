"""The orchestrations as plain generators: no Azure module, no host, no clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.orchestration.run_node import MAX_STEPS, run_node
from shared.orchestration.run_swarm import run_swarm
from shared.runtime.names import ADVANCE_NODE, BEGIN_SWARM, FAIL_NODE, FINISH_SWARM, RUN_NODE, node_instance
from shared.runtime.steps import Child, Step
from shared.swarm.node import NodeRef

ROOT = NodeRef(user_id="u", swarm_id="s", node_id="0")


@dataclass(eq=False)
class Task:
    """What the context made, and how it came out."""

    kind: str
    name: str = ""
    payload: dict[str, Any] = field(default_factory=dict)
    instance_id: str = ""
    until: datetime | None = None
    members: tuple["Task", ...] = ()
    cancelled: bool = False

    @property
    def node(self) -> str:
        return str(self.payload.get("node_id", self.payload.get("ref", {}).get("node_id")))


class Context:
    """A context whose tasks are settled by a function of the test."""

    now = datetime(2026, 1, 1, tzinfo=UTC)

    def __init__(self, settle: Callable[[Task], Any]) -> None:
        self.made: list[Task] = []
        self.renewed: dict[str, Any] | None = None
        self._settle = settle

    def _make(self, task: Task) -> Task:
        self.made.append(task)
        return task

    def activity(self, name: str, payload: dict[str, Any]) -> Task:
        return self._make(Task("activity", name, payload))

    def orchestration(self, name: str, payload: dict[str, Any], instance_id: str) -> Task:
        return self._make(Task("orchestration", name, payload, instance_id))

    def event(self, name: str) -> Task:
        return self._make(Task("event", name))

    def timer(self, until: datetime) -> Task:
        return self._make(Task("timer", until=until))

    def cancel(self, timer: Task) -> None:
        timer.cancelled = True

    def all(self, tasks: list[Task]) -> Task:
        return Task("all", members=tuple(tasks))

    def any(self, tasks: list[Task]) -> Task:
        return Task("any", members=tuple(tasks))

    def continue_as_new(self, payload: dict[str, Any]) -> None:
        self.renewed = payload

    def run(self, orchestration: Callable[..., Any]) -> Any:
        """Drive an orchestration to its end."""
        flow = orchestration(self, ROOT.model_dump())
        try:
            task = next(flow)
            while True:
                try:
                    result = self.result(task)
                except Exception as error:  # noqa: BLE001 - thrown into the flow, as the SDK does
                    task = flow.throw(error)
                else:
                    task = flow.send(result)
        except StopIteration as stop:
            return stop.value

    def result(self, task: Task) -> Any:
        if task.kind == "all":
            return [self.result(member) for member in task.members]
        if task.kind == "any":
            return self._settle(task)
        return self._settle(task)

    def names(self) -> list[tuple[str, str]]:
        return [(task.name or task.kind, task.node) for task in self.made]


def dumped(step: Step) -> dict[str, Any]:
    return step.model_dump(mode="json", exclude_defaults=True)


def steps(*given: Step) -> Callable[[Task], Any]:
    """Each advance of the root gives the next of these; everything else just ends."""
    rest = list(given)

    def settle(task: Task) -> Any:
        if task.name == ADVANCE_NODE and task.node == "0":
            return dumped(rest.pop(0))
        return dumped(Step(kind="ended")) if task.name == ADVANCE_NODE else None

    return settle


def children(*nodes: tuple[str, bool]) -> Step:
    return Step(kind="children", children=tuple(Child(node_id=n, in_one_go=one) for n, one in nodes))


ENDED = Step(kind="ended")


def test_a_node_that_ends_at_once_takes_one_activity() -> None:
    context = Context(steps(ENDED))
    context.run(run_node)
    assert context.names() == [(ADVANCE_NODE, "0")]


def test_children_that_run_in_one_go_take_an_activity_and_the_others_an_orchestration() -> None:
    context = Context(steps(children(("0.0", True), ("0.1", False)), ENDED))
    context.run(run_node)
    assert context.names() == [(ADVANCE_NODE, "0"), (ADVANCE_NODE, "0.0"), (RUN_NODE, "0.1"), (ADVANCE_NODE, "0")]
    assert context.made[2].instance_id == node_instance(ROOT.to("0.1"))


def test_a_child_that_could_not_end_in_one_go_is_driven_by_an_orchestration() -> None:
    def settle(task: Task) -> Any:
        if task.name == ADVANCE_NODE and task.node == "0.0":
            return dumped(Step(kind="later", seconds=3))
        return root(task)

    root = steps(children(("0.0", True), ("0.1", True)), ENDED)
    context = Context(settle)
    context.run(run_node)
    assert context.names()[1:4] == [(ADVANCE_NODE, "0.0"), (ADVANCE_NODE, "0.1"), (RUN_NODE, "0.0")]


def test_a_child_that_fails_at_host_level_is_failed_and_every_other_is_still_awaited() -> None:
    root = steps(children(("0.0", True), ("0.1", True), ("0.2", True)), ENDED)
    awaited: list[str] = []

    def settle(task: Task) -> Any:
        if task.name == ADVANCE_NODE:
            awaited.append(task.node)
            if task.node == "0.1":
                raise RuntimeError("the worker died")
        return root(task)

    context = Context(settle)
    context.run(run_node)
    (failed,) = [task for task in context.made if task.name == FAIL_NODE]
    assert failed.node == "0.1"
    assert "the worker died" in failed.payload["reason"]
    assert "0.2" in awaited
    assert awaited[-1] == "0"


def test_a_node_whose_own_activity_fails_is_failed_and_that_is_its_end() -> None:
    def settle(task: Task) -> Any:
        if task.name == ADVANCE_NODE:
            raise RuntimeError("attempts used up")

    context = Context(settle)
    context.run(run_node)
    assert context.names() == [(ADVANCE_NODE, "0"), (FAIL_NODE, "0")]


@pytest.mark.parametrize("answered", [True, False])
def test_a_wait_ends_with_its_event_or_its_time_and_the_timer_that_lost_is_cancelled(answered: bool) -> None:
    until = Context.now + timedelta(hours=2)
    root = steps(Step(kind="wait", event="answered-0", until=until), ENDED)

    def settle(task: Task) -> Any:
        return task.members[0 if answered else 1] if task.kind == "any" else root(task)

    context = Context(settle)
    context.run(run_node)
    timer, event = context.made[1], context.made[2]
    assert (timer.until, event.name) == (until, "answered-0")
    assert timer.cancelled is answered


def test_later_is_a_timer() -> None:
    context = Context(steps(Step(kind="later", seconds=7), ENDED))
    context.run(run_node)
    assert context.made[1].until == Context.now + timedelta(seconds=7)


def test_a_node_that_waits_long_starts_over_with_a_fresh_history() -> None:
    context = Context(steps(*[Step(kind="later", seconds=1)] * MAX_STEPS))
    context.run(run_node)
    assert context.renewed == ROOT.model_dump()


def test_a_swarm_reads_its_context_first_and_closes_its_document_last() -> None:
    def settle(task: Task) -> Any:
        return dumped(children(("0.0", True))) if task.name == BEGIN_SWARM else steps(ENDED)(task)

    context = Context(settle)
    context.run(run_swarm)
    assert context.names() == [(BEGIN_SWARM, "0"), (ADVANCE_NODE, "0.0"), (RUN_NODE, "0"), (FINISH_SWARM, "0")]


def test_a_swarm_whose_root_cannot_be_driven_is_failed_and_closed() -> None:
    def settle(task: Task) -> Any:
        if task.name == RUN_NODE:
            raise RuntimeError("gone")
        return dumped(ENDED) if task.name == BEGIN_SWARM else None

    context = Context(settle)
    context.run(run_swarm)
    assert [name for name, _ in context.names()] == [BEGIN_SWARM, RUN_NODE, FAIL_NODE, FINISH_SWARM]
