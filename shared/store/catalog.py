"""What must be found without knowing the user: the only store that spans users, under the reserved user `system`."""

from collections.abc import AsyncIterator
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shared.store.documents import Documents
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

    async def create(self, user: User) -> None:
        """Add a user; raises `Conflict` if the id is taken."""
        await self._docs.create(_USERS, user.user_id, user, seq=int(user.created.timestamp()))

    async def page(self, limit: int, cursor: str | None) -> tuple[list[User], str | None]:
        """Some users, oldest first."""
        return await self._docs.page(_USERS, limit=limit, cursor=cursor)


class ApiKeys:
    """API keys by their prefix. Each also lies in its user's account, which is where users list theirs."""

    def __init__(self, store: Store) -> None:
        self._docs = Documents(store, Category.API_KEY, ApiKey)

    async def find(self, prefix: str) -> ApiKey | None:
        """The key with a prefix, or None."""
        held = await self._docs.find(_KEYS, prefix)
        return None if held is None else held.doc

    async def create(self, key: ApiKey) -> None:
        """Add a key."""
        await self._docs.create(_KEYS, key.prefix, key)
        await self._docs.write(SpaceKey.account(key.user_id), key.prefix, key, seq=int(key.created.timestamp()))

    async def change(self, key: ApiKey) -> None:
        """Write a key's next version: revoked, or used again."""
        await self._docs.write(_KEYS, key.prefix, key)
        await self._docs.write(SpaceKey.account(key.user_id), key.prefix, key, seq=int(key.created.timestamp()))

    async def page(self, user_id: str, limit: int, cursor: str | None) -> tuple[list[ApiKey], str | None]:
        """Some of a user's keys, oldest first."""
        return await self._docs.page(SpaceKey.account(user_id), limit=limit, cursor=cursor)
