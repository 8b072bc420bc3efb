"""Recorded histories replay on the real SDK as they ran: a deploy must not break a swarm that is in flight.

The recordings are of the embedded host, made by `record_histories.py`. If one of these tests fails, the shape of an
orchestration has changed: give it a new durable name and keep the old one for the swarms that run.
"""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from functions._context import DurableContext
from local.host import indexing
from local.host.durable import sdk
from local.host.durable.protocol import ActionType, EventType, leaves
from local.host.invoke import silence_codec_notices
from shared.orchestration.run_node import run_node
from shared.orchestration.run_swarm import run_swarm
from shared.runtime.names import ADVANCE_NODE, FAIL_NODE, RUN_NODE, RUN_SWARM
from tests.integration.orchestration.histories import FOLDER, Handle, Json, Recording, differences, load
from tests.integration.orchestration.record_histories import SCENARIOS

ROOT = Path(__file__).parents[3]
FILES = sorted(FOLDER.glob("*.json"))

Flow = Callable[[Any, Json], Generator[Any, Any, Any]]


@pytest.fixture(scope="module", autouse=True)
def as_in_the_host() -> None:
    """The SDK as the host has it: quick, and without notices that would count as errors here."""
    sdk.prepare()
    silence_codec_notices()


@pytest.fixture(scope="module")
def handles() -> dict[str, Handle]:
    """The app's orchestrators by durable name, as the host calls them."""
    found = indexing.load(ROOT)
    return {one.durable_name: one.call for one in found if one.trigger.type == "orchestrationTrigger"}


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    return [recording for path in FILES for recording in load(path)]


def test_every_scenario_is_recorded() -> None:
    assert {path.stem for path in FILES} == SCENARIOS.keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_prefix_of_a_history_is_answered_as_it_was(path: Path, handles: dict[str, Handle]) -> None:
    found = [line for one in load(path) for line in differences(one, handles[one.name])]
    assert not found, "\n".join(found)


def test_the_recordings_go_everywhere_an_orchestration_can_go(recordings: list[Recording]) -> None:
    events = {event["EventType"] for one in recordings for episode in one.episodes for event in episode.events}
    ends = [list(one.answers())[-1] for one in recordings]
    asked = [leaf for _, _, actions in ends for action in actions for leaf in leaves(action)]

    assert {one.name for one in recordings} == {RUN_SWARM, RUN_NODE}
    assert {leaf["actionType"] for leaf in asked} == {
        ActionType.CALL_ACTIVITY_WITH_RETRY,
        ActionType.CALL_CHILD,
        ActionType.CREATE_TIMER,
        ActionType.WAIT_FOR_EVENT,
        ActionType.CONTINUE_AS_NEW,
    }
    assert events == set(EventType) - {
        EventType.EXECUTION_TERMINATED,
        EventType.EXECUTION_SUSPENDED,
        EventType.EXECUTION_RESUMED,
    }
    # A timer that won and one that lost, an end in failure, and an activity whose retries were used up and not.
    assert {leaf["isCanceled"] for leaf in asked if leaf["actionType"] == ActionType.CREATE_TIMER} == {True, False}
    assert {answer.error is None for _, answer, _ in ends} == {True, False}
    assert FAIL_NODE in {leaf.get("functionName") for leaf in asked}
    assert any(after_a_retry(one) for one in recordings)


def after_a_retry(recording: Recording) -> bool:
    """Whether an activity failed, and nothing was failed for it."""
    failed = any(event["EventType"] == EventType.TASK_FAILED for one in recording.episodes for event in one.events)
    *_, (_, _, actions) = recording.answers()
    return failed and FAIL_NODE not in {leaf.get("functionName") for action in actions for leaf in leaves(action)}


# Changes of shape, each of which must be found.


def handle_of(flow: Flow, context_type: type[DurableContext] = DurableContext) -> Handle:
    """An orchestration as the host calls it, on a context of a kind."""

    def orchestrator(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
        return (yield from flow(context_type(context), context.get_input()))

    handle: Handle = df.Orchestrator.create(orchestrator)
    return handle


class Renamed(DurableContext):
    def activity(self, name: str, payload: Json) -> Any:
        return super().activity("advance_node_v2" if name == ADVANCE_NODE else name, payload)


class WithMoreInput(DurableContext):
    def activity(self, name: str, payload: Json) -> Any:
        return super().activity(name, payload | {"depth": 1})


class WithoutRetries(DurableContext):
    def activity(self, name: str, payload: Json) -> Any:
        return self._context.call_activity(name, payload)


class OtherInstances(DurableContext):
    def orchestration(self, name: str, payload: Json, instance_id: str) -> Any:
        return super().orchestration(name, payload, instance_id[::-1])


class LastFirst(DurableContext):
    def all(self, tasks: list[Any]) -> Any:
        return super().all(tasks[::-1])


class TimerFirst(DurableContext):
    def any(self, tasks: list[Any]) -> Any:
        return super().any(tasks[::-1])


class NeverCancelling(DurableContext):
    def cancel(self, timer: Any) -> None:
        """Nothing."""


class OtherEvents(DurableContext):
    def event(self, name: str) -> Any:
        return super().event(name.upper())


def one_more_before(context: Any, payload: Json) -> Generator[Any, Any, Any]:
    yield context.activity("look_around", payload)
    yield from run_node(context, payload)


def one_more_after(context: Any, payload: Json) -> Generator[Any, Any, Any]:
    yield from run_swarm(context, payload)
    yield context.activity("look_back", payload)


def without_the_last(context: Any, payload: Json) -> Generator[Any, Any, Any]:
    flow = run_swarm(context, payload)
    result = None
    for _ in range(2):
        result = yield flow.send(result)


def with_a_result(context: Any, payload: Json) -> Generator[Any, Any, Any]:
    yield from run_node(context, payload)
    return {"report": "It is done."}


CHANGES: dict[str, tuple[str, Handle]] = {
    "an activity more before": (RUN_NODE, handle_of(one_more_before)),
    "an activity more after": (RUN_SWARM, handle_of(one_more_after)),
    "the last activity left out": (RUN_SWARM, handle_of(without_the_last)),
    "a result": (RUN_NODE, handle_of(with_a_result)),
    "an activity renamed": (RUN_NODE, handle_of(run_node, Renamed)),
    "more input": (RUN_NODE, handle_of(run_node, WithMoreInput)),
    "no retries": (RUN_NODE, handle_of(run_node, WithoutRetries)),
    "other instance ids": (RUN_SWARM, handle_of(run_swarm, OtherInstances)),
    "another order of children": (RUN_NODE, handle_of(run_node, LastFirst)),
    "another order of event and timer": (RUN_NODE, handle_of(run_node, TimerFirst)),
    "a timer that is not cancelled": (RUN_NODE, handle_of(run_node, NeverCancelling)),
    "another event": (RUN_NODE, handle_of(run_node, OtherEvents)),
    "the other orchestration": (RUN_NODE, handle_of(run_swarm)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_shape_is_found(change: str, recordings: list[Recording]) -> None:
    name, handle = CHANGES[change]
    assert any(differences(one, handle) for one in recordings if one.name == name)


@pytest.mark.parametrize(("name", "flow"), [(RUN_NODE, run_node), (RUN_SWARM, run_swarm)])
def test_no_change_is_found_where_there_is_none(name: str, flow: Flow, recordings: list[Recording]) -> None:
    assert not [line for one in recordings if one.name == name for line in differences(one, handle_of(flow))]
