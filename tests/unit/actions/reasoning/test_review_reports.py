"""Reviews of what children report."""

from shared.actions.context import ChildEnding, ChildReport
from shared.actions.reasoning import review_reports
from shared.swarm.birth import MANAGER_ID
from shared.swarm.outcomes import Spawn, Terminate
from shared.testing import FakeModel, action_context


def child(report: str, ending: ChildEnding = "done") -> ChildReport:
    return ChildReport(node_id="0.0", directive="part", report=report, ending=ending)


async def test_a_complete_review_terminates_with_its_report() -> None:
    model = FakeModel({"complete": True, "missing": "", "report": "Both are written."})
    outcome = await review_reports.perform(action_context(model, children=(child("Wrote it"),)))
    assert outcome == Terminate(report="Both are written.")


async def test_an_incomplete_review_spawns_a_continuation_that_knows_what_is_missing() -> None:
    model = FakeModel({"complete": False, "missing": "b.py", "report": "a is done"})
    outcome = await review_reports.perform(action_context(model, children=(child("Wrote a"),)))
    assert isinstance(outcome, Spawn)
    (again,) = outcome.children
    assert (again.action_id, again.continuation, again.missing, again.directive) == (
        MANAGER_ID,
        True,
        "b.py",
        "Make it",
    )


async def test_a_review_reads_that_a_child_did_not_do_all() -> None:
    model = FakeModel({"complete": True, "missing": "", "report": "Well."})
    await review_reports.perform(action_context(model, children=(child("Half of it.", "incomplete"),)))
    assert "INCOMPLETE: Half of it." in model.asked[0].prompt


async def test_a_directive_is_not_done_while_a_file_it_asks_for_is_not_there() -> None:
    model = FakeModel({"complete": True, "missing": "", "report": "All are written."})
    asked = "Write a.md and b.md, and leave c.py alone"
    outcome = await review_reports.perform(
        action_context(model, asked, children=(child("Wrote a"),), not_produced=("b.md", "c.py"))
    )
    assert isinstance(outcome, Spawn)
    assert outcome.children[0].missing == "Not produced: b.md"
    assert "nobody produced:\nb.md, c.py" in model.asked[0].prompt


async def test_a_file_that_is_only_named_is_for_the_model_to_judge() -> None:
    model = FakeModel({"complete": True, "missing": "", "report": "The tests are written."})
    ctx = action_context(model, "Write tests for c.py", children=(child("Wrote tests"),), not_produced=("c.py",))
    assert await review_reports.perform(ctx) == Terminate(report="The tests are written.")
    assert "nobody produced:\nc.py" in model.asked[0].prompt


async def test_a_review_of_nothing_but_failures_needs_no_model() -> None:
    model = FakeModel()
    outcome = await review_reports.perform(action_context(model, children=(child("No.", "failed"),)))
    assert isinstance(outcome, Spawn)
    assert model.asked == []
