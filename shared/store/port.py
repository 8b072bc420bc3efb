"""The store port: conditional writes of JSON documents into swarm spaces.

Correctness rests on conditional writes, never on a read. Every adapter passes `tests/integration/store`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shared.types import SpaceKey

#: The largest JSON text a document may have, in UTF-8 bytes. Anything larger belongs into a blob.
MAX_VALUE_BYTES = 1_500_000
#: The most documents one page of a scan holds.
MAX_PAGE = 1_000
#: A page of a scan ends early when its values come to this many characters; its last document may go beyond.
MAX_PAGE_CHARACTERS = 2_000_000
#: The most seconds a document may be given to live.
MAX_TTL = 10 * 365 * 86_400


class Category(StrEnum):
    """The fixed list of document kinds; with an id it makes the key `{category}_{key}`."""

    ACTION_SPACE = "action_space"
    MEMORY_SPACE = "memory_space"
    UTIL_SPACE = "util_space"
    SWARM = "swarm"
    SWARM_STATE = "swarm_state"
    SWARM_HISTORY = "swarm_history"
    NODE_LOG = "node_log"
    QUESTION = "question"
    ARTIFACT = "artifact"
    CONTEXT = "context"
    CONTROL = "control"
    UNFINISHED = "unfinished"
    USER = "user"
    API_KEY = "api_key"
    LEDGER = "ledger"
    ROSTER = "roster"
    SHARE = "share"
    TOMBSTONE = "tombstone"
    IDEMPOTENCY = "idempotency"
    SCHEDULE = "schedule"
    DUE = "due"
    HOOK = "hook"
    HOOK_USE = "hook_use"
    WORKSPACE = "workspace"
    WORKSPACE_MERGE = "workspace_merge"
    WORKSPACE_DRAFT = "workspace_draft"


@dataclass(frozen=True, slots=True)
class IfAbsent:
    """Write only if there is no document under the key."""


@dataclass(frozen=True, slots=True)
class IfEtag:
    """Write only if the document still has this etag."""

    etag: str


#: `None` writes unconditionally.
Condition = IfAbsent | IfEtag | None


@dataclass(frozen=True, slots=True)
class Stored:
    """One document as it lies in the store."""

    key: str
    #: Its JSON text, exactly as it was put.
    value: str
    #: Opaque; changes with every write.
    etag: str
    #: The sequence number given with the last write: what a scan goes by.
    seq: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some documents of a scan in order, and the cursor that goes on after them (None at the end)."""

    items: tuple[Stored, ...]
    cursor: str | None


class Store(Protocol):
    """Documents under `(space, category, key)`.

    Keys are item ids (`shared.types.ITEM_ID`); anything else raises `InvalidInput` in every method, before
    anything is read or written. A space need not be created; reading one that does not exist finds nothing and
    creates nothing. Nothing of another space is ever visible.
    """

    async def get(self, space: SpaceKey, category: Category, key: str) -> Stored | None:
        """The document, or None."""
        ...

    async def put(
        self,
        space: SpaceKey,
        category: Category,
        key: str,
        value: str,
        *,
        seq: int = 0,
        condition: Condition = None,
        ttl: int | None = None,
    ) -> str:
        """Write one JSON text durably and return its new etag.

        With a `ttl` (1 to `MAX_TTL` seconds) the document is gone that long after this write: no method finds it
        any more, whenever the store removes it. Without one it stays, whatever an earlier write said.

        Raises `Conflict` when the condition does not hold (`IfEtag` on a missing document included) and
        `TooLarge` over `MAX_VALUE_BYTES`.
        """
        ...

    async def delete(self, space: SpaceKey, category: Category, key: str, *, condition: IfEtag | None = None) -> bool:
        """Remove the document; False if there was none. Raises `Conflict` when the etag does not hold.

        Whether one that has just expired was there is not told.
        """
        ...

    async def scan(
        self,
        space: SpaceKey,
        category: Category,
        *,
        subtree: str | None = None,
        after: int | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        """The documents of a category in the order of (seq, key), at most `limit` (1 to `MAX_PAGE`) of them.

        A page of large documents ends early (`MAX_PAGE_CHARACTERS`): only a cursor of None says that it is the last.

        `subtree` keeps the id itself and the ids below it (`id + "."`), so `0.1` does not find `0.10`. `after`
        keeps those with a larger `seq`. `cursor` goes on after an earlier page of the same scan; one that is not
        of this store raises `InvalidInput`. Counters are in no scan.
        """
        ...

    async def increment(self, space: SpaceKey, category: Category, key: str, by: int = 1) -> int:
        """Add to a counter atomically and return its new value; a missing one starts at 0.

        It allocates numbers, where a gap is harmless; nothing is accounted with it.
        """
        ...

    async def drop(self, space: SpaceKey) -> None:
        """Remove everything in the space."""
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of every resource."""
        ...
