"""The store port over SQLite, for one machine: what the embedded host and the tests run on."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from shared.adapters.sqlite.batching import Dispatcher
from shared.adapters.sqlite.folder import FILE_NAME, affordable
from shared.adapters.sqlite.requests import Delete, Drop, Get, Increment, Put, Scan
from shared.adapters.sqlite.space import SpaceFile
from shared.store.port import Category, Condition, IfEtag, Page, Stored
from shared.store.rules import MAX_SEQ, check_limit, check_seq, check_value, decode_cursor, document_key, expiry
from shared.types import SpaceKey

#: Sorts after every key.
_LAST_KEY = "\x7f"


class SqliteStore:
    """Keeps each space in `{spaces}/{user_id}_{swarm_id}/swarm_default_kv_store.db`.

    Several processes may use the same folder. A write is acknowledged when it is in the log: it outlives the end
    of the process in any way. With `synchronous="FULL"` it also outlives a power cut; with `"NORMAL"` a power cut
    may take the last moments, never half a write.
    """

    def __init__(
        self,
        spaces: Path,
        *,
        synchronous: Literal["NORMAL", "FULL"] = "NORMAL",
        max_open: int | None = None,
        workers: int = 2,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`max_open` bounds the spaces whose files are open, three files each; `workers` the threads.

        By default as many are open as the process can afford: more swarms at once open and close them all the time.

        `clock` gives the seconds since 1970, by which documents expire.
        """
        self._clock = clock
        self._spaces = spaces
        self._synchronous = synchronous
        self._dispatcher = Dispatcher(self._file, workers=workers, max_open=max_open or affordable())

    async def get(self, space: SpaceKey, category: Category, key: str) -> Stored | None:
        """The document or counter, or None."""
        return await self._dispatcher.submit(space, Get(document_key(category, key), key))

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
        """Write one JSON text durably and return its new etag."""
        full_key = document_key(category, key)
        check_value(value)
        check_seq(seq)
        expires = expiry(ttl, self._clock())
        return await self._dispatcher.submit(space, Put(category.value, full_key, value, seq, condition, expires))

    async def delete(self, space: SpaceKey, category: Category, key: str, *, condition: IfEtag | None = None) -> bool:
        """Remove the document or counter; False if there was none."""
        return await self._dispatcher.submit(space, Delete(document_key(category, key), condition))

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
        """The documents of a category in the order of (seq, key)."""
        check_limit(limit)
        top = None if subtree is None else document_key(category, subtree)
        begin = (-MAX_SEQ - 1, "")
        if after is not None:
            check_seq(after, "after")
            begin = (after, _LAST_KEY)
        if cursor is not None:
            seq, key = decode_cursor(cursor)
            begin = max(begin, (seq, document_key(category, key)))
        return await self._dispatcher.submit(space, Scan(category.value, top, begin, limit))

    async def increment(self, space: SpaceKey, category: Category, key: str, by: int = 1) -> int:
        """Add to a counter atomically and return its new value."""
        full_key = document_key(category, key)
        check_seq(by, "by")
        return await self._dispatcher.submit(space, Increment(category.value, full_key, by))

    async def drop(self, space: SpaceKey) -> None:
        """Remove the space's file, and its folder if nothing else is in it."""
        await self._dispatcher.submit(space, Drop())

    async def close(self) -> None:
        """Finish what was begun and let go of every file; further calls raise `Unavailable`."""
        await asyncio.to_thread(self._dispatcher.close)

    def _file(self, space: SpaceKey) -> SpaceFile:
        return SpaceFile(self._spaces, self._spaces / str(space) / FILE_NAME, self._synchronous, self._clock)
