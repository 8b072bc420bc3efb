"""Durable timers, external events, continue-as-new and words of control, through the real SDK."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from local.host.durable import sdk
from local.host.durable.episode import begin
from local.host.durable.model import Instance
from local.host.durable.protocol import EventType, event, played, stamp


async def test_a_timer_fires_when_due_and_not_before(flows):
    assert 0.3 <= await flows.output("timer", 0.3) < 10
    assert flows.rows("timers") == 0


async def test_a_timer_in_the_past_fires_at_once(flows):
    assert await flows.output("timer", -50) < 10


async def test_an_answer_in_time_cancels_the_deadline(flows):
    instance = await flows.begin("timeout", 60)
    await flows.send(instance, "answer", {"a": 1})
    assert (await flows.end(instance))["output"] == {"a": 1}
    assert flows.rows("timers") == 0


async def test_a_deadline_passes_without_an_answer(flows):
    assert await flows.output("timeout", 0.05) == "late"


async def test_an_open_timer_keeps_an_orchestration_running_as_on_azure(flows):
    started = time.monotonic()
    assert await flows.output("forgets_timer", 0.4) == "done"
    assert time.monotonic() - started >= 0.4
    assert flows.rows("timers") == 0


async def test_an_open_timer_is_dropped_if_it_is_set_so(serve):
    flows = await serve("flows", wait_for_open_tasks=False)
    assert await flows.output("forgets_timer", 60) == "done"
    assert flows.rows("timers") == 0


async def test_a_timer_that_came_due_without_a_host_fires_on_the_next_start(flows):
    instance = await flows.begin("timer", 0.2)
    await flows.until(instance, lambda _: flows.rows("timers") == 1)
    await flows.stop()
    await asyncio.sleep(0.3)
    await flows.start()
    assert (await flows.end(instance))["output"] >= 0.2


async def test_a_timer_due_while_suspended_counts_on_resume(flows):
    instance = await flows.begin("timer", 0.1)
    await flows.until(instance, lambda _: flows.rows("timers") == 1)
    assert await flows.control(instance, "suspend") == 202
    await asyncio.sleep(0.2)
    assert (await flows.status(instance))["runtimeStatus"] == "Suspended"
    assert await flows.control(instance, "resume") == 202
    assert (await flows.end(instance))["runtimeStatus"] == "Completed"


async def test_events_before_and_after_the_wait_arrive_once_and_in_order(flows):
    instance = await flows.begin("collect", 6)
    for number in range(6):
        await flows.send(instance, "item" if number % 2 else "Item", number)
    assert (await flows.end(instance))["output"] == list(range(6))


async def test_a_burst_of_events_is_kept_until_each_is_waited_for(flows):
    instance = await flows.begin("collect", 200)
    await asyncio.gather(*(flows.send(instance, "Item", 1) for _ in range(200)))
    assert (await flows.end(instance))["output"] == [1] * 200


async def test_a_wait_that_was_abandoned_does_not_take_another_event(flows):
    instance = await flows.begin("abandons_wait")
    await flows.send(instance, "now", "yes")
    found = await flows.end(instance)
    assert found["output"] == "yes"
    assert found["customStatus"] == "waiting"


async def test_an_event_is_an_object_from_a_webhook_and_a_text_from_the_sdk(flows):
    """As on Azure: the SDK encodes twice and the host undoes it once."""
    from_webhook = await flows.begin("wait", "go")
    await flows.send(from_webhook, "go", {"a": 1})
    assert (await flows.end(from_webhook))["output"] == {"a": 1}
    from_sdk = await flows.begin("wait", "go")
    assert (await flows.call("POST", f"client/raise/{from_sdk}/go", json={"a": 1}))[0] == 200
    assert (await flows.end(from_sdk))["output"] == '{"a": 1}'


async def test_continue_as_new_keeps_early_events_and_the_status(flows):
    instance = await flows.begin("generations", [12, []])
    for number in range(12):
        await flows.send(instance, "tick", number)
    found = await flows.end(instance)
    assert found["output"] == list(range(12))
    assert found["customStatus"] == {"left": 0}
    assert flows.rows("work") == flows.rows("inbox") == 0
    generations = flows.host._storage.query("SELECT DISTINCT generation FROM history")
    assert generations == [(12,)]


async def test_a_late_result_is_not_taken_for_one_of_the_next_generation(serve):
    flows = await serve("flows", wait_for_open_tasks=False)
    assert await flows.output("renews_with_open_work") == "fresh"
    await asyncio.sleep(0.3)
    assert flows.rows("work") == flows.rows("inbox") == 0


async def test_an_error_after_continue_as_new_wins(flows):
    found = await flows.end(await flows.begin("fails_after_renewal"))
    assert found["runtimeStatus"] == "Failed"
    assert "too late" in found["output"]


async def test_terminate_in_the_middle_of_an_activity(flows):
    instance = await flows.begin("holds")
    await flows.until(instance, lambda _: flows.module.EFFECTS["gated"] == 1)
    assert await flows.control(instance, "terminate") == 202
    found = await flows.end(instance)
    assert found["runtimeStatus"] == "Terminated"
    assert found["output"] == "told so"
    flows.module.GATE[0].set()
    await asyncio.sleep(0.05)
    assert (await flows.status(instance))["runtimeStatus"] == "Terminated"
    assert flows.rows("work") == flows.rows("inbox") == 0


async def test_what_has_ended_is_gone_for_words_of_control(flows):
    instance = await flows.begin("chain")
    await flows.end(instance)
    for what in ("terminate", "suspend", "resume"):
        assert await flows.control(instance, what) == 410
        assert await flows.control("unheard-of", what) == 404
    assert (await flows.manage("POST", f"instances/{instance}/raiseEvent/e", json=1))[0] == 410


async def test_suspended_work_ends_but_the_orchestration_waits(flows):
    instance = await flows.begin("holds")
    await flows.until(instance, lambda _: flows.module.EFFECTS["gated"] == 1)
    assert await flows.control(instance, "suspend") == 202
    assert await flows.control(instance, "suspend") == 202
    await flows.until(instance, lambda found: found["runtimeStatus"] == "Suspended")
    flows.module.GATE[0].set()
    await flows.until(instance, lambda _: flows.rows("inbox") == 1)
    await flows.restart()
    assert (await flows.status(instance))["runtimeStatus"] == "Suspended"
    assert await flows.control(instance, "resume") == 202
    assert (await flows.end(instance))["output"] == "held"


async def test_suspend_at_once_after_start(flows):
    instance = await flows.begin("chain", instance_id="early")
    await flows.control(instance, "suspend")
    await flows.control(instance, "resume")
    assert (await flows.end(instance))["runtimeStatus"] == "Completed"


async def test_each_step_is_new_exactly_once(flows):
    assert await flows.output("replaying") is False
    assert [flows.module.EFFECTS[f"step {step}"] for step in range(4)] == [1] * 4


@pytest.mark.filterwarnings("ignore:Potential duplicate Task completion")
@pytest.mark.parametrize("name", ["changeable", "shrinking"])
async def test_code_that_changes_under_an_orchestration_fails_it(flows, name):
    instance = await flows.begin(name)
    await flows.until(instance, lambda _: flows.rows("inbox") == 0 and flows.module.EFFECTS["echo x"] >= 0)
    await flows.until(instance, lambda _: not flows.host._engine.instances[instance].open)
    flows.module.SHAPE[:] = ["shrunk"]
    await flows.send(instance, "on", 1)
    found = await flows.end(instance)
    assert found["runtimeStatus"] == "Failed"
    assert "Non-Deterministic workflow detected" in found["output"]


async def test_an_error_text_may_hold_the_protocol_s_own_label(flows):
    found = await flows.end(await flows.begin("labelled"))
    assert found["runtimeStatus"] == "Failed"
    expected = "Orchestrator function 'labelled' failed: odd\n\n$OutOfProcData$:{\"isDone\":true} message"
    assert found["output"] == expected


async def test_what_the_host_does_not_support_fails_with_its_name(flows):
    found = await flows.end(await flows.begin("asks_entity"))
    assert "this host does not support durable entities" in found["output"]


async def test_an_output_that_json_cannot_hold_is_made_to_fit(flows):
    assert await flows.output("not_a_number") == {"value": None, "text": "Grüße 🌍"}


async def test_an_orchestration_survives_restarts_with_work_open(flows):
    instance = await flows.begin("holds")
    await flows.until(instance, lambda _: flows.module.EFFECTS["gated"] == 1)
    for _ in range(7):
        await flows.restart()
        flows.module.GATE[:] = [asyncio.Event()]
        await flows.until(instance, lambda _: flows.host.stats()["activities_running"] == 1)
    flows.module.GATE[0].set()
    assert (await flows.end(instance))["output"] == "held"


async def test_a_long_history_is_replayed_in_a_thread(flows):
    """On the loop it would hold up every other callback for as long as a replay takes."""
    assert await flows.output("long_history", 20) == "long"
    assert flows.module.EFFECTS["host-replay"] == 0
    assert await flows.output("long_history", 200) == "long"
    assert flows.module.EFFECTS["host-replay"] > 100


async def test_replay_stays_cheap(flows):
    """A replay of some 2,000 events, of which 1,000 matter: stock SDK code takes 74 ms for the whole of them."""
    begun = datetime.now(UTC)
    instance = Instance(1, "i", "long_history", "", "e", "500", "", "")
    texts = [item.text for item in begin(instance, [], begun).incoming()]
    for step in range(499):
        clock = stamp(begun + timedelta(milliseconds=step + 1))
        texts.append(event(EventType.ORCHESTRATOR_STARTED, clock).text)
        texts.append(event(EventType.TASK_COMPLETED, clock, TaskScheduledId=step, Result="1").text)
    turn = begin(instance, [], begun + timedelta(seconds=1))
    context = turn.context(instance, played(",".join(texts)))
    handle = flows.host._engine._orchestrators["long_history"]
    started = time.process_time()
    reply = sdk.replay(handle, context)
    assert time.process_time() - started < 0.06
    assert len(reply.actions) == 500
