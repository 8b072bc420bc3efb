"""Turns of an orchestration without a host: ids, order of events, and when it may go on."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from local.host.durable.episode import Rules, apply, begin, terminate
from local.host.durable.model import Instance, Kind, Message
from local.host.durable.protocol import EventType, Status, parse_stamp
from local.host.durable.sdk import Reply, finite_json
from local.host.durable.turn import Ending, Renewal

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OPTIONS = {"firstRetryIntervalInMilliseconds": 1000, "maxNumberOfAttempts": 2}


def call(name):
    return {"actionType": 0, "functionName": name, "input": "null"}


def retried(name):
    inner = {"actionType": 1, "functionName": name, "input": "null", "retryOptions": OPTIONS}
    return {"actionType": 12, "compoundActions": [inner]}


def every(*entries):
    return {"actionType": 12, "compoundActions": list(entries)}


def either(*entries):
    return {"actionType": 11, "compoundActions": list(entries)}


def wait(name):
    return {"actionType": 6, "externalEventName": name, "reason": ""}


def timer(cancelled=False):
    return {"actionType": 5, "fireAt": "2026-11-22T13:00:00.000000Z", "isCanceled": cancelled}


class Flow:
    """An instance whose orchestrator's replies are given."""

    def __init__(self, rules=None):
        self.instance = Instance(1, "i", "flow", "", "e", None, "", "")
        self.rules = rules or Rules()

    def turn(self, *messages, actions=(), **reply):
        turn = begin(self.instance, messages, NOW)
        if turn.replays:
            apply(self.instance, turn, Reply(actions=list(actions), **reply), self.rules)
        return turn

    def message(self, kind, task_id=-1, name="", body=None, generation=0):
        return Message(0, kind, generation, task_id, name, body)

    def completed(self, task_id, generation=0):
        return self.message(Kind.COMPLETED, task_id, body='"r"', generation=generation)

    def failed(self, task_id):
        return self.message(Kind.FAILED, task_id, "why", "trace")

    def fired(self, task_id):
        return self.message(Kind.TIMER, task_id, "2026-11-22T13:00:00.000000Z")


def kinds(turn):
    return [event.type for event in turn.incoming()]


def test_actions_take_ids_in_order_and_waits_take_none():
    flow = Flow()
    turn = flow.turn(actions=[either(call("a"), wait("e"), timer()), every(call("b"))])
    assert [(item.task_id, item.name) for item in turn.activities] == [(0, "a"), (2, "b")]
    assert turn.timers == [(1, "2026-11-22T13:00:00.000000Z")]


def test_the_events_of_retries_come_first_and_their_ids_too():
    flow = Flow()
    flow.turn(actions=[either(call("a"), retried("r"))])
    turn = flow.turn(flow.completed(0), flow.failed(1), actions=[either(call("a"), retried("r")), call("next")])
    assert kinds(turn) == [EventType.ORCHESTRATOR_STARTED, EventType.TASK_FAILED, EventType.TASK_COMPLETED]
    assert [task_id for task_id, _ in turn.timers] == [2]
    assert [item.task_id for item in turn.activities] == [3]


def test_a_retry_alone_needs_no_replay_and_its_last_failure_does():
    flow = Flow()
    flow.turn(actions=[retried("r")])
    failed = flow.turn(flow.failed(0))
    assert (failed.replays, [task_id for task_id, _ in failed.timers]) == (False, [1])
    assert parse_stamp(failed.timers[0][1]) - parse_stamp(failed.clock) == timedelta(seconds=1)
    again = flow.turn(flow.fired(1))
    assert (again.replays, [item.task_id for item in again.activities]) == (False, [2])
    last = flow.turn(flow.failed(2))
    assert parse_stamp(last.timers[0][1]) == parse_stamp(last.clock)
    given_up = flow.turn(flow.fired(3), actions=[retried("r")], error="why", done=False)
    assert given_up.replays
    assert flow.instance.failures


@pytest.mark.parametrize("message", ["twice", "unknown", "old generation"])
def test_a_completion_nothing_waits_for_is_dropped(message):
    flow = Flow()
    flow.turn(actions=[either(call("a"), call("b"))])
    flow.turn(flow.completed(0), actions=[either(call("a"), call("b"))])
    stale = {"twice": (0, 0), "unknown": (7, 0), "old generation": (1, -1)}[message]
    assert flow.turn(flow.completed(*stale)).is_empty


def test_an_event_waits_for_its_wait_and_takes_its_spelling():
    flow = Flow()
    flow.turn(flow.message(Kind.EVENT, name="GO", body="1"), actions=[call("a")])
    assert list(flow.instance.deliverable()) == []
    flow.turn(flow.completed(0), actions=[call("a"), wait("go")])
    assert list(flow.instance.deliverable()) == ["go"]
    turn = flow.turn(actions=[call("a"), wait("go")], done=True)
    assert json.loads(turn.incoming()[-1].text)["Name"] == "go"
    assert isinstance(turn.outcome, Ending)


def test_the_clock_only_goes_forward_and_not_before_its_timers():
    flow = Flow()
    first = flow.turn(actions=[timer()])
    second = flow.turn(flow.fired(0), actions=[timer(), call("a")])
    third = flow.turn(flow.completed(1), actions=[timer(), call("a"), wait("e")])
    assert first.clock < second.clock == "2026-11-22T13:00:00.000000Z" < third.clock


def test_a_cancelled_timer_is_closed_and_keeps_its_id():
    flow = Flow()
    flow.turn(actions=[either(timer(), wait("e"))])
    event = flow.message(Kind.EVENT, name="e", body="1")
    turn = flow.turn(event, actions=[either(timer(cancelled=True), wait("e")), call("a")])
    assert turn.cancelled == [0]
    assert [item.task_id for item in turn.activities] == [1]
    assert flow.turn(flow.fired(0)).is_empty


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([call("a")], [call("b")]),
        ([call("a")], [wait("a")]),
        ([every(call("a"), call("b"))], [call("a")]),
    ],
)
def test_another_course_than_before_fails(first, second):
    flow = Flow()
    flow.turn(actions=first)
    turn = flow.turn(flow.completed(0), actions=second)
    assert turn.outcome.status is Status.FAILED
    assert "Non-Deterministic" in turn.outcome.reason


def test_open_tasks_keep_it_running_if_the_rules_say_so():
    for waits in (True, False):
        flow = Flow(Rules(wait_for_open_tasks=waits))
        flow.turn(actions=[either(call("a"), call("b"))])
        turn = flow.turn(flow.completed(0), actions=[either(call("a"), call("b"))], done=True, output="1")
        assert (turn.outcome is None) is waits
        if waits:
            assert turn.lingering == 1
            last = flow.turn(flow.completed(1), actions=[either(call("a"), call("b"))], done=True, output="1")
            assert last.outcome == Ending(Status.COMPLETED, "1")


def test_more_actions_than_allowed_fail():
    turn = Flow(Rules(max_actions=2)).turn(actions=[every(*(call("a") for _ in range(3)))])
    assert "maxOrchestrationActions" in turn.outcome.reason


def test_a_renewal_starts_from_nothing_but_what_it_takes_along():
    flow = Flow()
    flow.turn(flow.message(Kind.EVENT, name="e", body="1"), actions=[call("a")])
    renew = {"actionType": 4, "input": '"next"'}
    turn = flow.turn(flow.completed(0), actions=[call("a"), renew], done=True)
    assert turn.outcome == Renewal('"next"')
    flow.instance.renew("e2", '"next"')
    assert flow.instance.buffer == {"e": ["1"]}
    fresh = flow.turn(actions=[call("z")])
    assert [item.task_id for item in fresh.activities] == [0]


def test_a_fan_out_is_not_woken_before_all_of_it_has_ended():
    flow = Flow()
    flow.turn(actions=[every(call("a"), every(call("b"), timer()), retried("r"))])
    assert flow.instance.blocking == {0, 1, 2, 3}
    assert [flow.instance.may_go_on(flow.completed(number)) for number in (2, 0, 1)] == [False] * 3
    assert flow.instance.may_go_on(flow.completed(3))


@pytest.mark.parametrize(
    "entry", [either(call("a"), call("b")), every(call("a"), either(call("b"))), every(call("a"), wait("e"))]
)
def test_what_may_end_early_is_woken_every_time(entry):
    flow = Flow()
    flow.turn(actions=[entry])
    assert flow.instance.may_go_on(flow.completed(0))


def test_a_failure_always_wakes():
    flow = Flow()
    flow.turn(actions=[every(call("a"), call("b"))])
    assert flow.instance.may_go_on(flow.failed(0))


def test_after_a_failure_nothing_is_known():
    """The newest entry may then be one the orchestrator has left behind, with an older task still waited for."""
    flow = Flow()
    flow.turn(actions=[either(call("old"), call("a"))])
    flow.turn(flow.completed(1), actions=[either(call("old"), call("a")), every(call("b"), call("c"))])
    assert flow.instance.blocking == {2, 3}
    flow.turn(flow.failed(2), actions=[either(call("old"), call("a")), every(call("b"), call("c"))])
    assert flow.instance.may_go_on(flow.completed(0))


def test_past_its_newest_entry_it_is_woken_by_what_is_older():
    flow = Flow()
    actions = [either(call("old"), call("a")), call("b")]
    flow.turn(actions=actions[:1])
    flow.turn(flow.completed(1), actions=actions)
    assert not flow.instance.may_go_on(flow.completed(0))
    assert flow.instance.may_go_on(flow.completed(2))
    flow.turn(flow.completed(2), actions=actions)
    assert flow.instance.may_go_on(flow.completed(0))


def test_suspended_it_takes_in_words_of_control_alone():
    flow = Flow()
    flow.turn(actions=[call("a")])
    control = [flow.message(Kind.SUSPEND), flow.completed(0), flow.message(Kind.RESUME)]
    flow.instance.inbox = control[:2]
    assert flow.instance.take_messages() == control[:1]
    assert (flow.instance.status, flow.instance.inbox) == (Status.SUSPENDED, control[1:2])
    flow.instance.inbox.append(control[2])
    assert flow.instance.take_messages() == [control[2], control[1]]
    assert flow.instance.status is Status.RUNNING


def test_state_survives_being_written_down():
    flow = Flow()
    flow.turn(flow.message(Kind.EVENT, name="early", body="1"), actions=[either(retried("r"), call("a"), wait("e"))])
    flow.turn(flow.failed(0), flow.completed(1), actions=[either(retried("r"), call("a"), wait("e"))])
    other = Instance(1, "i", "flow", "", "e", None, "", "")
    other.restore_state(flow.instance.dump_state())
    assert other.dump_state() == flow.instance.dump_state()
    assert other.open.keys() == flow.instance.open.keys() == {2}
    assert other.blocking is None


def test_terminate_ends_with_its_reason():
    turn = terminate(Flow().instance, NOW, "enough")
    assert turn.outcome == Ending(Status.TERMINATED, '"enough"', "enough")


def test_output_is_made_json_for_everybody():
    assert finite_json([float("inf"), float("nan"), 1.5]) == "[null,null,1.5]"
