"""`memory.search_memory`: answer a question from the swarm's memory, naming the memories it rests on."""

from pydantic import BaseModel, Field

from shared.actions.action import Action
from shared.actions.context import ActionContext
from shared.llm.prompting import Section
from shared.swarm.outcomes import Terminate

_INSTRUCTIONS = (
    "Answer the question from the numbered memories alone. `memories` lists the numbers your answer rests on. If they "
    "do not hold the answer, `found` is false and `answer` says what is missing. Answer in JSON."
)


class Answer(BaseModel):
    """An answer and what it rests on."""

    found: bool
    answer: str = Field(min_length=1, max_length=1_500)
    memories: list[int] = Field(max_length=8)


async def perform(ctx: ActionContext) -> Terminate:
    """Search the memory space; report the answer, or that nothing was found."""
    found = await ctx.memory.search(ctx.node.directive)
    if not found:
        return Terminate(report=f"Memory holds nothing on this: {ctx.node.directive}", complete=False)
    listing = "\n\n".join(f"{n}. [{item.memory.name}] {item.content}" for n, item in enumerate(found, 1))
    sections = [Section("Memories", listing), Section("Question", ctx.node.directive)]
    answer = await ctx.model.ask("answer_from_memory", _INSTRUCTIONS, sections, Answer, tokens=500, effort="low")
    rests_on = [found[n - 1].memory.id for n in answer.memories if 1 <= n <= len(found)]
    source = f"\n\nMemories: {', '.join(rests_on)}" if rests_on else ""
    return Terminate(report=answer.answer + source, complete=answer.found)


ACTION = Action(
    id="memory.search_memory",
    name="search memory",
    description="Answer a question from what the swarm has read, been told or produced.",
    perform=perform,
)
