"""Chains, fan-outs, races, children and retries, through the real SDK."""

import asyncio
import io
import json
import random

import pytest


async def test_a_chain_passes_values_of_all_kinds(flows):
    assert await flows.output("chain", {"a": [1]}) == [1, "TWO", 3, None, {"a": [1]}]


@pytest.mark.parametrize("width", [1, 50, 500])
async def test_a_fan_out_returns_results_in_order_of_the_calls(flows, width):
    assert await flows.output("fan", width) == list(range(width))
    assert flows.rows("work") == flows.rows("inbox") == flows.rows("timers") == 0


async def test_a_fan_out_takes_one_turn_for_its_start_and_one_for_its_end(flows):
    before = flows.host.stats()["turns"]
    await flows.output("fan", 50)
    assert flows.host.stats()["turns"] - before == 2


async def test_an_event_ends_a_race_against_a_fan_out(serve):
    flows = await serve("flows", wait_for_open_tasks=False)
    instance = await flows.begin("fan_and_event")
    await flows.send(instance, "enough", "now")
    assert (await flows.end(instance))["output"] == "event"


async def test_a_failure_ends_a_task_all_at_once(serve):
    flows = await serve("flows", wait_for_open_tasks=False)
    found = await flows.end(await flows.begin("fan_fails_early"))
    assert found["output"] == "Activity function 'fail' failed:  RuntimeError: early"


async def test_after_an_early_failure_an_older_task_is_noticed(serve):
    flows = await serve("flows", wait_for_open_tasks=False)
    flows.module.GATE[:] = [asyncio.Event()]
    assert await flows.output("back_to_the_old") == 0.1


async def test_a_task_all_over_old_and_new_tasks(flows):
    assert await flows.output("old_and_new") == [0.1, 0.02]


async def test_a_race_in_a_loop_with_follow_ups_and_a_failing_winner(flows):
    assert await flows.output("any_loop") == sorted(["failed", *(f"after {n}" for n in range(5))])


async def test_children_four_deep(flows):
    assert await flows.output("nest", 4) == [[[["bottom"]]]]


async def test_a_failing_child_reaches_its_parent_with_reason_and_details(flows):
    text = await flows.output("catches_child")
    assert text.startswith("Orchestrator function 'broken' failed: as told")
    assert "Message: as told, StackTrace: " in text
    assert "ValueError" in text


async def test_a_child_with_a_chosen_id(flows):
    assert await flows.output("named_child", "chosen") == "bottom"
    assert (await flows.status("chosen"))["runtimeStatus"] == "Completed"
    assert await flows.output("named_child", "chosen") == "bottom"


async def test_a_child_with_the_id_of_a_running_orchestration_fails(flows):
    running = await flows.begin("wait", "go", "taken")
    assert "'taken' is already running" in await flows.output("named_child", "taken")
    assert (await flows.status(running))["runtimeStatus"] == "Running"


async def test_a_terminated_child_fails_its_parent_s_task(flows):
    parent = await flows.begin("waits_for_child")
    await flows.until(parent, lambda _: "the-child" in flows.host._engine.instances)
    assert await flows.control("the-child", "terminate") == 202
    assert (await flows.end(parent))["output"].startswith("caught told so")


@pytest.mark.parametrize(
    ("failures", "attempts", "expected"),
    [
        (0, 1, "k done"),
        (2, 3, "k done"),
        (3, 3, "Activity function 'flaky' failed:  ValueError: k failed"),
        (1, 1, "Activity function 'flaky' failed:  ValueError: k failed"),
    ],
)
async def test_an_activity_is_tried_as_often_as_its_options_say(flows, failures, attempts, expected):
    assert await flows.output("retry", ["k", failures, attempts]) == [expected, "after"]
    assert flows.module.EFFECTS["flaky k"] == min(failures + 1, attempts)


async def test_retries_inside_a_task_all(flows):
    assert await flows.output("retry_all", "r") == [*(f"r{n} done" for n in range(8)), "plain"]


async def test_retries_mixed_with_follow_ups_keep_their_ids(flows):
    """Twenty at once, so that retries and other events meet in many different turns."""
    instances = [await flows.begin("retry_mixed", f"m{number}-") for number in range(20)]
    assert [(await flows.end(instance))["output"] for instance in instances] == [16] * 20
    assert flows.rows("work") == flows.rows("inbox") == flows.rows("timers") == 0


async def test_a_child_is_tried_again(flows):
    assert await flows.output("retry_child", "c") == "c done"
    assert flows.module.EFFECTS["flaky c"] == 3


async def test_unknown_names_fail_the_task_and_not_the_host(flows):
    activity, child = await flows.output("calls_unknown")
    assert activity == "The function 'no_such' doesn't exist, is disabled, or is not an activity function."
    assert child == "The function 'no_such' doesn't exist, is disabled, or is not an orchestrator function."


async def test_a_durable_name_may_be_an_alias_and_case_does_not_count(flows):
    assert await flows.output("aliasedname") == "alias"


async def test_what_cannot_be_made_json_fails_the_activity(flows):
    found = await flows.end(await flows.begin("bad_result"))
    assert found["runtimeStatus"] == "Failed"
    assert "must be json serializable" in found["output"]


async def test_an_activity_gets_a_key_of_its_own(flows):
    instance = await flows.begin("gets_key")
    first, second = (await flows.end(instance))["output"]
    assert first.startswith(f"{instance}/")
    assert first != second


@pytest.mark.parametrize("text", ["x" * 3_000_000, "Grüße 🌍\u2028 \u0000 \ud800", '","IsPlayed":false'])
async def test_payloads_large_and_odd_come_back_as_they_went(flows, text):
    body = io.BytesIO(json.dumps([text, 1.5, None]).encode())
    status, reply = await flows.manage("POST", "orchestrators/passes_through", data=body)
    assert status == 202
    assert (await flows.end(reply["id"]))["output"] == [text, 1.5, None]


def random_program(chance):
    """Steps for the orchestrator `program`. Nested compounds hold nothing that fails: the SDK cannot take that."""
    steps = []
    for _ in range(chance.randint(2, 6)):
        how = chance.choice(["all", "all", "any", "one", "nested"])
        kinds = ["echo", "nap", "child", "timer", "retry"] + (["fail", "doomed"] if how != "nested" else [])
        fresh = []
        for _ in range(chance.randint(2, 5)):
            kind = chance.choice(kinds)
            fresh.append([kind, chance.uniform(0, 0.02) if kind in ("nap", "timer") else chance.randrange(10**6)])
        old = [] if how == "nested" else [chance.randrange(20) for _ in range(chance.randint(0, 3))]
        steps.append([how, fresh, old])
    return steps


async def test_no_orchestration_is_left_asleep(flows):
    """The host does not wake one whose task_all is incomplete; it must not take anything else for that."""
    chance = random.Random(11)
    instances = [await flows.begin("program", random_program(chance)) for _ in range(80)]
    ended = [await flows.end(instance) for instance in instances]
    assert [(found["runtimeStatus"], found["output"]) for found in ended] == [("Completed", True)] * 80
    assert flows.rows("work") == flows.rows("inbox") == flows.rows("timers") == 0
