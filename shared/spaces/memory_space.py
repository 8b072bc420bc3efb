"""The memory space: what a swarm knows, in four standing folders.

Three layers: the folders and documentation that ship with the app, the memories a swarm keeps, and views of its node
tree in `reports`, `directives` and `projects`. Only `projects` holds kept memories beside its view.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from shared.errors import Conflict, NotFound
from shared.spaces.metadata import MemoryMetadata, SpaceEntry, folder
from shared.spaces.node_view import NodeView, is_view
from shared.spaces.space import BuiltinSpace, LayeredSpace
from shared.spaces.stored import StoredSpace
from shared.store.port import Category, Store
from shared.types import SpaceKey

ROOT = "memory"
PROJECTS = "projects"

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
    folder(PROJECTS, "Projects", "The work itself: code, texts, data and documents of the projects.", ROOT),
    folder("references", "References", "What was read elsewhere: documents, pages, books, manuals.", ROOT),
)

#: Sequence numbers below this belong to folders, which no listing of memories shows.
_FIRST_SEQ = 2
_GLIMPSED = 6


def memory_id(node_id: str, ordinal: int) -> str:
    """The id of a kept memory: the node that makes it, and a number within that node."""
    return f"{node_id}-{ordinal}"


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A folder in an overview: where it is, how much lies in it, and the first few names."""

    path: tuple[str, ...]
    folder: SpaceEntry
    count: int
    names: tuple[str, ...]


@cache
def _standing() -> BuiltinSpace:
    """The standing folders alone, made once: every turn of every node opens its swarm's memory."""
    return BuiltinSpace(STANDING_FOLDERS)


class MemorySpace(LayeredSpace):
    """The standing folders and what ships with the app below them, a swarm's memories, and what its nodes left."""

    def __init__(self, store: Store, space: SpaceKey, shipped: Iterable[SpaceEntry] = ()) -> None:
        more = tuple(shipped)
        super().__init__(
            BuiltinSpace((*STANDING_FOLDERS, *more)) if more else _standing(),
            StoredSpace(store, space, Category.MEMORY_SPACE, MemoryMetadata, ROOT),
        )
        self._view = NodeView(store, space)

    async def get(self, entry_id: str) -> SpaceEntry | None:
        """The whole entry, or None."""
        return await self._view.get(entry_id) if self._view.owns(entry_id) else await super().get(entry_id)

    async def children(self, folder_id: str) -> list[SpaceEntry]:
        """The cards of a folder's builtin children, then of what nodes left there, then of kept memories."""
        if not is_view(folder_id):
            return await super().children(folder_id)
        shown = self.builtin.listed(folder_id) + await self._view.children(folder_id)
        return shown + await self.stored.children(folder_id) if folder_id == PROJECTS else shown

    async def add(self, entry: SpaceEntry, *, seq: int = 1) -> SpaceEntry:
        """As in every space; raises `Conflict` also for what is computed from the nodes, folders and ids alike."""
        filed_in = entry.parent_id or ROOT
        if self._view.owns(entry.id) or (is_view(filed_in) and filed_in != PROJECTS):
            raise Conflict(f"{entry.id} in {filed_in}: this part of memory shows the nodes and cannot be added to")
        return await super().add(entry, seq=seq)

    async def memory(self, entry_id: str) -> MemoryMetadata:
        """A memory with its inline content. Raises `NotFound`."""
        entry = await self.get(entry_id)
        if not isinstance(entry, MemoryMetadata) or entry.kind != "leaf":
            raise NotFound(f"there is no memory {entry_id}")
        return entry

    async def remember(self, memory: MemoryMetadata) -> MemoryMetadata:
        """Add a memory below the folder it names, once however often it is called; return what is stored.

        Raises `NotFound` when there is no such folder, `Conflict` when it is a view of the nodes.
        """
        await self.add(memory, seq=_seq(memory.created))
        return await self.memory(memory.id)

    async def forget(self, entry_id: str, now: datetime) -> None:
        """Take a kept memory away: no folder lists it, and who had found it already reads that it is gone."""
        gone = MemoryMetadata(
            id=entry_id, name="Removed", description="The user removed this.", parent_id=None, removed=now
        )
        await self.stored.retire(gone)

    async def page(
        self, *, since: datetime | None = None, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[MemoryMetadata], str | None]:
        """The memories the swarm keeps in the order they were made, and the cursor that goes on after them."""
        after = max(_FIRST_SEQ - 1, _seq(since) if since else 0)
        entries, cursor = await self.stored.page(after=after, limit=limit, cursor=cursor)
        return [entry for entry in entries if isinstance(entry, MemoryMetadata) and entry.removed is None], cursor

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


def _seq(created: datetime | None) -> int:
    return _FIRST_SEQ if created is None else max(_FIRST_SEQ, int(created.timestamp() * 1000))
