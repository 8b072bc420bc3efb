"""Files that a directive asks for are there in the end, or the swarm says that they are not."""

import pytest
from e2e_client import Swarms
from e2e_script import Asked, Said, Script

pytestmark = pytest.mark.asyncio(loop_scope="session")

ASKED = "Write tea.md and coffee.md, but leave notes.txt alone."


def satisfied(asked: Asked) -> Said:
    return {"complete": True, "missing": "", "report": "Both are written."}


async def test_a_file_that_was_forgotten_is_made_in_the_next_round(swarms: Swarms) -> None:
    plans = {ASKED: ["Write tea.md."], "Not produced: coffee.md": ["Write coffee.md."]}
    script = Script(plans, Review=satisfied)
    ended = await (run := await swarms(ASKED, script)).ended()

    assert ended.status == "completed"
    assert ended.report == "Both are written."
    assert {item["name"] for item in (await run.get("/artifacts"))["items"]} == {"tea.md", "coffee.md"}
    first, second = (asked.section("Reports") for asked in script.of("Review"))
    assert first.endswith("nobody produced:\ncoffee.md, notes.txt")
    assert second.endswith("nobody produced:\nnotes.txt")


async def test_a_file_that_never_comes_makes_the_swarm_incomplete_whatever_the_review_says(swarms: Swarms) -> None:
    asked = "Write tea.md and prices.xlsx, but leave notes.txt alone."  # no action of today makes workbooks
    script = Script({asked: ["Write tea.md."], "Not produced: prices.xlsx": ["Write tea.md."]}, Review=satisfied)
    ended = await (await swarms(asked, script, rounds=2)).ended()

    assert ended.status == "incomplete"
    assert ended.report is not None
    assert "Not produced: prices.xlsx" in ended.report
    assert "notes.txt" not in ended.report
