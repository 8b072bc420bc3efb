"""Stores around the real one that cut it off, count it or shuffle what runs at once; and a look at a whole tree."""

import asyncio
import random
from collections import Counter

from shared.errors import Conflict
from shared.spaces.metadata import ActionMetadata, SpaceEntry
from shared.spaces.space import LayeredSpace
from shared.store.port import Category, Condition, IfAbsent, IfEtag, Page, Store, Stored
from shared.types import SpaceKey

SPACE = SpaceKey("ann", "s1")


class Crash(Exception):
    """The process ended here."""


class DictStore:
    """Documents in a dict, for the tests that make very many calls; it lets others in at random before each."""

    def __init__(self, seed: int | None = None) -> None:
        self._docs: dict[tuple[str, str], Stored] = {}
        self._number = 0
        self._random = random.Random(seed) if seed is not None else None

    async def _let_others_in(self) -> None:
        if self._random:
            for _ in range(self._random.randrange(5)):
                await asyncio.sleep(0)

    async def get(self, space: SpaceKey, category: Category, key: str) -> Stored | None:
        await self._let_others_in()
        return self._docs.get((category, key))

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
        await self._let_others_in()
        there = self._docs.get((category, key))
        if isinstance(condition, IfAbsent) and there:
            raise Conflict(key)
        if isinstance(condition, IfEtag) and (there is None or there.etag != condition.etag):
            raise Conflict(key)
        self._number += 1
        self._docs[(category, key)] = Stored(key, value, str(self._number), seq)
        return str(self._number)

    async def delete(self, space: SpaceKey, category: Category, key: str, *, condition: IfEtag | None = None) -> bool:
        raise NotImplementedError

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
        raise NotImplementedError

    async def increment(self, space: SpaceKey, category: Category, key: str, by: int = 1) -> int:
        raise NotImplementedError

    async def drop(self, space: SpaceKey) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        self._docs.clear()


class Watched:
    """Passes everything on, counts it, crashes instead of the write after `writes_left` of them.

    Before its call number `stop_at` it sets `stopped` and waits for `go_on`, as a worker that stalls.
    """

    def __init__(self, store: Store, writes_left: int = -1, stop_at: int = -1) -> None:
        self._store = store
        self.writes_left = writes_left
        self._stop_at = stop_at
        self.stopped = asyncio.Event()
        self.go_on = asyncio.Event()
        self.calls: Counter[str] = Counter()
        self.largest = 0
        self.scan = store.scan
        self.delete = store.delete
        self.increment = store.increment
        self.drop = store.drop
        self.close = store.close

    async def _maybe_stall(self) -> None:
        if self.calls.total() == self._stop_at:
            self.stopped.set()
            await self.go_on.wait()

    async def get(self, space: SpaceKey, category: Category, key: str) -> Stored | None:
        await self._maybe_stall()
        self.calls["get"] += 1
        return await self._store.get(space, category, key)

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
        await self._maybe_stall()
        if self.writes_left == 0:
            raise Crash
        self.writes_left -= 1
        self.calls["put"] += 1
        self.largest = max(self.largest, len(value))
        return await self._store.put(space, category, key, value, seq=seq, condition=condition, ttl=ttl)


async def leaf_places(space: LayeredSpace, at: str | None = None) -> dict[str, list[str]]:
    """For every leaf id below a folder, the folders that list it."""
    found: dict[str, list[str]] = {}
    queue = [at or space.root_id]
    while queue:
        folder_id = queue.pop()
        for child in await space.children(folder_id):
            assert child.parent_id == folder_id
            if child.kind == "folder":
                queue.append(child.id)
            else:
                found.setdefault(child.id, []).append(folder_id)
    return found


async def check_whole(space: LayeredSpace, expected: set[str], at: str | None = None) -> None:
    """Every expected leaf is listed exactly once, and its document says where."""
    places = await leaf_places(space, at)
    assert set(places) == expected
    for entry_id, folders in places.items():
        assert len(folders) == 1, f"{entry_id} is listed in {folders}"
        entry = await space.get(entry_id)
        assert entry is not None
        assert entry.parent_id == folders[0]


def tool(entry_id: str, parent_id: str = "tools", name: str = "") -> SpaceEntry:
    return ActionMetadata(
        id=entry_id, name=name or f"Tool {entry_id}", description=f"Does {entry_id}.", parent_id=parent_id
    )
