"""Plans: their check, their revisions, and what becomes of them."""

from typing import Any

import pytest

from shared.actions.context import ActionOption
from shared.actions.reasoning import decompose_directive
from shared.swarm.budget import Limits
from shared.swarm.outcomes import Spawn
from shared.testing import FakeModel, action_context


def plan(*directives: str) -> dict[str, Any]:
    return {"sub_directives": list(directives)}


GOOD = {"independent": True, "problem": ""}


async def test_a_plan_that_holds_becomes_children_for_routers() -> None:
    outcome = await decompose_directive.perform(action_context(FakeModel(plan("Write a.md", "Write b.py"), GOOD)))
    assert isinstance(outcome, Spawn)
    assert [(c.directive, c.action_id) for c in outcome.children] == [("Write a.md", None), ("Write b.py", None)]


async def test_a_plan_whose_parts_depend_on_each_other_is_revised_with_the_problem_named() -> None:
    bad = {"independent": False, "problem": "2 needs 1"}
    model = FakeModel(plan("a", "b"), bad, plan("a", "c"), GOOD)
    outcome = await decompose_directive.perform(action_context(model))
    assert isinstance(outcome, Spawn)
    assert [child.directive for child in outcome.children] == ["a", "c"]
    assert "2 needs 1" in model.asked[2].prompt


async def test_a_plan_is_revised_at_most_twice() -> None:
    bad = {"independent": False, "problem": "2 needs 1"}
    model = FakeModel(plan("a", "b"), bad, plan("c", "d"), bad, plan("e", "f"))
    outcome = await decompose_directive.perform(action_context(model))
    assert isinstance(outcome, Spawn)
    assert [child.directive for child in outcome.children] == ["e", "f"]
    assert [one.purpose for one in model.asked].count("check_plan") == 2


async def test_a_repeated_sub_directive_is_spawned_once() -> None:
    outcome = await decompose_directive.perform(action_context(FakeModel(plan("Write a", "write  A"), GOOD)))
    assert isinstance(outcome, Spawn)
    assert len(outcome.children) == 1


async def test_a_planned_action_is_one_of_those_that_were_shown() -> None:
    options = (ActionOption("writing.write_document", "Write text."),)
    planned = {"sub_directives": [{"directive": "a", "action": "writing.write_document"}]}
    outcome = await decompose_directive.perform(action_context(FakeModel(planned), options=options))
    assert isinstance(outcome, Spawn)
    assert outcome.children[0].action_id == "writing.write_document"
    unknown = {"sub_directives": [{"directive": "a", "action": "nothing.like_it"}]}
    with pytest.raises(ValueError, match="action"):
        await decompose_directive.perform(action_context(FakeModel(unknown), options=options))


async def test_a_continuation_is_told_what_is_missing() -> None:
    model = FakeModel(plan("a"))
    await decompose_directive.perform(action_context(model, missing="the appendix"))
    assert "Still missing:\nthe appendix" in model.asked[0].prompt


async def test_the_one_part_of_a_plan_makes_the_one_file_asked_for() -> None:
    outcome = await decompose_directive.perform(
        action_context(FakeModel(plan("Write rain.md, a haiku.")), "Write haiku.md.")
    )
    assert isinstance(outcome, Spawn)
    assert outcome.children[0].directive == "Write haiku.md, a haiku."


async def test_a_later_round_makes_what_is_not_there_even_if_the_model_plans_the_rest_again() -> None:
    asked = "Write a.md and b.md, and leave c.py alone"
    model = FakeModel(plan("Write a.md.", "Check a.md.", "Praise a.md."), GOOD)
    ctx = action_context(
        model, asked, missing="Not produced: b.md", not_produced=("b.md", "c.py"), limits=Limits(fan_out=3)
    )
    outcome = await decompose_directive.perform(ctx)
    assert isinstance(outcome, Spawn)
    added = "Write b.md, which the goal asks for."
    assert [child.directive for child in outcome.children] == ["Write a.md.", "Check a.md.", added]
