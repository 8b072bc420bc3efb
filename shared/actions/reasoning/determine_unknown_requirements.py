"""`reasoning.determine_unknown_requirements`: what must be known before a directive can be done, and who knows it."""

from pydantic import BaseModel, Field

from shared.actions.action import Action
from shared.actions.background import answered_facts, answers_text, background
from shared.actions.context import ActionContext
from shared.swarm.outcomes import Blocking, Question, Terminate

_INSTRUCTIONS = (
    "List what must be known before the directive can be carried out: at most five requirements. Where the known facts "
    "or the answers hold it, give it in `known`. Where only the user can know it, leave `known` empty, put the "
    "question to the user in `question`, and in `assumption` what a sensible person would assume without an answer. "
    "Answer in JSON."
)


class Requirement(BaseModel):
    """One thing to know, or the question that would find it out."""

    requirement: str = Field(min_length=1, max_length=200)
    known: str = Field(max_length=300)
    question: str = Field(max_length=200)
    assumption: str = Field(max_length=200)


class Requirements(BaseModel):
    """What a directive needs to know."""

    requirements: list[Requirement] = Field(max_length=5)


async def perform(ctx: ActionContext) -> Blocking | Terminate:
    """Report the requirements, after asking the user for those nobody else can know."""
    found = await ctx.model.ask("requirements", _INSTRUCTIONS, await background(ctx), Requirements, tokens=700)
    unknown = [item for item in found.requirements if not item.known and item.question]
    if unknown and not ctx.answers:
        return Blocking(
            questions=tuple(
                Question(question=item.question, assumption=item.assumption or "none needed") for item in unknown
            )
        )
    return Terminate(report=_report(found, ctx), memories=answered_facts(ctx))


def _report(found: Requirements, ctx: ActionContext) -> str:
    lines = [
        f"- {item.requirement}: {item.known or 'unknown; assume ' + item.assumption}" for item in found.requirements
    ]
    return "\n".join(["What the directive needs to know:", *lines, answers_text(ctx)]).strip()


ACTION = Action(
    id="reasoning.determine_unknown_requirements",
    name="determine unknown requirements",
    description="Find out what must be known before work can start, and ask the user for what only the user knows.",
    perform=perform,
    policy="clone_with_questions_answered",
    may_block=True,
)
