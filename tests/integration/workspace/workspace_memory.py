"""A store and blobs in memory, and the turns that let a test choose which of many processes goes on."""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import TypeVar

from shared.blobs import BlobRef, Blobs
from shared.errors import NotFound
from shared.store import Category, Condition, IfEtag, Page, Store, Stored
from shared.types import SpaceKey
from tests.integration.spaces.spaces_stores import DictStore

T = TypeVar("T")


class MemoryStore(DictStore):
    """What a workspace needs of a store."""

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
        assert subtree is None
        found = sorted(
            (doc for (kind, _), doc in self._docs.items() if kind == category and not doc.value.isdigit()),
            key=lambda doc: (doc.seq, doc.key),
        )
        found = [doc for doc in found if after is None or doc.seq > after]
        start = int(cursor or 0)
        items = tuple(found[start : start + limit])
        return Page(items, str(start + limit) if start + limit < len(found) else None)

    async def increment(self, space: SpaceKey, category: Category, key: str, by: int = 1) -> int:
        there = self._docs.get((category, key))
        number = by + (int(there.value) if there else 0)
        self._docs[(category, key)] = Stored(key, str(number), str(number), 0)
        return number

    async def drop(self, space: SpaceKey) -> None:
        self._docs.clear()


class MemoryBlobs:
    """Blobs in a dict."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}

    async def put(self, space: SpaceKey, chunks: bytes | AsyncIterable[bytes], *, max_bytes: int) -> BlobRef:
        assert isinstance(chunks, bytes)
        assert len(chunks) <= max_bytes
        ref = BlobRef(sha256=hashlib.sha256(chunks).hexdigest(), size=len(chunks))
        self.content[ref.sha256] = chunks
        return ref

    async def open(self, space: SpaceKey, ref: BlobRef) -> AsyncIterator[bytes]:
        raise NotImplementedError

    async def read(self, space: SpaceKey, ref: BlobRef) -> bytes:
        if ref.sha256 not in self.content:
            raise NotFound("there is no such blob")
        return self.content[ref.sha256]

    async def exists(self, space: SpaceKey, ref: BlobRef) -> bool:
        return ref.sha256 in self.content

    async def stored(self, space: SpaceKey) -> int:
        return sum(len(content) for content in self.content.values())

    async def drop(self, space: SpaceKey) -> None:
        self.content.clear()

    async def close(self) -> None:
        """Nothing is held open."""


class Died(BaseException):
    """The process is gone. No code of the product may catch it, as none outlives a kill."""


class Turns:
    """Holds every access to the stores until the test gives it its turn."""

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[None]] = []

    async def wait(self) -> None:
        """Stand in line."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        await turn

    async def run(self, tasks: list["asyncio.Task[None]"], choose: Callable[[int], int]) -> None:
        """Give turns until all tasks are done; `choose` says who of so many is next."""
        while not all(task.done() for task in tasks):
            for _ in range(6):  # everybody gets to their next access
                await asyncio.sleep(0)
            if self.waiting:
                turn = self.waiting.pop(choose(len(self.waiting)))
                if not turn.done():
                    turn.set_result(None)


class Life:
    """One life of a process: it dies at its `deadly`-th write, before it or right after."""

    def __init__(self, deadly: int | None = None, *, after: bool = False, turns: Turns | None = None) -> None:
        self.writes = 0
        self.dead = False
        self._deadly = deadly
        self._after = after
        self._turns = turns

    async def read(self, access: Callable[[], Awaitable[T]]) -> T:
        """Do a reading access."""
        if self._turns:
            await self._turns.wait()
        self._check()
        answer = await access()
        self._check()
        return answer

    async def write(self, access: Callable[[], Awaitable[T]]) -> T:
        """Do a writing access, or die at it."""
        if self._turns:
            await self._turns.wait()
        self._check()
        self.writes += 1
        deadly = self.writes == self._deadly
        self.dead = self.dead or (deadly and not self._after)
        self._check()
        try:
            answer = await access()
        finally:
            self.dead = self.dead or deadly
        self._check()
        return answer

    def _check(self) -> None:
        if self.dead:
            raise Died


class LivingStore:
    """A store as one life of a process reaches it."""

    def __init__(self, store: Store, life: Life) -> None:
        self._store = store
        self._life = life

    async def get(self, space: SpaceKey, category: Category, key: str) -> Stored | None:
        return await self._life.read(lambda: self._store.get(space, category, key))

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
        return await self._life.write(
            lambda: self._store.put(space, category, key, value, seq=seq, condition=condition, ttl=ttl)
        )

    async def delete(self, space: SpaceKey, category: Category, key: str, *, condition: IfEtag | None = None) -> bool:
        return await self._life.write(lambda: self._store.delete(space, category, key, condition=condition))

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
        return await self._life.read(
            lambda: self._store.scan(space, category, subtree=subtree, after=after, limit=limit, cursor=cursor)
        )

    async def increment(self, space: SpaceKey, category: Category, key: str, by: int = 1) -> int:
        return await self._life.write(lambda: self._store.increment(space, category, key, by))

    async def drop(self, space: SpaceKey) -> None:
        await self._life.write(lambda: self._store.drop(space))

    async def close(self) -> None:
        """The store belongs to the test."""


class LivingBlobs:
    """Blobs as one life of a process reaches them."""

    def __init__(self, blobs: Blobs, life: Life) -> None:
        self._blobs = blobs
        self._life = life

    async def put(self, space: SpaceKey, chunks: bytes | AsyncIterable[bytes], *, max_bytes: int) -> BlobRef:
        return await self._life.write(lambda: self._blobs.put(space, chunks, max_bytes=max_bytes))

    async def open(self, space: SpaceKey, ref: BlobRef) -> AsyncIterator[bytes]:
        return await self._life.read(lambda: self._blobs.open(space, ref))

    async def read(self, space: SpaceKey, ref: BlobRef) -> bytes:
        return await self._life.read(lambda: self._blobs.read(space, ref))

    async def exists(self, space: SpaceKey, ref: BlobRef) -> bool:
        return await self._life.read(lambda: self._blobs.exists(space, ref))

    async def stored(self, space: SpaceKey) -> int:
        return await self._life.read(lambda: self._blobs.stored(space))

    async def drop(self, space: SpaceKey) -> None:
        await self._life.write(lambda: self._blobs.drop(space))

    async def close(self) -> None:
        """The blobs belong to the test."""
