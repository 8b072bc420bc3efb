"""The context of an action under test."""

from shared.actions.context import ActionOption
from shared.swarm.budget import Limits
from shared.swarm.swarm import QuestionState
from shared.testing import FakeModel, action_context, asked_before


async def test_a_context_has_a_node_in_a_swarm_and_an_empty_memory() -> None:
    ctx = action_context(FakeModel(), "Write a.md", goal="Open the shop", missing="the prices")
    assert (ctx.node.directive, ctx.swarm.directive, ctx.node.missing) == ("Write a.md", "Open the shop", "the prices")
    assert await ctx.memory.search("Anything") == []


def test_further_fields_are_those_of_the_context() -> None:
    options = (ActionOption("writing.write_document", "Write text."),)
    ctx = action_context(FakeModel(), options=options, limits=Limits(fan_out=3))
    assert (ctx.options, ctx.fan_out) == (options, 3)


def test_a_question_was_answered_or_its_deadline_has_passed() -> None:
    answered, expired = asked_before("Which colour?", "red"), asked_before("How many?", None, "two")
    assert (answered.state, answered.answer) == (QuestionState.ANSWERED, "red")
    assert (expired.state, expired.answer, expired.assumption) == (QuestionState.EXPIRED, None, "two")
