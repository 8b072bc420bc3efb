"""Durable Functions carries ids, times and a small status, never content: seen in all that was recorded."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.integration.orchestration.histories import FOLDER, Recording, load

FILES = sorted(FOLDER.glob("*.json"))

_SCOPE = r"[a-z0-9-]{1,40}"
_STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
_INSTANCE = r"[0-9a-f]{32}"
_NUMBER = r"-?\d+(\.\d+)?"
_NAME = r"(run_swarm|run_node|begin_swarm|advance_node|fail_node|finish_swarm)"
_EVENT = r"(answered|resumed)-\d{1,4}"
#: Why something failed at host level: the host's words, with the error's.
_FAILURE = r"(Activity|Orchestrator) function '\w+' failed: [^\0]{1,250}"

#: What a field may hold, as text. A field that is not here may not be there.
FIELDS = {
    # References, steps and failures.
    **dict.fromkeys(("user_id", "swarm_id"), _SCOPE),
    "node_id": r"(?=.{1,48}$)0(\.\d+)*",
    "kind": r"ended|children|wait|later",
    "event": _EVENT,
    "until": _STAMP,
    **dict.fromkeys(("generation", "seconds", "after_seconds"), _NUMBER),
    "in_one_go": r"True|False",
    "reason": rf"{_FAILURE}|ExternalEvent",
    # Events.
    **dict.fromkeys(("EventType", "EventId", "TimerId", "TaskScheduledId", "TaskScheduleId"), _NUMBER),
    **dict.fromkeys(("Timestamp", "FireAt"), _STAMP),
    "Name": f"{_NAME}|{_EVENT}",
    "Version": "",
    "InstanceId": _INSTANCE,
    "ExecutionId": r"execution-\d+",
    "ParentInstance": "None",
    "OrchestrationStatus": "Completed|Failed",
    "Reason": _FAILURE,
    # Tracebacks are left out of the recordings: they tell of the machine.
    "Details": r"\(left out\)|Message: [^\0]{1,250}, StackTrace: \(left out\)",
    # Actions.
    **dict.fromkeys(
        ("actionType", "firstRetryIntervalInMilliseconds", "maxNumberOfAttempts"),
        _NUMBER,
    ),
    "functionName": _NAME,
    "instanceId": _INSTANCE,
    "version": "None",
    "fireAt": _STAMP,
    "isCanceled": r"True|False",
    "externalEventName": _EVENT,
}
_TEXTS = {"Input", "Result", "input"}
#: The largest text that may go in or out. A plan's children are the longest: a line for each of at most 32.
_LONGEST = 3_000


def strange(value: Any, name: str = "") -> list[str]:
    """The fields that are not allowed, or hold what they may not; empty if all is well."""
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in strange(inner, key)]
    if isinstance(value, list):
        return [found for inner in value for found in strange(inner, name)]
    if name in _TEXTS:
        return _strange_text(value, name)
    return [] if name in FIELDS and re.fullmatch(FIELDS[name], str(value)) else [f"{name}: {value!r}"]


def _strange_text(text: str | None, name: str) -> list[str]:
    """What is strange in JSON text: nothing, a mapping of known fields, or the words for an end in failure."""
    if text is None or text in {"null", '"null"'}:
        return []
    if len(text) > _LONGEST:
        return [f"{name} has {len(text)} characters"]
    inner = json.loads(text)
    if isinstance(inner, dict):
        return strange(inner)
    return [] if re.fullmatch(_FAILURE, str(inner)) else [f"{name}: {text}"]


def all_of(recording: Recording) -> list[Any]:
    """Everything that the host or the orchestrator wrote."""
    answers = [episode.answer for episode in recording.episodes if episode.answer is not None]
    events = [event for episode in recording.episodes for event in episode.events]
    return [
        {"Input": recording.input},
        *events,
        *(action for answer in answers for _, action in answer.asked),
        *({"Result": answer.output} for answer in answers),
        *({"Reason": answer.error} for answer in answers if answer.error),
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_history_carries_ids_times_and_statuses_alone(path: Path) -> None:
    found = [line for recording in load(path) for line in strange(all_of(recording))]
    assert not found, "\n".join(found)


def test_no_word_of_a_user_or_a_model_is_in_a_history() -> None:
    # Directives name files, context says `Fact`, the answer is `Blue`, and texts begin with a heading.
    for path in FILES:
        assert not re.findall(r"\.md|\.py|Fact|Blue|#|Done:|Write|Both|Twice", path.read_text(encoding="utf-8"))


def test_a_history_is_small() -> None:
    for path in FILES:
        for recording in load(path):
            assert all(len(json.dumps(event)) < _LONGEST for one in recording.episodes for event in one.events)


@pytest.mark.parametrize(
    "leak",
    [
        {"Result": json.dumps({"kind": "ended", "report": "All is written."})},
        {"Result": json.dumps("All is written.")},
        {"Result": json.dumps({"kind": "All is written."})},
        {"Input": json.dumps({"node_id": "Write a.md"})},
        {"Input": json.dumps({"ref": {"node_id": "0", "directive": "Write a.md"}})},
        {"Input": json.dumps({"ref": {"node_id": "0"}, "reason": "x" * 301})},
        {"Result": json.dumps({"children": [{"node_id": "0.0", "action_id": "writing.write_document"}]})},
        {"compoundActions": [{"actionType": 1, "functionName": "advance_node", "input": '{"prompt": "x"}'}]},
        {"Name": "answered-red"},
        {"customStatus": "1 of 3"},
    ],
)
def test_what_does_not_belong_there_is_found(leak: dict[str, Any]) -> None:
    assert strange(leak)
