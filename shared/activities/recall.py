"""Memory as an action sees it."""

import asyncio
import re
from collections.abc import Sequence

from shared.actions.context import Recalled
from shared.activities.asking import NodeModel
from shared.llm.prompting import estimate_tokens
from shared.spaces.choosing import model_chooser
from shared.spaces.excerpt import excerpt
from shared.spaces.memory_search import search_memory
from shared.spaces.memory_space import MemorySpace
from shared.spaces.metadata import MemoryMetadata, SpaceEntry

#: The folders whose memories set the scene: what was handed over, and what the user answered.
_SCENE = ("references", "facts")
#: Memories that a scene shows at most.
_SHOWN = 6
_WORD = re.compile(r"\w{3,}")


class NodeMemory:
    """The swarm's memory, for one node's turn."""

    def __init__(self, space: MemorySpace, model: NodeModel) -> None:
        self._space = space
        self._model = model

    async def background(self, query: str, tokens: int) -> Sequence[Recalled]:
        """What was handed over and answered that bears on a query, within so many tokens.

        Needs no model while those folders are small enough not to have been split.
        """
        listed = [entry for folder in _SCENE for entry in await self._space.children(folder)]
        if not listed:
            return ()
        if any(entry.kind == "folder" for entry in listed):
            return (await self._search(query, tokens))[:_SHOWN]
        chosen = _closest(listed, query)
        memories = await asyncio.gather(*(self._space.memory(entry.id) for entry in chosen))
        return _fitted(memories, query, tokens)

    async def search(self, question: str) -> Sequence[Recalled]:
        """The memories found by searching the memory space for one question."""
        return await self._search(question, 2_000)

    async def _search(self, question: str, tokens: int) -> list[Recalled]:
        async def read(memory: MemoryMetadata) -> str:
            return memory.content or ""

        chooser = model_chooser(self._model.chooser("search_memory"))
        result = await search_memory(self._space, [question], chooser, read, max_memories=3, max_tokens=tokens)
        return [Recalled(found.memory, found.excerpt) for found in result.found]


def _closest(entries: list[SpaceEntry], query: str) -> list[SpaceEntry]:
    """The entries whose cards share most words with the query, in their order."""
    wanted = set(_WORD.findall(query.casefold()))
    scores = {e.id: len(wanted & set(_WORD.findall(f"{e.name} {e.description}".casefold()))) for e in entries}
    best = sorted(entries, key=lambda entry: -scores[entry.id])[:_SHOWN]
    return [entry for entry in entries if entry in best]


def _fitted(memories: Sequence[MemoryMetadata], query: str, tokens: int) -> list[Recalled]:
    """Excerpts that fit together; what short memories leave over goes to the long ones."""
    sizes = {memory.id: estimate_tokens(memory.content or "") for memory in memories}
    shown: list[Recalled] = []
    left = tokens
    for place, memory in enumerate(sorted(memories, key=lambda memory: sizes[memory.id])):
        part = excerpt(memory.content or "", query, left // (len(memories) - place))
        shown.append(Recalled(memory, part))
        left -= estimate_tokens(part)
    return shown
