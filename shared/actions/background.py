"""What many actions tell the model beside their directive: the goal above it, what memory holds, the user's answers."""

from shared.actions.context import ActionContext
from shared.llm.prompting import Section
from shared.swarm.outcomes import MemoryDraft

#: The part of a prompt that memory may fill.
MEMORY_SHARE = 0.24


async def background(ctx: ActionContext) -> list[Section]:
    """The sections that set the scene: first the goal, which all nodes share, and the directive itself last."""
    recalled = await ctx.memory.background(ctx.node.directive, ctx.model.share(MEMORY_SHARE))
    known = "\n\n".join(f"[{item.memory.name}] {item.content}" for item in recalled)
    goal = ctx.swarm.directive if ctx.node.directive != ctx.swarm.directive else ""
    return [
        Section("The goal this is part of", goal),
        Section("What is known", known),
        Section("Answers of the user", answers_text(ctx)),
        Section("Directive", ctx.node.directive),
    ]


def answers_text(ctx: ActionContext) -> str:
    """The user's answers, and the assumptions made where nobody answered."""
    return "\n".join(
        f"- {asked.question} {asked.answer}"
        if asked.answer is not None
        else f"- {asked.question} (no answer; assume: {asked.assumption})"
        for asked in ctx.answers
    )


def answered_facts(ctx: ActionContext) -> tuple[MemoryDraft, ...]:
    """What the user answered, to be remembered."""
    return tuple(
        MemoryDraft(
            folder_id="facts",
            name=asked.question[:80],
            description=f"The user's answer to: {asked.question}",
            content=asked.answer,
        )
        for asked in ctx.answers
        if asked.answer is not None
    )
