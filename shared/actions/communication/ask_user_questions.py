"""`communication.ask_user_questions`: ask the user what only the user knows, and report the answers."""

from pydantic import BaseModel, Field

from shared.actions.action import Action
from shared.actions.background import answered_facts, answers_text, background
from shared.actions.context import ActionContext
from shared.swarm.outcomes import Blocking, Question, Terminate

_INSTRUCTIONS = (
    "Put the directive into at most three short questions to the user, each with the assumption a sensible person "
    "would make if nobody answers. Ask nothing that the known facts already answer. Answer in JSON."
)


class Asked(BaseModel):
    """One question."""

    question: str = Field(min_length=1, max_length=300)
    assumption: str = Field(min_length=1, max_length=300)


class Questions(BaseModel):
    """What to ask."""

    questions: list[Asked] = Field(min_length=1, max_length=3)


async def perform(ctx: ActionContext) -> Blocking | Terminate:
    """Ask on the first turn; on the next report what came back, with assumptions where nothing did."""
    if ctx.answers:
        return Terminate(report=_report(ctx), memories=answered_facts(ctx))
    asked = await ctx.model.ask("ask_user", _INSTRUCTIONS, await background(ctx), Questions, tokens=400, effort="low")
    return Blocking(
        questions=tuple(Question(question=item.question, assumption=item.assumption) for item in asked.questions)
    )


def _report(ctx: ActionContext) -> str:
    return f"Asked the user {len(ctx.answers)} question(s).\n{answers_text(ctx)}"


ACTION = Action(
    id="communication.ask_user_questions",
    name="ask user questions",
    description="Ask the user for a decision, a preference or a fact that only the user knows.",
    perform=perform,
    policy="clone_with_questions_answered",
    may_block=True,
)
