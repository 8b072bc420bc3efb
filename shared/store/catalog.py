"""What must be found without knowing the user: the only store that spans users, under the reserved user `system`."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shared.store.documents import Documents, Held
from shared.store.port import Category, Store
from shared.tenancy.api_keys import ApiKey
from shared.tenancy.users import User
from shared.types import SYSTEM, SpaceKey

_UNFINISHED = SpaceKey(SYSTEM, "unfinished")
_USERS = SpaceKey(SYSTEM, "users")
_KEYS = SpaceKey(SYSTEM, "keys")


class Unfinished(BaseModel):
    """A swarm that was created and has not ended; the sweep goes by these."""

    model_config = ConfigDict(frozen=True)

    user_id: str
    swarm_id: str
    created: datetime


class UnfinishedSwarms:
    """The list of swarms that the sweep watches over."""

    def __init__(self, store: Store) -> None:
        self._docs = Documents(store, Category.UNFINISHED, Unfinished)

    async def add(self, space: SpaceKey, created: datetime) -> None:
        """Note a swarm before anything else of it is written."""
        entry = Unfinished(user_id=space.user_id, swarm_id=space.swarm_id, created=created)
        await self._docs.write(_UNFINISHED, space.swarm_id, entry)

    async def remove(self, space: SpaceKey) -> None:
        """Forget a swarm that has ended."""
        await self._docs.delete(_UNFINISHED, space.swarm_id)

    def all(self) -> AsyncIterator[Unfinished]:
        """Every unfinished swarm."""
        return self._docs.all(_UNFINISHED)


class Users:
    """The users of the deployment."""

    def __init__(self, store: Store) -> None:
        self._docs = Documents(store, Category.USER, User)

    async def find(self, user_id: str) -> User | None:
        """The user, or None."""
        held = await self._docs.find(_USERS, user_id)
        return None if held is None else held.doc

    async def get(self, user_id: str) -> Held[User]:
        """The user with the etag; raises `NotFound`."""
        return await self._docs.get(_USERS, user_id)

    async def create(self, user: User) -> str:
        """Add a user and return the etag; raises `Conflict` if the id is taken."""
        return await self._docs.create(_USERS, user.user_id, user, seq=user.seq)

    async def replace(self, user: User, etag: str) -> str:
        """Write a user's next version and return its etag; raises `Conflict` if it changed meanwhile."""
        return await self._docs.replace(_USERS, user.user_id, user, etag, seq=user.seq)

    async def page(self, limit: int, cursor: str | None) -> tuple[list[User], str | None]:
        """Some users, oldest first."""
        return await self._docs.page(_USERS, limit=limit, cursor=cursor)


class KeyEntry(BaseModel):
    """What lies in a user's account for each of their keys: where to find it."""

    model_config = ConfigDict(frozen=True)

    prefix: str


class ApiKeys:
    """API keys by their prefix; a user's account lists the prefixes of theirs."""

    def __init__(self, store: Store) -> None:
        self._docs = Documents(store, Category.API_KEY, ApiKey)
        self._entries = Documents(store, Category.API_KEY, KeyEntry)

    async def find(self, prefix: str) -> Held[ApiKey] | None:
        """The key with a prefix, or None."""
        return await self._docs.find(_KEYS, prefix)

    async def create(self, key: ApiKey) -> None:
        """Add a key. The entry comes first: an entry without a key is shown to nobody, a key without one could be."""
        entry = KeyEntry(prefix=key.prefix)
        await self._entries.write(SpaceKey.account(key.user_id), key.prefix, entry, seq=key.seq)
        await self._docs.create(_KEYS, key.prefix, key)

    async def replace(self, key: ApiKey, etag: str) -> None:
        """Write a key's next version; raises `Conflict` if it changed meanwhile."""
        await self._docs.replace(_KEYS, key.prefix, key, etag)

    async def delete(self, key: ApiKey) -> None:
        """Forget a key."""
        await self._docs.delete(_KEYS, key.prefix)
        await self._entries.delete(SpaceKey.account(key.user_id), key.prefix)

    async def page(self, user_id: str, limit: int, cursor: str | None) -> tuple[list[ApiKey], str | None]:
        """Some of a user's keys, oldest first."""
        entries, after = await self._entries.page(SpaceKey.account(user_id), limit=limit, cursor=cursor)
        found = await asyncio.gather(*(self.find(entry.prefix) for entry in entries))
        return [held.doc for held in found if held is not None], after
