"""How a tree grows: decomposition, routing, review and continuation."""

import pytest
from e2e_client import Deployment, Swarms
from e2e_script import Asked, Said, Script, Switchboard, choice, plan

from local.scripted import Reply
from shared.swarm.statuses import Status

pytestmark = pytest.mark.asyncio(loop_scope="session")

DECOMPOSE = "reasoning.decompose_directive"


async def test_a_directive_is_decomposed_three_levels_deep(swarms: Swarms) -> None:
    script = Script(
        {
            "Open the shop": ["Manage the texts.", "Code till.py, the till."],
            "Manage the texts.": ["Manage the signs.", "Write menu.md, the menu."],
            "Manage the signs.": ["Write door.md, the sign on the door.", "Write hours.md, the opening hours."],
        }
    )
    ended = await (run := await swarms("Open the shop", script)).ended()

    assert ended.status == "completed"
    assert ended.report == "Finished: Open the shop"
    managers = {node.directive: node for node in ended.acting(DECOMPOSE)}
    assert [managers[name].depth for name in ("Open the shop", "Manage the texts.", "Manage the signs.")] == [0, 1, 2]
    assert {node.directive: node.depth for node in ended.acting("writing.write_document")} == {
        "Write menu.md, the menu.": 2,
        "Write door.md, the sign on the door.": 3,
        "Write hours.md, the opening hours.": 3,
    }
    # Reports go up: each manager's review saw those of its own children, a manager's among them.
    (last,) = script.of("Review", "0")
    assert "Finished: Manage the texts." in last.section("Reports")
    assert "Wrote `till.py`" in last.section("Reports")
    assert "Finished: Manage the signs." in script.of("Review", managers["Manage the texts."].node_id)[0].prompt
    names = {item["name"] for item in (await run.get("/artifacts"))["items"]}
    assert names == {"till.py", "menu.md", "door.md", "hours.md"}
    assert await run.artifact("till.py") == "print('done')\n"


async def test_children_run_side_by_side(swarms: Swarms) -> None:
    parts = [f"Write part{n}.md." for n in range(6)]
    script = Script({"Write it all": parts}, text=lambda asked: Reply("text", delay=0.4))
    ended = await (await swarms("Write it all", script)).ended()

    begun = [ended.frame(node.node_id, "acting") for node in ended.acting("writing.write_document")]
    done = [ended.frame(node.node_id, "terminated") for node in ended.acting("writing.write_document")]
    assert len(begun) == 6
    assert max(begun) < min(done)


async def test_a_review_that_says_not_yet_brings_a_second_round(swarms: Swarms) -> None:
    def review(asked: Asked) -> Said:
        complete = "appendix.md" in asked.section("Reports")
        told = "All is there." if complete else "The book is there."
        return {"complete": complete, "missing": "" if complete else "The appendix is missing.", "report": told}

    script = Script(
        {"Make the book": ["Write book.md."], "The appendix is missing.": ["Write appendix.md."]}, Review=review
    )
    ended = await (run := await swarms("Make the book", script)).ended()

    first, second = ended.acting(DECOMPOSE)
    assert (second.parent_id, second.round, second.depth, second.missing) == ("0", 1, 0, "The appendix is missing.")
    assert second.directive == first.directive == "Make the book"
    assert ended.status == "completed"
    assert first.report == second.report == "All is there."
    # The root adopts its continuation's report: one review for each round and none of the same thing twice.
    assert [asked.node_id for asked in script.of("Review")] == ["0", second.node_id]
    assert {item["name"] for item in (await run.get("/artifacts"))["items"]} == {"book.md", "appendix.md"}


async def test_rounds_are_bounded(swarms: Swarms) -> None:
    script = Script(Review={"complete": False, "missing": "More is missing.", "report": "Some is there."})
    ended = await (await swarms("Make more", script, rounds=2)).ended()

    assert ended.status == "incomplete"
    assert "Not complete after 2 rounds. Missing: More is missing." in ended.report
    assert "Wrote `one.md`" in ended.report
    assert [node.round for node in ended.acting(DECOMPOSE)] == [0, 1]
    assert len(script.of("Plan")) == 2


async def test_a_manager_works_around_a_child_that_failed(swarms: Swarms) -> None:
    def review(asked: Asked) -> Said:
        failed = "FAILED" in asked.section("Reports")
        missing = "The tool is missing." if failed else ""
        return {"complete": not failed, "missing": missing, "report": "The tool is there."}

    def text(asked: Asked) -> Said:
        if "Python" not in asked.instructions:
            return "Fine."
        return "```python\nprint('plain')\n```" if "plain" in asked.directive else "```python\ndef broken(:\n```"

    script = Script(
        {
            "Give me a tool": ["Code tool.py, the tool.", "Write tool.md, how to use it."],
            "The tool is missing.": ["Code tool.py, a plain tool."],
        },
        Review=review,
        text=text,
    )
    ended = await (run := await swarms("Give me a tool", script)).ended()

    failed = ended.on("Code tool.py, the tool.")
    assert failed.status is Status.FAILED
    assert "No Python that compiles came of it: SyntaxError" in (failed.report or "")
    assert len(script.of("text", failed.node_id)) == 3
    assert "did not compile" in script.of("text", failed.node_id)[1].prompt
    assert ended.on("Write tool.md, how to use it.").status is Status.TERMINATED
    assert (ended.status, ended.report) == ("completed", "The tool is there.")
    assert await run.artifact("tool.py") == "print('plain')\n"


async def test_a_search_that_finds_no_action_says_what_is_lacking(swarms: Swarms) -> None:
    def review(asked: Asked) -> Said:
        lacking = "FAILED" in asked.section("Reports")
        missing = "Describe the drawing instead." if lacking else ""
        return {"complete": not lacking, "missing": missing, "report": "It is described."}

    script = Script(
        {
            "Make a card": ["Paint card.png.", "Write card.md."],
            "Describe the drawing instead.": ["Write drawing.md."],
        },
        Review=review,
    )
    ended = await (run := await swarms("Make a card", script)).ended()

    (router,) = [node for node in ended.nodes.values() if node.directive == "Paint card.png."]
    assert router.is_router
    assert router.status is Status.FAILED
    assert router.children_ids == ()
    assert router.report == "There is no action for this. What is lacking is an action that can: Paint card.png."
    route = (await run.get(f"/nodes/{router.node_id}"))["route"]
    assert [step["chosen"] for step in route] == [None]
    assert "What is lacking is an action that can: Paint card.png." in script.of("Review", "0")[0].prompt
    assert (ended.status, ended.report) == ("completed", "It is described.")


async def test_a_plan_whose_parts_need_each_other_is_revised(swarms: Swarms) -> None:
    def make(asked: Asked) -> Said:
        refused = asked.section("An earlier plan was refused because")
        return plan(asked, ["Write both.md."] if refused else ["Write draft.md.", "Write final.md from draft.md."])

    script = Script(Plan=make, Independence={"independent": False, "problem": "2 needs what 1 writes."})
    ended = await (await swarms("Write a draft and a final text", script)).ended()

    assert ended.status == "completed"
    assert [node.directive for node in ended.acting("writing.write_document")] == ["Write both.md."]
    assert script.of("Plan")[1].section("An earlier plan was refused because") == "2 needs what 1 writes."
    assert (len(script.of("Plan")), len(script.of("Independence"))) == (2, 1)
    assert script.of("Independence")[0].section("Plan") == "1. Write draft.md.\n2. Write final.md from draft.md."


async def test_a_plan_is_revised_twice_at_most(swarms: Swarms) -> None:
    script = Script(Independence={"independent": False, "problem": "They still need each other."})
    ended = await (await swarms("Write two that need each other", script)).ended()

    assert ended.status == "completed"
    assert (len(script.of("Plan")), len(script.of("Independence"))) == (3, 2)


async def test_what_a_plan_repeats_runs_once(swarms: Swarms) -> None:
    script = Script({"Write one text": ["Write one.md.", "write  ONE.md."]})
    ended = await (await swarms("Write one text", script)).ended()

    assert len(ended.acting("writing.write_document")) == 1


async def test_planned_routing_saves_the_searches(planning: Deployment, switchboard: Switchboard) -> None:
    swarms = Swarms(planning, switchboard)
    script = Script(
        {
            "Plan it all": ["Manage the texts.", "Code tool.py."],
            "Manage the texts.": ["Write a.md.", "Write b.md."],
        }
    )
    ended = await (await swarms("Plan it all", script)).ended()

    assert ended.status == "completed"
    assert not [node for node in ended.nodes.values() if node.is_router]
    assert script.of("ChoiceAnswer") == []
    assert {node.directive: node.action_id for node in ended.nodes.values()} == {
        "Plan it all": DECOMPOSE,
        "Manage the texts.": DECOMPOSE,
        "Code tool.py.": "coding.write_python",
        "Write a.md.": "writing.write_document",
        "Write b.md.": "writing.write_document",
    }
    assert "writing.write_document: " in script.of("Plan")[0].instructions


async def test_decompose_further_for_ever_ends_at_the_depth(swarms: Swarms) -> None:
    def choose(asked: Asked) -> Said:
        return choice(asked, "decompose directive" if asked.option("decompose directive") else "write document")

    script = Script(Plan=lambda asked: plan(asked, [f"{asked.directive} Further."]), ChoiceAnswer=choose)
    ended = await (await swarms("Go on.", script, depth=3)).ended()

    assert ended.status == "completed"
    assert [node.depth for node in ended.acting(DECOMPOSE)] == [0, 1, 2]
    assert [node.depth for node in ended.acting("writing.write_document")] == [3]


async def test_decompose_further_and_nothing_else_ends_with_the_budget(swarms: Swarms) -> None:
    def make(asked: Asked) -> Said:
        return plan(asked, [f"Manage {asked.node_id} left.", f"Manage {asked.node_id} right."])

    def review(asked: Asked) -> Said:
        stuck = any(word in asked.section("Reports") for word in ("FAILED", "Not complete", "Stopped"))
        return {"complete": not stuck, "missing": "All of it." if stuck else "", "report": "Split."}

    ended = await (await swarms("Split up", Script(Plan=make, Review=review), depth=3, nodes=40)).ended()

    assert ended.status == "incomplete"
    assert ended.root.nodes <= 40
    assert max(node.depth for node in ended.acting(DECOMPOSE)) == 2
