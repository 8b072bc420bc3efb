"""One turn of an orchestration: from new messages to new history and to what must be done next. No I/O here.

    turn = begin(instance, messages, now)           takes the messages in
    reply = sdk.replay(..., turn.context(...))      only if turn.replays
    apply(instance, turn, reply, rules)             compares, numbers and collects what is new
    turn.chunk(instance)                            the turn's events, to be stored and replayed from then on

The SDK never reads scheduling events: it counts ids itself, so the order in which ids are taken here must be the
order in which it takes them. Two rules keep them equal (SDK 1.7.0): simple actions take ids in the order of the
reply, and events of retries, which take ids without appearing in the reply, come first in a turn.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from local.host.durable.model import Instance, Kind, Leaf, Message
from local.host.durable.protocol import (
    ACTIVITY_ACTIONS,
    CHILD_ACTIONS,
    RETRY_ACTIONS,
    UNSUPPORTED_ACTIONS,
    ActionType,
    Event,
    EventType,
    Status,
    action_name,
    encode,
    event,
    leaves,
    parse_stamp,
    stamp,
)
from local.host.durable.sdk import Reply
from local.host.durable.turn import Call, Ending, Renewal, Turn


@dataclass(frozen=True, slots=True)
class Rules:
    """Settings that decide how a turn ends."""

    wait_for_open_tasks: bool = True
    max_actions: int = 100_000


def begin(instance: Instance, messages: Iterable[Message], now: datetime) -> Turn:
    """Take messages in, in order. The instance is changed; the caller stores it together with the turn."""
    messages = list(messages)
    turn = Turn(_tick(instance, messages, now))
    if not instance.started and not instance.suspended:
        instance.started = True
        turn.resumed.append(_execution_started(instance, turn))
    if not instance.suspended:
        for name in list(instance.deliverable()):
            _deliver(instance, turn, name)
    for message in messages:
        _TAKE[message.kind](instance, turn, message)
    turn.replays = bool(turn.resumed)
    if turn.retries or turn.resumed:
        instance.blocking = None
    instance.clock = turn.clock
    return turn


def terminate(instance: Instance, now: datetime, reason: str) -> Turn:
    """The turn that ends an orchestration from outside."""
    turn = Turn(_tick(instance, [], now))
    turn.control.append(event(EventType.EXECUTION_TERMINATED, turn.clock, Input=reason))
    return _end(turn, Ending(Status.TERMINATED, encode(reason), reason))


def apply(instance: Instance, turn: Turn, reply: Reply, rules: Rules) -> None:
    """Take in what the orchestrator asks for, and whether it has ended."""
    if reply.broken:
        _fail(instance, turn, reply.error or "", reply.trace)
        return
    asked = [leaf for entry in reply.actions for leaf in leaves(entry)]
    problem = _objection(instance, asked, rules)
    if problem:
        _fail(instance, turn, problem, "")
        return
    _cancel_timers(instance, turn, asked)
    for action in asked[len(instance.leaves) :]:
        _schedule(instance, turn, action)
    if reply.custom_status is not None:
        instance.custom_status = encode(reply.custom_status)
    _conclude(instance, turn, reply, rules, asked)
    instance.blocking = None
    if reply.actions and turn.outcome is None and not instance.failures and not turn.lingering:
        instance.blocking = _blocking(instance, reply.actions[-1])


def _tick(instance: Instance, messages: list[Message], now: datetime) -> str:
    """The turn's time: after that of the last turn, and not before any timer in it."""
    clock = stamp(now)
    if instance.clock and clock <= instance.clock:
        clock = stamp(parse_stamp(instance.clock) + timedelta(microseconds=1))
    return max([clock, *(message.name for message in messages if message.kind is Kind.TIMER)])


def _execution_started(instance: Instance, turn: Turn) -> Event:
    parent = instance.parent
    return event(
        EventType.EXECUTION_STARTED,
        turn.clock,
        Name=instance.name,
        Version=instance.version,
        Input=instance.input,
        OrchestrationInstance={"InstanceId": instance.instance_id, "ExecutionId": instance.execution_id},
        ParentInstance={"InstanceId": parent.instance_id, "TaskScheduleId": parent.task_id} if parent else None,
    )


def _take_completed(instance: Instance, turn: Turn, message: Message) -> None:
    leaf = _close(instance, message)
    if leaf is not None:
        kind = EventType.CHILD_COMPLETED if leaf.is_child else EventType.TASK_COMPLETED
        turn.resumed.append(event(kind, turn.clock, TaskScheduledId=message.task_id, Result=message.body))


def _take_failed(instance: Instance, turn: Turn, message: Message) -> None:
    leaf = _close(instance, message)
    if leaf is None:
        return
    kind = EventType.CHILD_FAILED if leaf.is_child else EventType.TASK_FAILED
    failed = event(kind, turn.clock, TaskScheduledId=message.task_id, Reason=message.name, Details=message.body or "")
    if leaf.request is None:
        instance.failures = True
        turn.resumed.append(failed)
        return
    # The last attempt gets a timer too, one that fires at once: the SDK counts an id for it.
    turn.retries.append(failed)
    options = leaf.request["retryOptions"]
    last = leaf.attempt >= options["maxNumberOfAttempts"]
    delay = timedelta(milliseconds=0 if last else options["firstRetryIntervalInMilliseconds"])
    _open(instance, leaf, instance.take_id())
    leaf.resting = True
    _set_timer(turn, leaf.task_id, stamp(parse_stamp(turn.clock) + delay))


def _take_timer(instance: Instance, turn: Turn, message: Message) -> None:
    leaf = _close(instance, message)
    if leaf is None:
        return
    fired = event(EventType.TIMER_FIRED, turn.clock, TimerId=message.task_id, FireAt=message.name)
    if leaf.request is None:
        turn.resumed.append(fired)
    elif leaf.attempt >= leaf.request["retryOptions"]["maxNumberOfAttempts"]:
        leaf.resting = False
        instance.failures = True
        turn.resumed.append(fired)
    else:
        turn.retries.append(fired)
        leaf.resting = False
        leaf.attempt += 1
        _open(instance, leaf, instance.take_id())
        _start(instance, turn, leaf, leaf.request)


def _take_event(instance: Instance, turn: Turn, message: Message) -> None:
    name = message.name.casefold()
    instance.buffer.setdefault(name, []).append(message.body)
    if name in instance.deliverable():
        _deliver(instance, turn, name)


def _take_control(_instance: Instance, turn: Turn, message: Message) -> None:
    suspends = message.kind is Kind.SUSPEND
    kind = EventType.EXECUTION_SUSPENDED if suspends else EventType.EXECUTION_RESUMED
    turn.control.append(event(kind, turn.clock, Reason=message.body))


_TAKE = {
    Kind.COMPLETED: _take_completed,
    Kind.FAILED: _take_failed,
    Kind.TIMER: _take_timer,
    Kind.EVENT: _take_event,
    Kind.SUSPEND: _take_control,
    Kind.RESUME: _take_control,
}


def _deliver(instance: Instance, turn: Turn, name: str) -> None:
    """Give the oldest buffered event of a name to the orchestrator.

    Never before it waits for the name: of early events the SDK keeps only the last one, for every later wait.
    """
    served = instance.delivered.get(name, 0)
    payload = instance.buffer[name].pop(0)
    if not instance.buffer[name]:
        del instance.buffer[name]
    instance.delivered[name] = served + 1
    spelled = instance.waits[name][served]
    turn.resumed.append(event(EventType.EVENT_RAISED, turn.clock, Name=spelled, Input=payload))


def _close(instance: Instance, message: Message) -> Leaf | None:
    """The open leaf a completion belongs to; None if it is stale, a duplicate, or of a cancelled timer."""
    if message.generation != instance.generation:
        return None
    leaf = instance.open.pop(message.task_id, None)
    if leaf is not None:
        leaf.open = False
    return leaf


def _open(instance: Instance, leaf: Leaf, task_id: int) -> None:
    leaf.task_id = task_id
    leaf.open = True
    instance.open[task_id] = leaf


def _objection(instance: Instance, asked: list[dict[str, Any]], rules: Rules) -> str | None:
    """Why the reply cannot be followed, if it cannot."""
    if len(asked) > rules.max_actions:
        return f"it asked for more than {rules.max_actions} actions (maxOrchestrationActions)"
    if len(asked) < len(instance.leaves):
        return f"Non-Deterministic workflow detected: {len(instance.leaves)} actions before, {len(asked)} now"
    for position, (leaf, action) in enumerate(zip(instance.leaves, asked, strict=False)):
        if leaf.action != action["actionType"] or leaf.name != action_name(action):
            return (
                f"Non-Deterministic workflow detected: action {position} was {leaf.action.name} {leaf.name!r} "
                f"and is now {ActionType(action['actionType']).name} {action_name(action)!r}"
            )
    for action in asked[len(instance.leaves) :]:
        if action["actionType"] in UNSUPPORTED_ACTIONS:
            return f"this host does not support {UNSUPPORTED_ACTIONS[action['actionType']]}"
    return None


def _cancel_timers(instance: Instance, turn: Turn, asked: list[dict[str, Any]]) -> None:
    for leaf, action in zip(instance.leaves, asked, strict=False):
        if leaf.open and leaf.action is ActionType.CREATE_TIMER and action["isCanceled"]:
            leaf.open = False
            del instance.open[leaf.task_id]
            turn.cancelled.append(leaf.task_id)


def _schedule(instance: Instance, turn: Turn, action: dict[str, Any]) -> None:
    """Number a new action and note what it needs."""
    leaf = Leaf(ActionType(action["actionType"]), action_name(action))
    instance.leaves.append(leaf)
    if leaf.action is ActionType.WAIT_FOR_EVENT:
        instance.waits.setdefault(leaf.name.casefold(), []).append(leaf.name)
        return
    task_id = instance.take_id()
    if leaf.action is ActionType.CREATE_TIMER:
        _set_timer(turn, task_id, action["fireAt"])
        if action["isCanceled"]:
            turn.timers.pop()
        else:
            _open(instance, leaf, task_id)
    elif leaf.action is not ActionType.CONTINUE_AS_NEW:
        _open(instance, leaf, task_id)
        if leaf.action in RETRY_ACTIONS:
            leaf.request = action
        _start(instance, turn, leaf, action)


def _start(instance: Instance, turn: Turn, leaf: Leaf, action: dict[str, Any]) -> None:
    """Have an activity or child started under the leaf's present id."""
    task_id, name, body = leaf.task_id, leaf.name, action["input"]
    if leaf.action in ACTIVITY_ACTIONS:
        turn.activities.append(Call(task_id, name, body))
        turn.scheduled.append(event(EventType.TASK_SCHEDULED, turn.clock, task_id, Name=name, Input=body))
        return
    chosen = action.get("instanceId")
    child_id = chosen or f"{instance.execution_id}:{task_id}"
    turn.children.append(Call(task_id, name, body, child_id, bool(chosen), action.get("version") or ""))
    turn.scheduled.append(
        event(EventType.CHILD_CREATED, turn.clock, task_id, Name=name, InstanceId=child_id, Input=body)
    )


def _set_timer(turn: Turn, task_id: int, fire_at: str) -> None:
    turn.timers.append((task_id, fire_at))
    turn.scheduled.append(event(EventType.TIMER_CREATED, turn.clock, task_id, FireAt=fire_at))


def _conclude(instance: Instance, turn: Turn, reply: Reply, rules: Rules, asked: list[dict[str, Any]]) -> None:
    """End, renew or go on. An orchestration with open tasks lingers, as on Azure, if the rules say so."""
    if reply.error is None and not reply.done:
        return
    if rules.wait_for_open_tasks and instance.open:
        turn.lingering = len(instance.open)
        return
    if reply.error is not None:
        _fail(instance, turn, reply.error, reply.trace)
        return
    renewal = next((action for action in asked if action["actionType"] == ActionType.CONTINUE_AS_NEW), None)
    if renewal is not None:
        turn.outcome = Renewal(renewal["input"])
    else:
        _end(turn, Ending(Status.COMPLETED, reply.output))


def _fail(instance: Instance, turn: Turn, error: str, trace: str) -> None:
    reason = f"Orchestrator function '{instance.name}' failed: {error}"
    _end(turn, Ending(Status.FAILED, encode(reason), reason, f"Message: {error}, StackTrace: {trace}"))


def _end(turn: Turn, ending: Ending) -> Turn:
    turn.outcome = ending
    turn.scheduled.append(
        event(EventType.EXECUTION_COMPLETED, turn.clock, OrchestrationStatus=ending.status, Result=ending.output)
    )
    return turn


def _blocking(instance: Instance, entry: dict[str, Any]) -> set[int] | None:
    """The ids without which the orchestrator cannot go on, as far as its newest entry proves it.

    If the entry is made of task_all and plain tasks alone, the orchestrator gets past it only once every task in it
    has ended, or, as long as that has not happened yet in this generation, one has failed. So while any is open it
    waits there, and a success elsewhere does not move it.
    """
    if not _needs_all(entry):
        return None
    newest = instance.leaves[-sum(1 for _ in leaves(entry)) :]
    return {leaf.task_id for leaf in newest if leaf.open} or None


def _needs_all(entry: dict[str, Any]) -> bool:
    if entry["actionType"] == ActionType.WHEN_ALL:
        return all(_needs_all(inner) for inner in entry["compoundActions"])
    return entry["actionType"] in (ACTIVITY_ACTIONS | CHILD_ACTIONS | {ActionType.CREATE_TIMER})
