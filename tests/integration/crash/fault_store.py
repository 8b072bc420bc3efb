"""A store whose process dies at a chosen write."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.store import Category, Condition, IfEtag, Page, Store, Stored
from shared.types import SpaceKey

T = TypeVar("T")


class Died(BaseException):
    """The process is gone. No code of the product may catch it, as none outlives a kill."""


class MortalStore:
    """Passes everything on to a real store until the `deadly`-th write, before or after which the process dies.

    From then on it does nothing any more: what a dead process would have written next is never written.
    """

    def __init__(self, store: Store, deadly: int | None = None, *, after: bool = False) -> None:
        self._store = store
        self._deadly = deadly
        self._after = after
        self.writes = 0
        self.dead = False
        #: Called with the category of every document that was written, before its writer goes on.
        self.on_put: Callable[[Category], Awaitable[None]] = _nothing
        #: Called at the moment of death.
        self.on_death: Callable[[], None] = lambda: None

    async def get(self, space: SpaceKey, category: Category, key: str) -> Stored | None:
        return await self._living(self._store.get(space, category, key))

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
        return await self._living(
            self._store.scan(space, category, subtree=subtree, after=after, limit=limit, cursor=cursor)
        )

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
        etag = await self._write(
            lambda: self._store.put(space, category, key, value, seq=seq, condition=condition, ttl=ttl)
        )
        await self.on_put(category)
        return etag

    async def delete(self, space: SpaceKey, category: Category, key: str, *, condition: IfEtag | None = None) -> bool:
        return await self._write(lambda: self._store.delete(space, category, key, condition=condition))

    async def increment(self, space: SpaceKey, category: Category, key: str, by: int = 1) -> int:
        return await self._write(lambda: self._store.increment(space, category, key, by))

    async def drop(self, space: SpaceKey) -> None:
        await self._write(lambda: self._store.drop(space))

    async def close(self) -> None:
        """The store belongs to the test, which closes it."""

    async def _write(self, write: Callable[[], Awaitable[T]]) -> T:
        if self.dead:
            raise Died
        self.writes += 1
        deadly = self.writes == self._deadly
        if deadly and not self._after:
            self._die()
        try:
            return await self._living(write())
        finally:
            if deadly:
                self._die()

    async def _living(self, asked: Awaitable[T]) -> T:
        """What was asked, unless the process is dead; one that dies meanwhile never learns of it."""
        if self.dead:
            if hasattr(asked, "close"):
                asked.close()
            raise Died
        answer = await asked
        if self.dead:
            raise Died
        return answer

    def _die(self) -> None:
        if not self.dead:
            self.dead = True
            self.on_death()
        raise Died


async def _nothing(_category: Category) -> None:
    """Nobody looks on."""
