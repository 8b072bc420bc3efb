"""What takes its time: waits that the endpoint or the user asks for, calls that hang, models that are gone.

All of it runs side by side, so that the whole takes little more than the longest.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from e2e_client import Run, Swarms
from e2e_script import Asked, Said, Script

from local.scripted import Reply
from shared.swarm.statuses import Status

pytestmark = pytest.mark.asyncio(loop_scope="session")

Scenario = Callable[[Swarms], Awaitable[None]]
SCENARIOS: dict[str, Scenario] = {}


def scenario(told: Scenario) -> Scenario:
    SCENARIOS[told.__name__] = told
    return told


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(scripted: Callable[[], Swarms]) -> AsyncIterator[dict[str, asyncio.Task[None]]]:
    """Every scenario, begun."""
    swarms = scripted()
    tasks = {name: asyncio.ensure_future(told(swarms)) for name, told in SCENARIOS.items()}
    yield tasks
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    await swarms.stop()


@pytest.mark.parametrize("name", SCENARIOS)
async def test_in_time(running: dict[str, asyncio.Task[None]], name: str) -> None:
    await running[name]


@scenario
async def a_long_retry_after_is_kept(swarms: Swarms) -> None:
    replies = iter([Reply("later", status=429, headers={"Retry-After": "11"}), "Written.", "Written."])
    script = Script({"Do it": ["Write a.md.", "Write b.md."]}, text=lambda asked: next(replies))
    ended = await (await swarms("Do it", script)).ended()

    assert ended.status == "completed"
    refused, again = [asked for asked in script.of("text") if asked.call.step == script.of("text")[0].call.step]
    assert 11 <= again.at - refused.at < 30


@scenario
async def cut_connections_pass(swarms: Swarms) -> None:
    script = Script({"Do it": ["Write it.md."]})
    seen: set[str] = set()

    def answer(asked: Asked) -> Said:
        first = asked.call.step not in seen
        seen.add(asked.call.step)
        return Reply("half of this", cut=True) if first else script.reply(asked.call)

    flaky = Script(Plan=answer, ChoiceAnswer=answer, text=answer, Review=answer)
    ended = await (await swarms("Do it", flaky)).ended()

    assert ended.status == "completed"
    assert (len(flaky.heard), ended.root.usage.calls) == (8, 4)


@scenario
async def a_model_that_is_down_for_ever_ends_with_the_wall_time(swarms: Swarms) -> None:
    down = Reply("down", status=500)
    context = [{"name": "facts.md", "content": "One fact."}]
    ended = await (await swarms("Do it", Script(Plan=down, Description=down), context=context, wall_seconds=10)).ended()

    assert ended.status == "incomplete"
    assert ended.report == "Stopped: time ran out. Nothing of this directive was done yet."
    assert ended.swarm["usage"]["calls"] == 0


@scenario
async def a_branch_whose_model_is_gone_does_not_take_the_others_with_it(swarms: Swarms) -> None:
    def text(asked: Asked) -> Said:
        return Reply("gone", status=503, headers={"Retry-After": "1"}) if "a.md" in asked.directive else "Fine."

    script = Script({"Do it": ["Write a.md.", "Write b.md."]}, text=text)
    ended = await (await swarms("Do it", script, wall_seconds=10)).ended()

    assert ended.status == "incomplete"
    assert ended.on("Write a.md.").report == "Stopped: time ran out. Nothing of this directive was done yet."
    assert ended.report.startswith("Stopped: time ran out. 1 of 2 parts are done; here is what there is.")
    assert "Wrote `b.md`" in ended.report


@scenario
async def time_spent_waiting_for_the_user_does_not_count(swarms: Swarms) -> None:
    def review(asked: Asked) -> Said:
        first = asked.node_id == "0"
        return {"complete": not first, "missing": "The text is missing." if first else "", "report": "Painted."}

    asking = "Ask which colour it shall have."
    script = Script({"Paint slowly": [asking], "The text is missing.": ["Write paint.md."]}, Review=review)
    run = await swarms("Paint slowly", script, wall_seconds=10)
    question = await run.question()
    await asyncio.sleep(10.5)
    await run.post(f"/questions/{question['question_id']}/answer", {"answer": "Yellow."})
    ended = await run.ended()

    # Neither the review nor the round after it has run out of time.
    assert (ended.status, ended.report) == ("completed", "Painted.")
    assert ended.root.waited > 10
    assert ended.on("Write paint.md.").status is Status.TERMINATED


async def hanging(swarms: Swarms) -> Run:
    script = Script({"Hang": ["Write a.md."]}, text=Reply("Never.", delay=100.0))
    run = await swarms("Hang", script)
    await run.until_status("0.0.0", "acting")
    return run


@scenario
async def cancel_does_not_wait_for_a_call_that_hangs(swarms: Swarms) -> None:
    run = await hanging(swarms)
    await run.post("/cancel")
    async with asyncio.timeout(30):
        ended = await run.ended()

    assert ended.status == "cancelled"
    assert ended.nodes["0.0.0"].status is Status.CANCELLED
    assert len(run.script.of("text")) == 1


@scenario
async def cancel_does_not_wait_for_a_model_that_is_down(swarms: Swarms) -> None:
    run = await swarms("Do it", Script(Plan=Reply("down", status=500, headers={"Retry-After": "1"})))
    await run.until_status("0", "acting")
    await asyncio.sleep(3)
    await run.post("/cancel")
    async with asyncio.timeout(30):
        ended = await run.ended()

    assert ended.status == "cancelled"


@scenario
async def slow_and_failing_swarms_do_not_hold_a_quick_one_up(swarms: Swarms) -> None:
    slow = await swarms("Do it", Script({"Do it": ["Write a.md."]}, text=lambda asked: Reply("late", delay=8.0)))
    quick = await (await swarms("Do it", Script())).ended()

    assert quick.status == "completed"
    assert (await slow.get())["status"] == "running"
    assert (await slow.ended()).status == "completed"
