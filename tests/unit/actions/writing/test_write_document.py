"""Documents as artifacts."""

import pytest

from shared.actions.writing import write_document
from shared.swarm.outcomes import Fail, Terminate
from shared.testing import FakeMemory, FakeModel, action_context


async def test_a_document_is_the_artifact_and_the_report_begins_it() -> None:
    model = FakeModel("```markdown\n# Tea\n\nHot water.\n```")
    memory = FakeMemory(("prices.csv", "tea,3"))
    outcome = await write_document.perform(action_context(model, "Write tea.md, a guide to tea", memory=memory))
    assert isinstance(outcome, Terminate)
    assert [(a.name, a.content) for a in outcome.artifacts] == [("tea.md", "# Tea\n\nHot water.\n")]
    assert outcome.report.startswith("Wrote `tea.md`")
    assert "tea,3" in model.asked[0].prompt
    assert "The whole goal" in model.asked[0].prompt


@pytest.mark.parametrize(
    ("directive", "name", "media_type"),
    [
        ("Write scores.csv with a row for each player", "scores.csv", "text/csv"),
        ("Create settings.json", "settings.json", "application/json"),
        ("Write page.svg, a red dot", "page.svg", "text/plain"),
        ("Write a summary of scores.csv", "summary_scores_csv.md", "text/markdown"),
        ("Describe notes.txt", "notes.txt", "text/plain"),
    ],
)
async def test_a_document_is_of_the_kind_that_is_asked_for(directive: str, name: str, media_type: str) -> None:
    outcome = await write_document.perform(action_context(FakeModel("1,2"), directive))
    assert isinstance(outcome, Terminate)
    assert [(a.name, a.media_type) for a in outcome.artifacts] == [(name, media_type)]


async def test_an_empty_document_fails() -> None:
    assert isinstance(await write_document.perform(action_context(FakeModel("  "))), Fail)
