"""Questions to the user and what comes back."""

from shared.actions.communication import ask_user_questions
from shared.swarm.outcomes import Blocking, Terminate
from shared.testing import FakeModel, action_context, asked_before


async def test_questions_are_asked_once_and_then_reported_with_what_was_assumed() -> None:
    asked = {"questions": [{"question": "Which colour?", "assumption": "blue"}]}
    assert isinstance(await ask_user_questions.perform(action_context(FakeModel(asked))), Blocking)
    answers = (asked_before("Which colour?", "red"), asked_before("How many?", None, "blue"))
    outcome = await ask_user_questions.perform(action_context(FakeModel(), answers=answers))
    assert isinstance(outcome, Terminate)
    assert "Which colour? red" in outcome.report
    assert "assume: blue" in outcome.report
    assert [(m.folder_id, m.content) for m in outcome.memories] == [("facts", "red")]
