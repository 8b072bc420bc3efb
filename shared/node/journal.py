"""The journal of one node, as documents of its log."""

from shared.blobs import Blobs
from shared.errors import Conflict
from shared.llm.journal import JournalEntry
from shared.node.journal_content import restored, spilled
from shared.services import Services
from shared.store import Category, Store
from shared.store.documents import Documents
from shared.swarm.node import SwarmNode
from shared.swarm.usage import Usage
from shared.types import SpaceKey


def log_id(node_id: str) -> str:
    """The id above a node's log entries: without dots, so that the logs of its children are not below it."""
    return node_id.replace(".", "-")


def log_documents(store: Store) -> Documents[JournalEntry]:
    """The entries of every node's log; a node's are the subtree of its `log_id`."""
    return Documents(store, Category.NODE_LOG, JournalEntry)


class NodeJournal:
    """What a node asked the model, and what that used."""

    def __init__(self, store: Store, blobs: Blobs, space: SpaceKey, node: SwarmNode) -> None:
        self._docs = log_documents(store)
        self._blobs = blobs
        self._space = space
        self._node = node
        #: As their documents hold them: large content is read when it is asked for.
        self._entries: dict[str, JournalEntry] = {}

    @classmethod
    async def open(cls, services: Services, space: SpaceKey, node: SwarmNode, *, fresh: bool) -> "NodeJournal":
        """The node's journal; a node that never acted has nothing to read."""
        journal = cls(services.store, services.blobs, space, node)
        if not fresh:
            async for entry in journal._docs.all(space, subtree=log_id(node.node_id)):
                journal._entries[entry.step] = entry
        return journal

    def purpose_of(self, step: str) -> str | None:
        """What a step that was already made was for, or None."""
        entry = self._entries.get(step)
        return None if entry is None else entry.purpose

    async def find(self, step: str) -> JournalEntry | None:
        """The entry of a step that was already made, or None."""
        entry = self._entries.get(step)
        return None if entry is None else await restored(self._blobs, self._space, entry)

    async def write(self, entry: JournalEntry) -> JournalEntry:
        """Write an entry once; one that is there already stays. Returns the one that holds."""
        key = f"{log_id(entry.node_id)}.{entry.step}"
        stored = await spilled(self._blobs, self._space, entry)
        try:
            await self._docs.create(self._space, key, stored, seq=len(self._entries))
        except Conflict:
            present = (await self._docs.get(self._space, key)).doc
            self._entries[entry.step] = present
            return await restored(self._blobs, self._space, present)
        self._entries[entry.step] = stored
        return entry

    @property
    def usage(self) -> Usage:
        """What all the node's calls used."""
        return sum((entry.usage for entry in self._entries.values()), Usage())
