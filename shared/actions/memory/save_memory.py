"""`memory.save_memory`: put a document of the context, or a fact of the directive, where it will be found again."""

from pydantic import BaseModel, Field

from shared.actions.action import Action
from shared.actions.context import ActionContext
from shared.llm.prompting import Example, Section, clip
from shared.swarm.birth import ABSORBER_ID
from shared.swarm.outcomes import MemoryDraft, Terminate
from shared.swarm.swarm import ContextDoc

#: Characters of one memory; a longer document becomes several.
PART_CHARS = 12_000
MAX_PARTS = 256
#: The part of a prompt that the text to describe may fill.
_TEXT_SHARE = 0.17

_INSTRUCTIONS = (
    "Describe what the text holds in one sentence of at most 25 words, so that somebody who searches for its facts "
    "knows to look here. Name the kinds of facts in it. Answer in JSON."
)
_EXAMPLE = Example(
    "Name:\nroutes.csv\n\nText:\nroute,km,climb_m\nLake loop,7.5,120\nRidge path,14,900",
    '{"description": "Table of the hiking routes Lake loop and Ridge path with length in km and climb in metres."}',
)


class Description(BaseModel):
    """What a text holds, for whoever searches."""

    description: str = Field(min_length=1, max_length=200)


async def perform(ctx: ActionContext) -> Terminate:
    """Describe it, and hand it over as memories of a bounded size."""
    if ctx.document is None:
        return await _save_directive(ctx)
    document = ctx.document
    description = await _describe(ctx, document.name, document.content or "")
    parts = split(document.content or "")
    memories = tuple(_memory(document, description, part, n, len(parts)) for n, part in enumerate(parts, 1))
    report = f"Read {document.name} ({document.size} bytes) into {len(parts)} memories: {description}"
    return Terminate(report=report, memories=memories)


async def _save_directive(ctx: ActionContext) -> Terminate:
    description = await _describe(ctx, "note", ctx.node.directive)
    memory = MemoryDraft(
        folder_id="references", name=description[:80], description=description, content=ctx.node.directive
    )
    return Terminate(report=f"Remembered: {description}", memories=(memory,))


async def _describe(ctx: ActionContext, name: str, text: str) -> str:
    sections = [Section("Name", name), Section("Text", clip(text, ctx.model.share(_TEXT_SHARE)))]
    answer = await ctx.model.ask(
        "describe", _INSTRUCTIONS, sections, Description, examples=(_EXAMPLE,), tokens=100, effort="low"
    )
    return answer.description


def _memory(document: ContextDoc, description: str, part: str, number: int, parts: int) -> MemoryDraft:
    title = document.name if parts == 1 else f"{document.name} ({number:0{len(str(parts))}} of {parts})"
    begins = f" Begins: {part[:80]!r}" if parts > 1 else ""
    return MemoryDraft(
        folder_id="references", name=title[-80:], description=description + begins, content=part, type=document.type
    )


def split(text: str) -> list[str]:
    """A text in parts of at most `PART_CHARS` characters, cut between lines where there are lines; at most 256."""
    parts: list[str] = []
    rest = text
    while len(rest) > PART_CHARS and len(parts) < MAX_PARTS - 1:
        cut = rest.rfind("\n", PART_CHARS // 2, PART_CHARS) + 1 or PART_CHARS
        parts.append(rest[:cut])
        rest = rest[cut:]
    return [*parts, rest]


ACTION = Action(
    id=ABSORBER_ID,
    name="save memory",
    description="Remember a fact that the request states, for later nodes. Makes no file.",
    perform=perform,
)
