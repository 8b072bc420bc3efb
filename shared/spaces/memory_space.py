"""The memory space: what a swarm knows, in four standing folders."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.errors import NotFound
from shared.spaces.metadata import (
    MAX_DESCRIPTION,
    MAX_NAME,
    MemoryMetadata,
    SpaceEntry,
    clip,
    folder,
)
from shared.spaces.space import BuiltinSpace, LayeredSpace
from shared.spaces.stored import StoredSpace
from shared.store.port import Category, Store
from shared.types import SpaceKey

ROOT = "memory"
Filed = Literal["report", "directive"]

#: The folders every memory space has.
STANDING_FOLDERS: tuple[SpaceEntry, ...] = (
    folder(ROOT, "Memory", "Everything this swarm knows.", None),
    folder("swarmstar", "Swarm Star", "The swarm about itself: reports, directives, documentation.", ROOT),
    folder("reports", "Reports", "What the swarm's nodes found out, made and decided, by node.", "swarmstar"),
    folder("directives", "Directives", "What the swarm's nodes were told to do, by node.", "swarmstar"),
    folder("docs", "Documentation", "How Swarm Star works and what it can do.", "swarmstar"),
    folder("user", "User", "The user: what they said, want and prefer.", ROOT),
    folder("facts", "Facts", "Single facts about the user and their answers to questions.", "user"),
    folder("conversations", "Conversations", "Raw conversations with the user.", "user"),
    folder("projects", "Projects", "The work itself: code, texts, data and documents of the projects.", ROOT),
    folder("references", "References", "What was read elsewhere: documents, pages, books, manuals.", ROOT),
)

_FILED_IN = {"report": "reports", "directive": "directives"}
#: Sequence numbers below this belong to folders, which no listing of memories shows.
_FIRST_SEQ = 2
_GLIMPSED = 6


def memory_id(node_id: str, ordinal: int | str) -> str:
    """The id of a memory: the node that makes it, and a number (or `report`, `directive`) within that node."""
    return f"{node_id}-{ordinal}"


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A folder in an overview: where it is, how much lies in it, and the first few names."""

    path: tuple[str, ...]
    folder: SpaceEntry
    count: int
    names: tuple[str, ...]


class MemorySpace(LayeredSpace):
    """The standing folders and what ships with the app below them, with a swarm's memories."""

    def __init__(self, store: Store, space: SpaceKey, shipped: Iterable[SpaceEntry] = ()) -> None:
        super().__init__(
            BuiltinSpace((*STANDING_FOLDERS, *shipped)),
            StoredSpace(store, space, Category.MEMORY_SPACE, MemoryMetadata, ROOT),
        )

    async def memory(self, entry_id: str) -> MemoryMetadata:
        """A memory with its inline content. Raises `NotFound`."""
        entry = await self.get(entry_id)
        if not isinstance(entry, MemoryMetadata) or entry.kind != "leaf":
            raise NotFound(f"there is no memory {entry_id}")
        return entry

    async def remember(self, memory: MemoryMetadata) -> MemoryMetadata:
        """Add a memory below the folder it names, once however often it is called; return what is stored.

        Raises `NotFound` when there is no such folder.
        """
        await self.add(memory, seq=_seq(memory.created))
        return await self.memory(memory.id)

    async def file(
        self,
        kind: Filed,
        node_id: str,
        directive: str,
        *,
        created: datetime,
        content: str | None = None,
        blob: tuple[str, int] | None = None,
        summary: str = "",
        below: Sequence[str] | None = None,
    ) -> MemoryMetadata:
        """File a node's report or directive without a model: by the nodes it stands below, from the root down.

        `below` leaves nodes out that make no report of their own; by default it is every node above. `blob` is the
        sha256 and size of content over 64 KiB. Costs the same however many others are filed.
        """
        above = _above(node_id) if below is None else tuple(below)
        told = summary or (content or "" if kind == "report" else "")
        memory = MemoryMetadata(
            id=memory_id(node_id, kind),
            name=clip(directive, MAX_NAME) or node_id,
            description=_described(directive, told),
            parent_id=await self._node_folder(kind, above),
            type=kind,
            content=content,
            blob_sha256=blob[0] if blob else None,
            blob_size=blob[1] if blob else None,
            node_id=node_id,
            created=created,
        )
        return await self.remember(memory)

    async def page(
        self, *, since: datetime | None = None, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[MemoryMetadata], str | None]:
        """The swarm's own memories in the order they were made, and the cursor that goes on after them."""
        after = max(_FIRST_SEQ - 1, _seq(since) if since else 0)
        entries, cursor = await self.stored.page(after=after, limit=limit, cursor=cursor)
        return [entry for entry in entries if isinstance(entry, MemoryMetadata)], cursor

    async def overview(self, limit: int = 24) -> list[Glimpse]:
        """At most `limit` folders from the top down, those left out that are empty."""
        root = await self.get(ROOT)
        glimpses: list[Glimpse] = []
        queue: deque[tuple[SpaceEntry, tuple[str, ...]]] = deque([(root, ())] if root else [])
        for _ in range(2 * limit):
            if not queue or len(glimpses) == limit:
                break
            entry, path = queue.popleft()
            children = await self.children(entry.id)
            if children:
                names = tuple(child.name for child in children[:_GLIMPSED])
                glimpses.append(Glimpse(path, entry, len(children), names))
            queue.extend((child, (*path, child.name)) for child in children if child.kind == "folder")
        return glimpses

    async def _node_folder(self, kind: Filed, above: Sequence[str]) -> str:
        """The folder of what nodes below the last of `above` leave; made with those it lies in if need be."""
        if not above:
            return _FILED_IN[kind]
        folder_id = f"{_FILED_IN[kind]}.{above[-1]}"
        entry = await self.get(folder_id)
        if entry is None:
            directive = await self.get(memory_id(above[-1], "directive"))
            told = directive.name if directive else f"node {above[-1]}"
            entry = folder(
                folder_id,
                f"Below: {told}",
                f"The {_FILED_IN[kind]} of the nodes that work on: {directive.description if directive else told}",
                await self._node_folder(kind, above[:-1]),
            )
        # Also when it is there: an earlier call may have been cut off before the folder was listed.
        await self.add(entry)
        return folder_id


def _above(node_id: str) -> tuple[str, ...]:
    places = node_id.split(".")
    return tuple(".".join(places[:n]) for n in range(1, len(places)))


def _described(directive: str, told: str) -> str:
    if not told:
        return clip(directive, MAX_DESCRIPTION)
    return clip(f"{clip(directive, 150)} - {told[:1000]}", MAX_DESCRIPTION)


def _seq(created: datetime | None) -> int:
    return _FIRST_SEQ if created is None else max(_FIRST_SEQ, int(created.timestamp() * 1000))
