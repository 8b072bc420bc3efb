"""Cancel, pause and resume one branch of a swarm while the others go on."""

import asyncio

import pytest
from e2e_client import Ended, Run, Swarms
from e2e_script import Asked, Said, Script, choice

from local.scripted import Reply
from shared.swarm.control import is_below
from shared.swarm.statuses import Status

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: The router of the second sub-directive, the manager it spawns, and the goal of both.
ROUTER, MANAGER, REST = "0.1", "0.1.0", "Manage the rest."


def slow_below(top: str, seconds: float) -> Script:
    """A swarm with a quick part, and a manager at `top` whose parts take their time or ask."""

    def text(asked: Asked) -> Said:
        return Reply(f"Text of {asked.directive}", delay=seconds if is_below(asked.node_id, top) else 0.0)

    plans = {"Do much": ["Write a.md.", REST], REST: ["Write c.md.", "Write d.md.", "Ask for the colour."]}
    return Script(plans, text=text)


def under(ended: Ended, top: str) -> set[Status]:
    return {node.status for node_id, node in ended.nodes.items() if is_below(node_id, top)}


async def tell(run: Run, node_id: str, command: str) -> int:
    return (await run.post(f"/nodes/{node_id}/{command}")).status


@pytest.mark.parametrize("top", [ROUTER, MANAGER])
async def test_a_branch_is_cancelled_while_its_siblings_finish(swarms: Swarms, top: str) -> None:
    run = await swarms("Do much", slow_below(ROUTER, 0.6))
    await run.until(lambda event: event.status == "acting" and event.node_id.startswith(f"{MANAGER}.0."))
    await run.question()
    told = await run.post(f"/nodes/{top}/cancel")
    ended = await run.ended()

    assert (told.status, told.body) == (202, {"swarm_id": run.swarm_id, "node_id": top, "command": "cancel"})
    assert ended.status == "completed"
    assert under(ended, ROUTER) == {Status.CANCELLED}
    assert under(ended, "0.0") == {Status.TERMINATED}
    assert await run.artifact("a.md")
    (asked,) = await run.questions()
    assert asked["state"] == "cancelled"
    (review,) = run.script.of("Review", "0")
    assert "CANCELLED: Cancelled by the user." in review.section("Reports")
    assert run.script.of("Review", MANAGER) == []


async def test_a_branch_that_rests_is_cancelled(swarms: Swarms) -> None:
    run = await swarms("Do much", slow_below(ROUTER, 0.3))
    await run.until(lambda event: event.status == "acting" and event.node_id.startswith(f"{MANAGER}."))
    assert await tell(run, f"{MANAGER}.0", "pause") == 202
    assert await tell(run, MANAGER, "pause") == 202
    await run.until(lambda event: event.node_id == "0.0" and event.status == "terminated")
    await asyncio.sleep(0.6)
    assert await tell(run, ROUTER, "cancel") == 202
    ended = await run.ended()

    assert ended.status == "completed"
    assert under(ended, ROUTER) == {Status.CANCELLED}


async def test_a_branch_rests_while_its_siblings_finish_and_goes_on(swarms: Swarms) -> None:
    run = await swarms("Do much", slow_below(ROUTER, 0.3))
    question = await run.question()
    await run.until(lambda event: event.status == "acting" and event.node_id.startswith(f"{MANAGER}.1."))
    told = await run.post(f"/nodes/{MANAGER}/pause")
    assert (told.status, told.body["command"]) == (202, "pause")
    assert await tell(run, MANAGER, "pause") == 202
    answered = await run.post(f"/questions/{question['question_id']}/answer", {"answer": "Pink."})
    assert answered.status == 200
    await run.until(lambda event: event.node_id == "0.0" and event.status == "terminated")
    # Calls in flight come to their end; after that there is none.
    await asyncio.sleep(0.8)
    heard, frame = len(run.script.heard), (await run.get("/events?limit=1000"))["frame"]
    await asyncio.sleep(0.8)
    assert len(run.script.heard) == heard
    assert (await run.get(f"/events?after={frame}"))["items"] == []
    shown = await run.get()
    assert (shown["status"], shown["paused"]) == ("running", False)
    assert (await run.get("/tree"))["branches"] == {MANAGER: "pause"}

    resumed = await run.post(f"/nodes/{MANAGER}/resume")
    assert (resumed.status, resumed.body["command"]) == (202, "run")
    ended = await run.ended()
    assert ended.status == "completed"
    assert under(ended, "0") == {Status.TERMINATED}
    assert "Pink." in (ended.on("Ask for the colour.").report or "")
    assert len(run.script.answered) == ended.root.usage.calls


async def test_a_branch_rests_whose_router_still_searches(swarms: Swarms) -> None:
    def choose(asked: Asked) -> Said:
        found = choice(asked, "write document")
        return Reply(found, delay=0.7) if asked.node_id == ROUTER else found

    run = await swarms("Find", Script({"Find": ["Write a.md.", "Write b.md.", "Write c.md."]}, ChoiceAnswer=choose))
    await run.until_status("0", "waiting")
    assert await tell(run, ROUTER, "pause") == 202
    await run.until(lambda event: event.node_id == "0.0.0" and event.status == "terminated")
    await run.until(lambda event: event.node_id == "0.2.0" and event.status == "terminated")
    await asyncio.sleep(0.5)
    assert {one.node_id for one in run.script.heard if is_below(one.node_id, ROUTER)} == {ROUTER}
    assert run.script.of("text", f"{ROUTER}.0") == []
    assert await tell(run, ROUTER, "resume") == 202
    ended = await run.ended()
    assert ended.status == "completed"
    assert under(ended, "0") == {Status.TERMINATED}


async def test_a_branch_is_cancelled_whose_router_rests(swarms: Swarms) -> None:
    def choose(asked: Asked) -> Said:
        found = choice(asked, "write document")
        return Reply(found, delay=0.7) if asked.node_id == ROUTER else found

    run = await swarms("Find", Script({"Find": ["Write a.md.", "Write b.md."]}, ChoiceAnswer=choose))
    await run.until_status("0", "waiting")
    assert await tell(run, ROUTER, "pause") == 202
    await run.until(lambda event: event.node_id == "0.0.0" and event.status == "terminated")
    assert await tell(run, ROUTER, "cancel") == 202
    ended = await run.ended()
    assert ended.status == "completed"
    assert under(ended, ROUTER) == {Status.CANCELLED}


async def test_a_cancelled_continuation_leaves_what_was_done_before(swarms: Swarms) -> None:
    script = Script(
        {"Two rounds": ["Write a.md."], "b.md": ["Write b.md."]},
        Review={"complete": False, "missing": "b.md", "report": "a.md is there."},
        text=lambda asked: Reply("Text.", delay=0.5 if "b.md" in asked.directive else 0.0),
    )
    run = await swarms("Two rounds", script)
    await run.until(lambda event: event.status == "acting" and event.node_id.startswith("0.1.0."))
    assert await tell(run, "0.1", "cancel") == 202
    ended = await run.ended()
    assert (ended.status, ended.root.status) == ("incomplete", Status.TERMINATED)
    assert under(ended, "0.1") == {Status.CANCELLED}
    assert "a.md" in ended.report


async def test_a_swarm_whose_every_branch_is_cancelled_does_not_try_again(swarms: Swarms) -> None:
    script = Script({"One thing": ["Write a.md."]}, text=lambda asked: Reply("Text.", delay=0.6))
    run = await swarms("One thing", script)
    await run.until(lambda event: event.node_id == "0.0.0" and event.status == "acting")
    assert await tell(run, "0.0", "cancel") == 202
    ended = await run.ended()
    assert ended.status == "incomplete"
    assert len(script.of("Plan")) == 1
    assert ended.report.startswith("The user cancelled all of it.")


async def test_a_file_of_a_cancelled_branch_is_not_missed(swarms: Swarms) -> None:
    """Neither the review nor a later round asks for what the user did not want any more."""
    script = Script(
        {"Write a.md and b.md.": ["Write a.md.", "Write b.md."]},
        text=lambda asked: Reply("Text.", delay=0.6 if "Write b.md" in asked.directive else 0.0),
    )
    run = await swarms("Write a.md and b.md.", script)
    await run.until(lambda event: event.node_id == "0.1.0" and event.status == "acting")
    assert await tell(run, "0.1", "cancel") == 202
    ended = await run.ended()
    assert ended.status == "completed"
    assert len(script.of("Plan")) == 1


async def test_what_cannot_be_told_to_a_branch(swarms: Swarms) -> None:
    run = await swarms("Do much", slow_below(ROUTER, 0.3))
    await run.question()
    await run.until(lambda event: event.node_id == "0.0" and event.status == "terminated")
    for command in ("pause", "resume", "cancel"):
        assert await tell(run, "0.7", command) == 404
        assert await tell(run, "a%20b", command) == 400
        ended = await run.post(f"/nodes/0.0/{command}")
        assert (ended.status, "already ended" in ended.body["detail"]) == (409, True)
    assert await tell(run, ROUTER, "pause") == 202
    above = await run.post(f"/nodes/{MANAGER}/resume")
    assert (above.status, f"node {ROUTER}" in above.body["detail"]) == (409, True)
    assert await tell(run, MANAGER, "cancel") == 202
    assert [await tell(run, MANAGER, command) for command in ("pause", "resume")] == [409, 409]
    await run.ended()
    assert [await tell(run, MANAGER, command) for command in ("pause", "resume", "cancel")] == [409, 409, 409]


async def test_the_root_is_the_whole_swarm(swarms: Swarms) -> None:
    run = await swarms("Do much", slow_below(ROUTER, 0.3))
    await run.question()
    assert await tell(run, "0", "pause") == 202
    assert (await run.get())["paused"] is True
    assert await tell(run, "0", "resume") == 202
    assert (await run.get())["paused"] is False
    assert await tell(run, "0", "cancel") == 202
    assert (await run.ended()).status == "cancelled"
