"""`memory.search_memory`: look up what the swarm was handed, told, or reported."""

from pydantic import Field

from shared.llm.prompting import clip
from shared.utils.util import Arguments, Result, Util
from shared.utils.workbench import Workbench


class SearchArguments(Arguments):
    """A question."""

    question: str = Field(min_length=3, max_length=1_000, description="What you want to know, as one plain question.")


class Found(Result):
    """One memory."""

    memory_id: str
    name: str
    content: str


class FoundMemories(Result):
    """What memory holds on the question."""

    memories: tuple[Found, ...]

    def text(self) -> str:
        """Return each memory under its name and id."""
        told = [f"[{one.name}] (memory {one.memory_id})\n{one.content}" for one in self.memories]
        return "\n\n".join(told) or "memory holds nothing on this"


async def _search(bench: Workbench, arguments: SearchArguments) -> FoundMemories:
    found = await bench.memory.search(arguments.question)
    room = bench.shown_tokens // max(1, len(found))
    return FoundMemories(
        memories=tuple(
            Found(memory_id=one.memory.id, name=one.memory.name, content=clip(one.content, room)) for one in found
        )
    )


UTIL = Util(
    id="memory.search_memory",
    description="Search what was handed over, what the user answered, and what other nodes reported, for one question.",
    arguments=SearchArguments,
    result=FoundMemories,
    effect="reads",
    call=_search,
)
