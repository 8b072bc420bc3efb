"""Orchestrations that each show one behaviour of the host."""

import asyncio
import contextvars
import threading
from collections import Counter
from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func
from blueprint import blueprint

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(blueprint)

#: What activities have done, for tests in the same process.
EFFECTS: Counter[str] = Counter()
REPLAYING: list[bool] = []
SHAPE: list[str] = ["echo"]
GATE: list[asyncio.Event] = []
CURRENT = contextvars.ContextVar("CURRENT", default="unset")


class Point:
    """A class of the app's own that travels between activities."""

    def __init__(self, x: int) -> None:
        self.x = x

    @staticmethod
    def to_json(point: "Point") -> int:
        return point.x

    @classmethod
    def from_json(cls, data: int) -> "Point":
        return cls(data)


# Activities.


@app.activity_trigger(input_name="value")
async def echo(value):
    EFFECTS[f"echo {value}"] += 1
    return value


@app.activity_trigger(input_name="value")
def shout(value: str) -> str:
    return value.upper()


@app.activity_trigger(input_name="x")
def make_point(x: int) -> Point:
    return Point(x)


@app.activity_trigger(input_name="point")
async def read_point(point) -> int:
    return point.x


@app.activity_trigger(input_name="seconds")
async def nap(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds


@app.activity_trigger(input_name="plan")
async def flaky(plan: list) -> str:
    """Fails the first `plan[1]` times it is called with the key `plan[0]`."""
    key, failures = plan
    EFFECTS[f"flaky {key}"] += 1
    if EFFECTS[f"flaky {key}"] <= failures:
        raise ValueError(f"{key} failed")
    return f"{key} done"


@app.activity_trigger(input_name="message")
async def fail(message: str) -> None:
    raise RuntimeError(message)


@app.activity_trigger(input_name="value")
async def gated(value):
    EFFECTS["gated"] += 1
    await GATE[0].wait()
    return value


@app.activity_trigger(input_name="value")
async def keyed(value, context):
    return context.invocation_id


@app.activity_trigger(input_name="value")
async def unserialisable(value):
    return object()


# Orchestrators.


@app.orchestration_trigger(context_name="context")
def chain(context):
    one = yield context.call_activity("echo", 1)
    two = yield context.call_activity("shout", "two")
    point = yield context.call_activity("make_point", 3)
    three = yield context.call_activity("read_point", point)
    nothing = yield context.call_activity("echo")
    return [one, two, three, nothing, context.get_input()]


@app.orchestration_trigger(context_name="context")
def fan(context):
    results = yield context.task_all([context.call_activity("echo", n) for n in range(context.get_input())])
    return results


@app.orchestration_trigger(context_name="context")
def fan_and_event(context):
    """While it waits for everything, an event it also waits for, and a failure, must be able to end the wait."""
    slow = context.task_all([context.call_activity("nap", 0.05), context.call_activity("nap", 60)])
    winner = yield context.task_any([slow, context.wait_for_external_event("enough")])
    return "event" if winner != slow else "slow"


@app.orchestration_trigger(context_name="context")
def fan_fails_early(context):
    try:
        yield context.task_all([context.call_activity("nap", 60), context.call_activity("fail", "early")])
    except Exception as error:  # noqa: BLE001  the SDK raises nothing narrower
        return str(error).split("\n")[0].strip()


@app.orchestration_trigger(context_name="context")
def old_and_new(context):
    """A task_all over a task that is already out, and one after it that ends sooner."""
    old = context.call_activity("nap", 0.1)
    first = context.call_activity("nap", 0.01)
    yield context.task_any([old, first])
    both = yield context.task_all([old, context.call_activity("nap", 0.02)])
    return both


@app.orchestration_trigger(context_name="context")
def any_loop(context):
    """Every winner is followed up by another activity; one of them fails."""
    tasks = [context.call_activity("echo", n) for n in range(5)] + [context.call_activity("fail", "lost")]
    seen = []
    while tasks:
        winner = yield context.task_any(tasks)
        tasks.remove(winner)
        if isinstance(winner.result, Exception):
            seen.append("failed")
        elif isinstance(winner.result, int):
            tasks.append(context.call_activity("echo", f"after {winner.result}"))
        else:
            seen.append(winner.result)
    return sorted(seen)


@app.orchestration_trigger(context_name="context")
def nest(context):
    depth = context.get_input()
    if depth == 0:
        return "bottom"
    inner = yield context.call_sub_orchestrator("nest", depth - 1)
    return [inner]


@app.orchestration_trigger(context_name="context")
def broken(context):
    yield context.call_activity("echo", "first")
    raise ValueError(context.get_input() or "broken")


@app.orchestration_trigger(context_name="context")
def catches_child(context):
    try:
        yield context.call_sub_orchestrator("broken", "as told")
    except Exception as error:  # noqa: BLE001  the SDK raises nothing narrower
        return str(error)


@app.orchestration_trigger(context_name="context")
def named_child(context):
    try:
        result = yield context.call_sub_orchestrator("nest", 0, instance_id=context.get_input())
    except Exception as error:  # noqa: BLE001  the SDK raises nothing narrower
        return str(error)
    return result


@app.orchestration_trigger(context_name="context")
def waits_for_child(context):
    try:
        result = yield context.call_sub_orchestrator("wait", "go", instance_id="the-child")
    except Exception as error:  # noqa: BLE001  the SDK raises nothing narrower
        return f"caught {error}"
    return result


@app.orchestration_trigger(context_name="context")
def child_then_event(context):
    inner = yield context.call_sub_orchestrator("nest", 1)
    value = yield context.wait_for_external_event("go")
    return [inner, value]


@app.orchestration_trigger(context_name="context")
def retry(context):
    key, failures, attempts = context.get_input()
    try:
        result = yield context.call_activity_with_retry("flaky", df.RetryOptions(10, attempts), [key, failures])
    except Exception as error:  # noqa: BLE001  the SDK raises nothing narrower
        result = str(error).split("\n")[0].strip()
    after = yield context.call_activity("echo", "after")
    return [result, after]


@app.orchestration_trigger(context_name="context")
def retry_all(context):
    options = df.RetryOptions(5, 5)
    prefix = context.get_input()
    tasks = [context.call_activity_with_retry("flaky", options, [f"{prefix}{n}", n % 4]) for n in range(8)]
    tasks.append(context.call_activity("echo", "plain"))
    results = yield context.task_all(tasks)
    return results


@app.orchestration_trigger(context_name="context")
def retry_mixed(context):
    """Retries and follow-ups take ids in the same turns: a host off by one hands results to the wrong task."""
    prefix = context.get_input()
    options = df.RetryOptions(1, 4)
    tasks = {}
    for n in range(8):
        task = context.call_activity_with_retry("flaky", options, [f"{prefix}{n}", n % 3])
        tasks[task] = f"{prefix}{n} done"
    right = 0
    while tasks:
        winner = yield context.task_any(list(tasks))
        expected = tasks.pop(winner)
        right += winner.result == expected
        if "follow" not in expected:
            text = f"follow {expected}"
            tasks[context.call_activity("echo", text)] = text
    return right


@app.orchestration_trigger(context_name="context")
def flaky_child(context):
    result = yield context.call_activity("flaky", context.get_input())
    return result


@app.orchestration_trigger(context_name="context")
def retry_child(context):
    result = yield context.call_sub_orchestrator_with_retry(
        "flaky_child", df.RetryOptions(5, 3), [context.get_input(), 2]
    )
    return result


@app.orchestration_trigger(context_name="context")
def timer(context):
    seconds = context.get_input()
    start = context.current_utc_datetime
    yield context.create_timer(start + timedelta(seconds=seconds))
    return (context.current_utc_datetime - start).total_seconds()


@app.orchestration_trigger(context_name="context")
def timeout(context):
    """An event against a deadline; the loser is cancelled."""
    deadline = context.create_timer(context.current_utc_datetime + timedelta(seconds=context.get_input()))
    answer = context.wait_for_external_event("answer")
    winner = yield context.task_any([answer, deadline])
    if winner == deadline:
        return "late"
    deadline.cancel()
    return answer.result


@app.orchestration_trigger(context_name="context")
def forgets_timer(context):
    done = context.call_activity("echo", "done")
    later = context.current_utc_datetime + timedelta(seconds=context.get_input())
    yield context.task_any([done, context.create_timer(later)])
    return done.result


@app.orchestration_trigger(context_name="context")
def wait(context):
    value = yield context.wait_for_external_event(context.get_input())
    return value


@app.orchestration_trigger(context_name="context")
def collect(context):
    values = []
    for _ in range(context.get_input()):
        value = yield context.wait_for_external_event("Item")
        values.append(value)
    return values


@app.orchestration_trigger(context_name="context")
def abandons_wait(context):
    context.set_custom_status("waiting")
    first = context.wait_for_external_event("never")
    yield context.task_any([first, context.call_activity("echo", 1)])
    second = yield context.wait_for_external_event("now")
    return second


@app.orchestration_trigger(context_name="context")
def generations(context):
    """Continues as new down to zero, one event for each generation."""
    left, seen = context.get_input()
    context.set_custom_status({"left": left})
    if left == 0:
        return seen
    value = yield context.wait_for_external_event("tick")
    yield context.call_activity("echo", value)
    context.continue_as_new([left - 1, [*seen, value]])


@app.orchestration_trigger(context_name="context")
def renews_with_open_work(context):
    """Leaves an activity behind whose late result has the id of the next generation's first task."""
    if context.get_input() == "again":
        result = yield context.call_activity("echo", "fresh")
        return result
    stale = context.call_activity("nap", 0.2)
    quick = context.call_activity("echo", "quick")
    yield context.task_any([stale, quick])
    context.continue_as_new("again")


@app.orchestration_trigger(context_name="context")
def fails_after_renewal(context):
    yield context.call_activity("echo", 1)
    context.continue_as_new(1)
    raise RuntimeError("too late")


@app.orchestration_trigger(context_name="context")
def replaying(context):
    for step in range(4):
        if not context.is_replaying:
            EFFECTS[f"step {step}"] += 1
        yield context.call_activity("echo", step)
    return context.is_replaying


@app.orchestration_trigger(context_name="context")
def changeable(context):
    yield context.call_activity(SHAPE[0], "x")
    if SHAPE[0] != "shrunk":
        yield context.wait_for_external_event("on")
    yield context.call_activity("echo", "y")
    return "same"


@app.orchestration_trigger(context_name="context")
def shrinking(context):
    yield context.task_all([context.call_activity("echo", n) for n in range(3)][: 1 if SHAPE[0] == "shrunk" else 3])
    yield context.wait_for_external_event("on")


@app.orchestration_trigger(context_name="context")
def labelled(context):
    yield context.call_activity("echo", 1)
    raise ValueError('odd\n\n$OutOfProcData$:{"isDone":true} message')


@app.orchestration_trigger(context_name="context")
def calls_unknown(context):
    failures = []
    for task in (
        lambda: context.call_activity("no_such"),
        lambda: context.call_sub_orchestrator("no_such"),
    ):
        try:
            yield task()
        except Exception as error:  # noqa: BLE001  the SDK raises nothing narrower
            failures.append(str(error).split(" \n")[0])
    return failures


@app.orchestration_trigger(context_name="context")
def asks_entity(context):
    yield context.call_entity(df.EntityId("Counter", "1"), "get")


@app.orchestration_trigger(context_name="context")
def not_a_number(context):
    yield context.call_activity("echo", 1)
    return {"value": float("nan"), "text": "Grüße 🌍"}


@app.orchestration_trigger(context_name="context")
def passes_through(context):
    result = yield context.call_activity("echo", context.get_input())
    return result


@app.orchestration_trigger(context_name="context")
def bad_result(context):
    yield context.call_activity("unserialisable")


@app.orchestration_trigger(context_name="context")
def holds(context):
    result = yield context.call_activity("gated", "held")
    return result


@app.orchestration_trigger(context_name="context")
def gets_key(context):
    first = yield context.call_activity("keyed", 1)
    second = yield context.call_activity("keyed", 2)
    return [first, second]


@app.orchestration_trigger(context_name="context")
def long_history(context):
    for step in range(context.get_input()):
        EFFECTS[threading.current_thread().name.split("_")[0]] += 1
        yield context.call_activity("echo", step)
    return "long"


@app.orchestration_trigger(context_name="context", orchestration="AliasedName")
def with_alias(context):
    result = yield context.call_activity("echo", "alias")
    return result


@app.route("context/set", methods=["POST"])
@app.durable_client_input(client_name="client")
async def set_context(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> str:
    before = CURRENT.get()
    CURRENT.set("set by a request")
    await client.start_new("sees_context")
    return before


@app.activity_trigger(input_name="value")
async def tell_context(value):
    return CURRENT.get()


@app.orchestration_trigger(context_name="context")
def sees_context(context):
    result = yield context.call_activity("tell_context")
    if {result, CURRENT.get()} != {"unset"}:
        raise RuntimeError("a context variable of a request has got here")
    return result


def make_task(context, kind, value):
    """A task as a random program asks for it."""
    if kind == "timer":
        return context.create_timer(context.current_utc_datetime + timedelta(seconds=value))
    if kind == "child":
        return context.call_sub_orchestrator("passes_through", value)
    if kind == "retry":
        return context.call_activity_with_retry("flaky", df.RetryOptions(1, 3), [f"{context.instance_id}{value}", 2])
    if kind == "doomed":
        return context.call_activity_with_retry("fail", df.RetryOptions(1, 2), "doomed")
    return context.call_activity(kind, value)


def combine(context, how, tasks):
    if how == "one":
        return tasks[-1]
    if how == "nested":
        return context.task_all([context.task_all(tasks[:2]), *tasks[2:]])
    return context.task_all(tasks) if how == "all" else context.task_any(tasks)


@app.orchestration_trigger(context_name="context")
def program(context):
    """Runs a list of steps: each makes tasks, adds some that are already out, and waits for them in some way."""
    made, ended = [], 0
    for how, fresh, old in context.get_input():
        tasks = [make_task(context, kind, value) for kind, value in fresh]
        again = [made[index % len(made)] for index in old] if made else []
        made.extend(tasks)
        try:
            yield combine(context, how, list(dict.fromkeys([*again, *tasks])))
        except Exception:  # noqa: BLE001  the SDK raises nothing narrower
            ended += 1
        ended += 1
    return ended > 0


@app.orchestration_trigger(context_name="context")
def back_to_the_old(context):
    """After a task_all that fails early, with a task in it that never ends, waits for one that is older."""
    old = context.call_activity("nap", 0.1)
    yield context.task_any([old, context.call_activity("echo", 1)])
    try:
        yield context.task_all([context.call_activity("gated", 1), context.call_activity("fail", "early")])
    except Exception:  # noqa: BLE001  the SDK raises nothing narrower
        result = yield old
        return result
