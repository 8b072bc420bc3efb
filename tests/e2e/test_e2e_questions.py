"""Questions to the user: answered in mid-run, left to their deadline, and asked no second time."""

import asyncio

import pytest
from e2e_client import Run, Swarms
from e2e_script import Asked, Said, Script

from local.scripted import Reply

pytestmark = pytest.mark.asyncio(loop_scope="session")

ASKING = "Ask which colour the door shall have."


async def answer(run: Run, question_id: str, text: object) -> int:
    """Answer a question; the status of the response."""
    return (await run.post(f"/questions/{question_id}/answer", {"answer": text})).status


async def test_the_other_branches_finish_while_a_question_waits(swarms: Swarms) -> None:
    parts = [ASKING, "Write walls.md.", "Code paint.py."]
    run = await swarms("Paint the house", script := Script({"Paint the house": parts}))
    question = await run.question()
    assert (question["question"], question["assumption"], question["state"]) == ("Which colour?", "blue", "open")
    # The other two end although the first still waits.
    await run.until_status("0.1.0", "terminated")
    await run.until_status("0.2.0", "terminated")
    assert (await run.get())["status"] == "running"
    assert (await run.get(f"/nodes/{question['node_id']}"))["status"] == "blocked"

    assert await answer(run, question["question_id"], " Green. ") == 200

    ended_swarm = await run.ended()
    asker = ended_swarm.on(ASKING)
    assert ended_swarm.status == "completed"
    assert "- Which colour? Green." in (asker.report or "")
    assert asker.turn == 1
    # The answer is acted on without the question being asked again.
    assert len(script.of("Questions")) == 1
    assert "- Which colour? Green." in script.of("Review")[0].prompt
    (asked,) = await run.questions()
    assert (asked["state"], asked["answer"]) == ("answered", "Green.")
    assert (await run.get(f"/nodes/{asker.node_id}"))["questions"] == [asked]
    assert await answer(run, question["question_id"], "Red.") == 409


async def test_at_the_deadline_the_node_acts_on_its_assumption(swarms: Swarms) -> None:
    run = await swarms("Paint it", Script({"Paint it": [ASKING]}), answer_seconds=1)
    ended = await run.ended()

    assert ended.status == "completed"
    assert "- Which colour? (no answer; assume: blue)" in (ended.on(ASKING).report or "")
    (asked,) = await run.questions()
    assert (asked["state"], asked["answer"]) == ("expired", None)
    assert ended.on(ASKING).waited >= 1
    assert ended.root.waited == ended.on(ASKING).waited
    assert await answer(run, asked["question_id"], "Too late.") == 409


async def test_unknown_requirements_are_asked_once_and_remembered(swarms: Swarms) -> None:
    def requirements(asked: Asked) -> Said:
        known = "It is green." if "Green" in asked.section("Answers of the user") else ""
        blank = {"requirement": "the size", "known": "", "question": "Which size?", "assumption": "large"}
        return {"requirements": [{**blank, "requirement": "the colour", "known": known, "question": "Colour?"}, blank]}

    def review(asked: Asked) -> Said:
        first = "What the directive needs to know" in asked.section("Reports")
        return {"complete": not first, "missing": "The text is missing." if first else "", "report": "Done."}

    script = Script(
        {"Describe the door": ["Clarify what the door is like."], "The text is missing.": ["Write door.md."]},
        Requirements=requirements,
        Review=review,
    )
    run = await swarms("Describe the door", script)
    await run.question()
    first, second = await run.questions()
    assert await answer(run, first["question_id"], "Green") == 200
    # One of two is answered: the node waits on.
    assert (await run.get(f"/nodes/{first['node_id']}"))["status"] == "blocked"
    assert await answer(run, second["question_id"], "Small") == 200
    ended = await run.ended()

    assert ended.status == "completed"
    assert ended.on("Clarify what the door is like.").turn == 1
    assert len(script.of("Requirements")) == 2
    # What the user said is a fact for the nodes that come later.
    (writer,) = script.of("text")
    assert "[Colour?] Green" in writer.section("What is known")
    assert "[Which size?] Small" in writer.section("What is known")


async def test_two_answers_at_once_leave_one(swarms: Swarms) -> None:
    run = await swarms("Paint twice", Script({"Paint twice": [ASKING]}))
    question = await run.question()
    told = await asyncio.gather(*(answer(run, question["question_id"], f"Colour {n}.") for n in range(4)))
    ended = await run.ended()

    assert sorted(told) == [200, 409, 409, 409]
    (kept,) = await run.questions()
    assert kept["answer"] == f"Colour {told.index(200)}."
    assert kept["answer"] in (ended.on(ASKING).report or "")


async def test_a_branch_that_met_a_busy_model_goes_on_while_a_question_waits(swarms: Swarms) -> None:
    busy = Reply("busy", status=429, headers={"Retry-After": "0.1"})
    tries = iter(range(9))
    script = Script(
        {"Paint the house": [ASKING, "Write walls.md."]}, text=lambda asked: busy if next(tries) < 4 else "Walls."
    )
    run = await swarms("Paint the house", script)
    question = await run.question()
    # Its activity gave up for the moment; nobody has to answer before it is taken up again.
    await run.until_status("0.1.0", "terminated")
    assert (await run.questions())[0]["state"] == "open"
    await answer(run, question["question_id"], "Green.")
    ended = await run.ended()

    assert ended.status == "completed"
    assert len(script.of("text")) == 5
