"""Typed documents of one category over the store port."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel

from shared.errors import Conflict, NotFound
from shared.store.port import Category, Condition, IfAbsent, IfEtag, Store
from shared.types import SpaceKey

T = TypeVar("T", bound=BaseModel)

#: Tries of one change while others change the same document.
_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Held(Generic[T]):
    """A document and the etag it was read or written with."""

    doc: T
    etag: str


class Documents(Generic[T]):
    """The documents of one category, as one pydantic model."""

    def __init__(self, store: Store, category: Category, model: type[T]) -> None:
        self._store = store
        self._category = category
        self._model = model

    async def find(self, space: SpaceKey, key: str) -> Held[T] | None:
        """The document, or None."""
        stored = await self._store.get(space, self._category, key)
        return None if stored is None else Held(self._model.model_validate_json(stored.value), stored.etag)

    async def get(self, space: SpaceKey, key: str) -> Held[T]:
        """The document; raises `NotFound`."""
        held = await self.find(space, key)
        if held is None:
            raise NotFound(f"there is no {self._category.replace('_', ' ')} {key!r}")
        return held

    async def create(self, space: SpaceKey, key: str, doc: T, *, seq: int = 0, ttl: int | None = None) -> str:
        """Write a new document; raises `Conflict` if there is one."""
        return await self.put(space, key, doc, seq=seq, condition=IfAbsent(), ttl=ttl)

    async def replace(self, space: SpaceKey, key: str, doc: T, etag: str, *, seq: int = 0) -> str:
        """Write the next version of a document; raises `Conflict` if it changed meanwhile."""
        return await self.put(space, key, doc, seq=seq, condition=IfEtag(etag))

    async def write(self, space: SpaceKey, key: str, doc: T, *, seq: int = 0) -> str:
        """Write a document whatever lies there."""
        return await self.put(space, key, doc, seq=seq)

    async def put(
        self,
        space: SpaceKey,
        key: str,
        doc: T,
        *,
        seq: int = 0,
        condition: Condition = None,
        ttl: int | None = None,
    ) -> str:
        """Write a document under a condition, for good or for `ttl` seconds; raises `Conflict` if it does not hold."""
        value = doc.model_dump_json()
        return await self._store.put(space, self._category, key, value, seq=seq, condition=condition, ttl=ttl)

    async def change(self, space: SpaceKey, key: str, change: Callable[[T], T], *, seq: int = 0) -> T:
        """Write what a function makes of a document, again if it changed meanwhile; the document as it is then.

        Raises `NotFound`, and `Conflict` if it keeps changing.
        """
        for _ in range(_ATTEMPTS):
            held = await self.get(space, key)
            after = change(held.doc)
            try:
                await self.replace(space, key, after, held.etag, seq=seq)
            except Conflict:
                continue
            return after
        raise Conflict(f"the {self._category.replace('_', ' ')} {key!r} keeps changing; try again")

    async def delete(self, space: SpaceKey, key: str) -> bool:
        """Remove a document; False if there was none."""
        return await self._store.delete(space, self._category, key)

    async def page(
        self,
        space: SpaceKey,
        *,
        subtree: str | None = None,
        after: int | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> tuple[list[T], str | None]:
        """Some documents in the order of their sequence numbers, and the cursor that goes on."""
        page = await self._store.scan(space, self._category, subtree=subtree, after=after, limit=limit, cursor=cursor)
        return [self._model.model_validate_json(item.value) for item in page.items], page.cursor

    async def all(self, space: SpaceKey, *, subtree: str | None = None) -> AsyncIterator[T]:
        """Every document, page by page, in the order of their sequence numbers."""
        cursor: str | None = None
        while True:
            docs, cursor = await self.page(space, subtree=subtree, limit=500, cursor=cursor)
            for doc in docs:
                yield doc
            if cursor is None:
                return
