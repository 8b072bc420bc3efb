"""Cancel, pause and resume."""

import asyncio

import pytest
from e2e_client import PATIENCE, Run, Swarms
from e2e_script import Asked, Said, Script

from local.scripted import Reply
from shared.swarm.statuses import Status

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def nothing_runs(run: Run) -> None:
    """See that no model call comes any more, and where they can be looked at that all durable instances end."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if not await run.deployment.running_instances(run.swarm_id):
                break
            await asyncio.sleep(0.1)
    heard = len(run.script.heard)
    await asyncio.sleep(0.7)
    assert len(run.script.heard) == heard


async def test_cancel_in_mid_run_leaves_nothing_running(swarms: Swarms) -> None:
    parts = ["Write a.md.", "Write b.md.", "Ask for the colour.", "Manage the rest."]
    script = Script(
        {"Do much": parts, "Manage the rest.": ["Write c.md.", "Write d.md."]},
        text=lambda asked: Reply("Slow text.", delay=0.6),
    )
    run = await swarms("Do much", script)
    await run.question()
    await run.until(lambda event: event.status == "acting" and event.node_id.startswith("0.3.0."))
    told = await run.post("/cancel")
    ended = await run.ended()

    assert told.status == 202
    assert (ended.status, ended.root.status) == ("cancelled", Status.CANCELLED)
    assert ended.report.startswith("Cancelled by the user.")
    (asked,) = await run.questions()
    assert asked["state"] == "cancelled"
    assert script.of("Review") == []
    await nothing_runs(run)
    assert (await run.post("/cancel")).status == 409
    assert (await run.post("/pause")).status == 409
    assert (await run.post("/resume")).status == 409
    assert (await run.post(f"/questions/{asked['question_id']}/answer", {"answer": "Red"})).status == 409


async def test_cancel_while_routers_search(swarms: Swarms) -> None:
    script = Script(ChoiceAnswer=lambda asked: Reply({"best": 0, "unviable": [], "confidence": "low"}, delay=0.8))
    run = await swarms("Search on", script)
    await run.until_status("0", "waiting")
    await run.post("/cancel")
    ended = await run.ended()

    assert {node.status for node in ended.nodes.values()} == {Status.CANCELLED}
    await nothing_runs(run)


async def test_a_swarm_that_is_cancelled_at_once_ends_as_cancelled(swarms: Swarms) -> None:
    context = [{"name": f"{n}.md", "content": "Text."} for n in range(4)]
    run = await swarms("Never mind", Script(), context=context)
    await run.post("/cancel")
    ended = await run.ended()

    assert ended.status == "cancelled"
    assert not any(node.alive for node in ended.nodes.values())
    await nothing_runs(run)


async def test_pause_stops_before_the_next_call_and_resume_goes_on(swarms: Swarms) -> None:
    parts = ["Write a.md.", "Code b.py.", "Manage the rest."]
    script = Script(
        {"Stop and go": parts, "Manage the rest.": ["Write c.md.", "Write d.md."]},
        text=lambda asked: Reply("```python\npass\n```", delay=0.3),
    )
    run = await swarms("Stop and go", script)
    await run.until(lambda event: event.status == "acting" and event.node_id != "0")
    assert (await run.post("/pause")).status == 202
    assert (await run.post("/pause")).status == 202
    # Calls in flight come to their end; after that there is none.
    await asyncio.sleep(0.8)
    heard = len(script.heard)
    frame = (await run.get("/events?limit=1000"))["frame"]
    await asyncio.sleep(1.0)
    assert len(script.heard) == heard
    assert (await run.get(f"/events?after={frame}"))["items"] == []
    shown = await run.get()
    assert (shown["status"], shown["paused"]) == ("running", True)

    assert (await run.post("/resume")).body["paused"] is False
    assert (await run.get())["paused"] is False
    ended = await run.ended()

    assert ended.status == "completed"
    assert len(ended.acting("writing.write_document")) == 3
    # No call that was paid for is made again: what the pause cut short is in the journal.
    assert len(script.answered) == ended.root.usage.calls


async def test_an_answer_during_a_pause_counts_when_it_is_over(swarms: Swarms) -> None:
    asking = "Ask for the colour."
    script = Script({"Wait and see": [asking]})
    run = await swarms("Wait and see", script)
    question = await run.question()
    await run.post("/pause")
    answered = await run.post(f"/questions/{question['question_id']}/answer", {"answer": "Pink."})
    await asyncio.sleep(0.5)
    assert answered.status == 200
    assert script.of("Review") == []

    await run.post("/resume")
    ended = await run.ended()

    assert ended.status == "completed"
    assert "Pink." in (ended.on(asking).report or "")


async def test_pause_twice_and_cancel_in_the_second(swarms: Swarms) -> None:
    script = Script({"On and off": ["Ask for the colour."]})
    run = await swarms("On and off", script)
    await run.question()
    for word in ("pause", "resume", "pause", "cancel"):
        assert (await run.post(f"/{word}")).status == 202
    assert (await run.post("/resume")).status == 409
    ended = await run.ended()

    assert ended.status == "cancelled"
    await nothing_runs(run)


async def test_many_swarms_at_once_do_not_mix(swarms: Swarms) -> None:
    def text(asked: Asked) -> Said:
        return f"Text of {asked.swarm_id}: {asked.directive}"

    runs = [await swarms(f"Goal {n}", Script({f"Goal {n}": [f"Write part{n}.md."]}, text=text)) for n in range(8)]
    for number, run in enumerate(runs):
        ended = await run.ended()
        assert (ended.status, ended.report) == ("completed", f"Finished: Goal {number}")
        assert await run.artifact(f"part{number}.md") == f"Text of {run.swarm_id}: Write part{number}.md.\n"
        assert {asked.swarm_id for asked in run.script.heard} == {run.swarm_id}
