"""Tombstones of deleted swarms, and a store in which nobody can bring a deleted swarm's space back.

A tombstone lies in the user's account. A write that could bring a space back (all but those that want a document to be
there) looks for it afterwards, and takes back what it wrote when it finds one: whoever writes after the space was
dropped writes after the tombstone was put, and so finds it, however long they were held up. What a process leaves that
dies between the two goes with the sweep, which drops the space once more.
"""

import asyncio
from collections import OrderedDict
from contextlib import suppress
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from shared.errors import Conflict, Gone
from shared.store.documents import Documents
from shared.store.port import Category, Condition, IfEtag, Page, Store, Stored
from shared.types import ACCOUNT, SYSTEM, SpaceKey

#: How long a tombstone stays.
KEPT = timedelta(days=30)
#: Deleted swarms that a process remembers.
_REMEMBERED = 10_000


class Tombstone(BaseModel):
    """Says that a swarm is deleted for good; its id is never used again."""

    model_config = ConfigDict(frozen=True)

    swarm_id: str
    deleted: datetime


class Tombstones:
    """The tombstones of every user's swarms."""

    def __init__(self, store: Store) -> None:
        self._docs = Documents(store, Category.TOMBSTONE, Tombstone)

    async def put(self, space: SpaceKey, now: datetime) -> None:
        """Refuse every further write to a space. May be repeated."""
        account = SpaceKey.account(space.user_id)
        tombstone = Tombstone(swarm_id=space.swarm_id, deleted=now)
        with suppress(Conflict):
            seq, ttl = int(now.timestamp() * 1000), int(KEPT.total_seconds())
            await self._docs.create(account, space.swarm_id, tombstone, seq=seq, ttl=ttl)

    async def there(self, space: SpaceKey) -> bool:
        """Whether a swarm is deleted."""
        return await self._docs.find(SpaceKey.account(space.user_id), space.swarm_id) is not None


class GuardedStore:
    """The store port over another store: writes to the space of a deleted swarm raise `Gone` and leave nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tombstones = Tombstones(store)
        #: Spaces that were found deleted, which they stay.
        self._gone: OrderedDict[SpaceKey, None] = OrderedDict()
        #: Looks for a tombstone that begin in the next turn of the loop.
        self._looks: dict[SpaceKey, asyncio.Task[bool]] = {}

    async def deleted(self, space: SpaceKey) -> bool:
        """Whether a space is that of a deleted swarm."""
        if space.swarm_id == ACCOUNT or space.user_id == SYSTEM:
            return False
        if space in self._gone:
            return True
        if not await self._tombstones.there(space):
            return False
        self._gone[space] = None
        if len(self._gone) > _REMEMBERED:
            self._gone.popitem(last=False)
        return True

    async def get(self, space: SpaceKey, category: Category, key: str) -> Stored | None:
        """The document, or None."""
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
        """Write one JSON text; raises `Gone` for a deleted swarm."""
        self._check_known(space)
        etag = await self._store.put(space, category, key, value, seq=seq, condition=condition, ttl=ttl)
        if not isinstance(condition, IfEtag):
            await self._check_written(space)
        return etag

    async def delete(self, space: SpaceKey, category: Category, key: str, *, condition: IfEtag | None = None) -> bool:
        """Remove the document; False if there was none."""
        return await self._store.delete(space, category, key, condition=condition)

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
        return await self._store.scan(space, category, subtree=subtree, after=after, limit=limit, cursor=cursor)

    async def increment(self, space: SpaceKey, category: Category, key: str, by: int = 1) -> int:
        """Add to a counter; raises `Gone` for a deleted swarm."""
        self._check_known(space)
        number = await self._store.increment(space, category, key, by)
        await self._check_written(space)
        return number

    async def drop(self, space: SpaceKey) -> None:
        """Remove everything in the space."""
        await self._store.drop(space)

    async def close(self) -> None:
        """Finish what was begun and let go of every resource."""
        await self._store.close()

    def _check_known(self, space: SpaceKey) -> None:
        if space in self._gone:
            raise _gone(space)

    async def _check_written(self, space: SpaceKey) -> None:
        """Look for the tombstone once for all writes that came back in this turn of the loop."""
        look = self._looks.get(space)
        if look is None or look.get_loop() is not asyncio.get_running_loop():
            look = self._looks[space] = asyncio.create_task(self._look(space))
            look.add_done_callback(_seen)
        if await asyncio.shield(look):
            await self._store.drop(space)
            raise _gone(space)

    async def _look(self, space: SpaceKey) -> bool:
        self._looks.pop(space, None)  # it begins here: who writes from now on needs another
        return await self.deleted(space)


def _seen(look: "asyncio.Task[bool]") -> None:
    """What a look raised goes to the writers that wait for it, if any still does."""
    if not look.cancelled():
        look.exception()


def _gone(space: SpaceKey) -> Gone:
    return Gone(f"swarm {space.swarm_id} was deleted")
