"""Memory as an action sees it."""

import asyncio
import re
from collections import deque
from collections.abc import Sequence

from shared.blobs import BlobRef, Blobs
from shared.llm.prompting import estimate_tokens
from shared.node.model import NodeModel
from shared.spaces.choosing import model_chooser
from shared.spaces.excerpt import MAX_READ, excerpt
from shared.spaces.memory_search import search_memory
from shared.spaces.memory_space import MemorySpace
from shared.spaces.metadata import MemoryMetadata, SpaceEntry
from shared.spaces.node_view import directive_id
from shared.types import SpaceKey
from shared.utils.memory_reader import Recalled

#: The folders whose memories set the scene: what was handed over, and what the user answered.
_SCENE = ("references", "facts")
#: Memories that a scene shows at most.
_SHOWN = 6
#: Folders of a scene that are read at most; one with more is searched with the model.
_MAX_FOLDERS = 16
#: The part of a prompt that what a search found may fill.
_FOUND_SHARE = 0.67
_WORD = re.compile(r"\w{3,}")


class NodeMemory:
    """The swarm's memory, for one node's turn."""

    def __init__(self, space: MemorySpace, model: NodeModel) -> None:
        self._space = space
        self._model = model

    async def background(self, query: str, tokens: int) -> Sequence[Recalled]:
        """What was handed over and answered that bears on a query, within so many tokens.

        Needs no model while those folders were split into a few at most.
        """
        listed = await self._scene()
        if listed is None:
            return (await self._search(query, tokens))[:_SHOWN]
        if not listed:
            return ()
        chosen = _closest(listed, query)
        memories = await asyncio.gather(*(self._space.memory(entry.id) for entry in chosen))
        texts = await asyncio.gather(*(self._read(memory) for memory in memories))
        return _fitted(list(zip(memories, texts, strict=True)), query, tokens)

    async def search(self, question: str) -> Sequence[Recalled]:
        """The memories found by searching the memory space for one question."""
        return await self._search(question, self._model.share(_FOUND_SHARE))

    async def _scene(self) -> list[SpaceEntry] | None:
        """The cards of all that sets the scene, or None when it lies in too many folders."""
        leaves: dict[str, SpaceEntry] = {}
        queue = deque(_SCENE)
        for _ in range(_MAX_FOLDERS):
            if not queue:
                break
            for child in await self._space.children(queue.popleft()):
                if child.kind == "folder":
                    queue.append(child.id)
                else:
                    leaves[child.id] = child
        return None if queue else list(leaves.values())

    async def _search(self, question: str, tokens: int) -> list[Recalled]:
        asked_by = directive_id(self._model.calls.node.node_id)
        result = await search_memory(
            self._space,
            [question],
            model_chooser(self._model.chooser("search_memory")),
            self._read,
            # The node's own directive would fit its question best of all, and answer nothing.
            accept=lambda card: card.id != asked_by,
            max_memories=3,
            max_tokens=tokens,
        )
        return [Recalled(found.memory, found.excerpt) for found in result.found]

    async def _read(self, memory: MemoryMetadata) -> str:
        return await read_memory(self._model.calls.services.blobs, self._model.calls.ref.space, memory)


async def read_memory(blobs: Blobs, space: SpaceKey, memory: MemoryMetadata) -> str:
    """A memory's content as text, from its document or its blob; of a blob the first `MAX_READ` bytes."""
    if memory.blob_sha256 is None or memory.blob_size is None:
        return memory.content or ""
    content = bytearray()
    async for piece in await blobs.open(space, BlobRef(sha256=memory.blob_sha256, size=memory.blob_size)):
        content += piece
        if len(content) >= MAX_READ:
            break
    return content[:MAX_READ].decode(errors="replace")


def _closest(entries: list[SpaceEntry], query: str) -> list[SpaceEntry]:
    """The entries whose cards share most words with the query, in their order."""
    wanted = set(_WORD.findall(query.casefold()))
    scores = {e.id: len(wanted & set(_WORD.findall(f"{e.name} {e.description}".casefold()))) for e in entries}
    best = sorted(entries, key=lambda entry: -scores[entry.id])[:_SHOWN]
    return [entry for entry in entries if entry in best]


def _fitted(read: Sequence[tuple[MemoryMetadata, str]], query: str, tokens: int) -> list[Recalled]:
    """Excerpts that fit together; what short memories leave over goes to the long ones."""
    shown: list[Recalled] = []
    left = tokens
    for place, (memory, text) in enumerate(sorted(read, key=lambda item: estimate_tokens(item[1]))):
        part = excerpt(text, query, left // (len(read) - place))
        shown.append(Recalled(memory, part))
        left -= estimate_tokens(part)
    return shown
