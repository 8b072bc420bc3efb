"""What must be found without knowing the user: the only store that spans users, under the reserved user `system`."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from shared.store.documents import Documents, Held
from shared.store.port import Category, IfAbsent, IfEtag, Store
from shared.tenancy.api_keys import ApiKey
from shared.tenancy.users import User
from shared.types import SYSTEM, SpaceKey

_UNFINISHED = SpaceKey(SYSTEM, "unfinished")
_USERS = SpaceKey(SYSTEM, "users")
_KEYS = SpaceKey(SYSTEM, "keys")
_DUE = SpaceKey(SYSTEM, "due")
_HOOKS = SpaceKey(SYSTEM, "hooks")


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

    async def prefixes(self, user_id: str) -> set[str]:
        """The prefixes of a user's keys."""
        return {entry.prefix async for entry in self._entries.all(SpaceKey.account(user_id))}

    async def page(self, user_id: str, limit: int, cursor: str | None) -> tuple[list[ApiKey], str | None]:
        """Some of a user's keys, oldest first."""
        entries, after = await self._entries.page(SpaceKey.account(user_id), limit=limit, cursor=cursor)
        found = await asyncio.gather(*(self.find(entry.prefix) for entry in entries))
        return [held.doc for held in found if held is not None], after


class HookEntry(BaseModel):
    """Whose account a hook lies in."""

    model_config = ConfigDict(frozen=True)

    user_id: str


class HookEntries:
    """The owners of hooks by hook id. An entry alone lets nobody in: what counts is the hook in its owner's account."""

    def __init__(self, store: Store) -> None:
        self._docs = Documents(store, Category.HOOK, HookEntry)

    async def owner(self, hook_id: str) -> str | None:
        """The id of the user whose hook it is, or None."""
        held = await self._docs.find(_HOOKS, hook_id)
        return None if held is None else held.doc.user_id

    async def write(self, hook_id: str, user_id: str) -> None:
        """Note whose a hook is before the hook itself is written. May be repeated."""
        await self._docs.write(_HOOKS, hook_id, HookEntry(user_id=user_id))

    async def delete(self, hook_id: str) -> None:
        """Forget whose a hook is before the hook itself goes; from then on nothing is delivered to it."""
        await self._docs.delete(_HOOKS, hook_id)


class DueEntry(BaseModel):
    """When a schedule is to be looked at. What counts is the schedule itself, in its owner's account."""

    model_config = ConfigDict(frozen=True)

    user_id: str
    schedule_id: str
    due: datetime
    #: When somebody began to change the schedule; None once it says what the schedule says.
    touched: datetime | None = None

    @property
    def key(self) -> str:
        """One entry a schedule."""
        return _due_key(self.user_id, self.schedule_id)

    @property
    def seq(self) -> int:
        """Its place among all entries: the millisecond at which it is due."""
        return int(self.due.timestamp() * 1000)

    def changing(self, now: datetime) -> bool:
        """Whether somebody may still be changing the schedule."""
        return self.touched is not None and now - self.touched < DueSchedules.PATIENCE


class DueSchedules:
    """The schedules of all users, in the order in which they are due.

    A change of a due time touches the entry before and reconciles it after. So an entry is never later than its
    schedule: a change that broke off leaves one that is due at once, and whoever looks then reconciles it.
    """

    #: How long a change may take before it is taken for one that broke off.
    PATIENCE = timedelta(seconds=60)
    _PAGE = 100

    def __init__(self, store: Store) -> None:
        self._store = store
        self._docs = Documents(store, Category.DUE, DueEntry)

    async def until(self, now: datetime, most: int) -> list[DueEntry]:
        """What is due up to now, at most so many, the longest due first."""
        found: list[DueEntry] = []
        cursor: str | None = None
        while True:
            entries, cursor = await self._docs.page(_DUE, limit=min(self._PAGE, most), cursor=cursor)
            due = [entry for entry in entries if entry.due <= now]
            found += due
            if cursor is None or len(due) < len(entries) or len(found) >= most:
                return found[:most]

    async def find(self, user_id: str, schedule_id: str) -> Held[DueEntry] | None:
        """The entry of a schedule, or None."""
        return await self._docs.find(_DUE, _due_key(user_id, schedule_id))

    async def touch(self, user_id: str, schedule_id: str, now: datetime) -> str:
        """Have the schedule looked at until it is reconciled; returns the entry's etag."""
        entry = DueEntry(user_id=user_id, schedule_id=schedule_id, due=now, touched=now)
        return await self._docs.write(_DUE, entry.key, entry, seq=entry.seq)

    async def move(self, user_id: str, schedule_id: str, held: Held[DueEntry] | None, due: datetime | None) -> None:
        """Put an entry where it belongs, or remove it; raises `Conflict` if it is not as it was read."""
        key = _due_key(user_id, schedule_id)
        if due is None:
            if held is not None:
                await self._store.delete(_DUE, Category.DUE, key, condition=IfEtag(held.etag))
            return
        entry = DueEntry(user_id=user_id, schedule_id=schedule_id, due=due)
        if held is None or held.doc != entry:
            condition = IfAbsent() if held is None else IfEtag(held.etag)
            await self._docs.put(_DUE, key, entry, seq=entry.seq, condition=condition)


def _due_key(user_id: str, schedule_id: str) -> str:
    return f"{user_id}.{schedule_id}"
