"""Metadata trees to read: the one that ships with the app, and that one with a swarm's own entries hung under it."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Protocol

from shared.errors import Conflict, InvalidInput, NotFound
from shared.spaces.metadata import SpaceEntry
from shared.spaces.stored import StoredSpace

#: The most folders a path shows; a tree that is deeper is cut at the top.
MAX_PATH = 32


class Space(Protocol):
    """A metadata tree."""

    @property
    def root_id(self) -> str:
        """The id of the root folder."""
        ...

    async def get(self, entry_id: str) -> SpaceEntry | None:
        """The whole entry, or None."""
        ...

    async def children(self, folder_id: str) -> list[SpaceEntry]:
        """The cards of what lies directly in a folder, in a stable order; none for what is no folder."""
        ...


class BuiltinSpace:
    """A read-only tree from entries in code.

    Raises `InvalidInput` unless the entries make one tree: unique ids, one root folder, every parent a folder
    that is there, nothing out of the root's reach.
    """

    def __init__(self, entries: Iterable[SpaceEntry]) -> None:
        listed = list(entries)
        self._entries = {entry.id: entry for entry in listed}
        self._children: dict[str, list[SpaceEntry]] = defaultdict(list)
        if len(self._entries) != len(listed):
            raise InvalidInput("two entries of a space have the same id")
        roots = [entry.id for entry in listed if entry.parent_id is None]
        if len(roots) != 1:
            raise InvalidInput(f"a space has one root, not {len(roots)}")
        self.root_id = roots[0]
        for entry in listed:
            self._hang(entry)
        self._refuse_unreachable()

    def _hang(self, entry: SpaceEntry) -> None:
        if entry.parent_id is None:
            if entry.kind != "folder":
                raise InvalidInput("the root of a space is a folder")
            return
        parent = self._entries.get(entry.parent_id)
        if parent is None or parent.kind != "folder":
            raise InvalidInput(f"{entry.id}: there is no folder {entry.parent_id}")
        self._children[parent.id].append(entry)

    def _refuse_unreachable(self) -> None:
        reached, queue = set(), [self.root_id]
        while queue:
            at = queue.pop()
            reached.add(at)
            queue.extend(child.id for child in self._children.get(at, ()))
        if astray := self._entries.keys() - reached:
            raise InvalidInput(f"not below the root: {', '.join(sorted(astray)[:5])}")

    def find(self, entry_id: str) -> SpaceEntry | None:
        """The entry, or None; needs no await, as nothing is read."""
        return self._entries.get(entry_id)

    def listed(self, folder_id: str) -> list[SpaceEntry]:
        """The children of a folder; needs no await, as nothing is read."""
        return [entry.card() for entry in self._children.get(folder_id, ())]

    async def get(self, entry_id: str) -> SpaceEntry | None:
        """The whole entry, or None."""
        return self.find(entry_id)

    async def children(self, folder_id: str) -> list[SpaceEntry]:
        """The cards of what lies directly in a folder, in the order they were given."""
        return self.listed(folder_id)


class LayeredSpace:
    """A builtin tree with a swarm's own entries below its folders; the builtin part is never copied."""

    def __init__(self, builtin: BuiltinSpace, stored: StoredSpace) -> None:
        self.builtin = builtin
        self.stored = stored

    @property
    def root_id(self) -> str:
        """The id of the root folder, which is builtin."""
        return self.builtin.root_id

    async def get(self, entry_id: str) -> SpaceEntry | None:
        """The whole entry, or None."""
        return self.builtin.find(entry_id) or await self.stored.get(entry_id)

    async def children(self, folder_id: str) -> list[SpaceEntry]:
        """The cards of a folder's builtin children, then of the swarm's own."""
        return self.builtin.listed(folder_id) + await self.stored.children(folder_id)

    async def add(self, entry: SpaceEntry, *, seq: int = 1) -> SpaceEntry:
        """Add an entry below a folder of either layer, once however often it is called; return what is stored.

        Raises `Conflict` for the id of a builtin entry and `NotFound` when there is no such folder.
        """
        if self.builtin.find(entry.id) is not None:
            raise Conflict(f"{entry.id} ships with the app and cannot be replaced")
        parent = await self.get(entry.parent_id) if entry.parent_id else None
        if parent is None or parent.kind != "folder":
            raise NotFound(f"{entry.id}: there is no folder {entry.parent_id}")
        return await self.stored.add(entry, seq=seq)


async def path_to(space: Space, entry_id: str) -> tuple[str, ...]:
    """The names from below the root down to the entry, which is the only sense in which an entry has a path."""
    names: list[str] = []
    entry = await space.get(entry_id)
    while entry is not None and entry.parent_id is not None and len(names) < MAX_PATH:
        names.append(entry.name)
        entry = await space.get(entry.parent_id)
    return tuple(reversed(names))
