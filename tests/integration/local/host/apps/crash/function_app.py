"""Orchestrations whose output must not depend on how often the host is killed."""

import asyncio
import os
import time
from datetime import timedelta
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.activity_trigger(input_name="value")
async def double(value: int) -> int:
    await asyncio.sleep(0.01 * (value % 5))
    return 2 * value


@app.activity_trigger(input_name="plan")
def flaky(plan: list) -> str:
    """Fails the first `plan[1]` times, however often the host has been started in between."""
    key, failures = plan
    path = Path(os.environ["CRASH_FOLDER"]) / key
    with path.open("a") as file:
        file.write("x")
    if path.stat().st_size <= failures:
        raise ValueError(key)
    return key


@app.orchestration_trigger(context_name="context")
def fan(context):
    results = yield context.task_all([context.call_activity("double", n) for n in range(40)])
    return sum(results)


@app.orchestration_trigger(context_name="context")
def nest(context):
    depth = context.get_input()
    if depth == 0:
        result = yield context.call_activity("double", 21)
        return result
    inner = yield context.task_all([context.call_sub_orchestrator("nest", depth - 1) for _ in range(2)])
    return sum(inner)


@app.orchestration_trigger(context_name="context")
def retries(context):
    options = df.RetryOptions(20, 50)
    tasks = {}
    for n in range(6):
        key = f"{context.instance_id}-{n}"
        tasks[context.call_activity_with_retry("flaky", options, [key, n % 3])] = key
    right = 0
    while tasks:
        winner = yield context.task_any(list(tasks))
        expected = tasks.pop(winner)
        right += winner.result == expected
        if isinstance(expected, str):
            number = int(expected[-1])
            tasks[context.call_activity("double", number)] = 2 * number
    return right


@app.orchestration_trigger(context_name="context")
def generations(context):
    left, total = context.get_input()
    if left == 0:
        return total
    result = yield context.call_activity("double", left)
    context.continue_as_new([left - 1, total + result])


@app.orchestration_trigger(context_name="context")
def events(context):
    values = []
    for _ in range(3):
        value = yield context.wait_for_external_event("early")
        values.append(value)
        yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=100))
    return values


@app.activity_trigger(input_name="seconds")
def block(seconds: float) -> None:
    time.sleep(seconds)


@app.orchestration_trigger(context_name="context")
def blocked(context):
    yield context.call_activity("block", context.get_input())
