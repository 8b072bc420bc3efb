"""What must be known, and who is asked for it."""

from shared.actions.reasoning import determine_unknown_requirements
from shared.swarm.outcomes import Blocking, Terminate
from shared.testing import FakeModel, action_context, asked_before

REQUIREMENTS = {
    "requirements": [
        {"requirement": "the tea", "known": "green", "question": "", "assumption": ""},
        {"requirement": "the cup", "known": "", "question": "Which cup?", "assumption": "any"},
    ]
}


async def test_only_what_nobody_else_knows_is_asked() -> None:
    outcome = await determine_unknown_requirements.perform(action_context(FakeModel(REQUIREMENTS)))
    assert isinstance(outcome, Blocking)
    assert [asked.question for asked in outcome.questions] == ["Which cup?"]


async def test_after_the_answers_the_requirements_are_reported_though_one_is_still_open() -> None:
    answers = (asked_before("Which cup?", None),)
    outcome = await determine_unknown_requirements.perform(action_context(FakeModel(REQUIREMENTS), answers=answers))
    assert isinstance(outcome, Terminate)
    assert "the tea: green" in outcome.report
