"""Rosters: the ids of one user's things of a kind, in one document, so that their ceiling holds under concurrency."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from shared.errors import Conflict, Full, Unavailable
from shared.store.documents import Documents, Held
from shared.store.port import Category, IfAbsent, IfEtag, Store
from shared.types import SpaceKey

#: How long a thing may take to be stored after its place was reserved.
PATIENCE = timedelta(minutes=10)
_ATTEMPTS = 60
_LONGEST_PAUSE = 0.1


class _Entries(BaseModel):
    """Ids, and when the place of each was reserved."""

    model_config = ConfigDict(frozen=True)

    reserved: dict[str, datetime] = {}


class Roster:
    """Reserves a place for each thing of one kind before it is stored; a change is one conditional write.

    A place whose thing was never stored, because a process died in between, is found when the roster is full.
    """

    def __init__(self, store: Store, kind: str, listed: Callable[[SpaceKey], Awaitable[set[str]]]) -> None:
        """`kind` is the plural that errors and the document's key use; `listed` reads which ids are stored."""
        self._docs = Documents(store, Category.ROSTER, _Entries)
        self._kind = kind
        self._listed = listed

    async def reserve(self, account: SpaceKey, item_id: str, most: int, now: datetime) -> None:
        """Reserve a place among at most `most`; may be repeated. Raises `Full`."""
        for attempt in range(_ATTEMPTS):
            held = await self._docs.find(account, self._kind)
            reserved = None if held is None else held.doc.reserved
            if reserved is not None and item_id in reserved:
                return
            if reserved is None or len(reserved) >= most:
                reserved = await self._stored(account, reserved or {}, now)
            if len(reserved) >= most and item_id not in reserved:
                raise Full(f"there are {most} {self._kind} already: delete one that is not needed")
            if await self._write(account, {**reserved, item_id: now}, held):
                return
            await _pause(attempt)
        raise Unavailable(f"the list of {self._kind} is too busy to be written now", retry_after=2.0)

    async def release(self, account: SpaceKey, item_id: str) -> None:
        """Give up the place of a thing that is not stored, or not any more. May be repeated."""
        for attempt in range(_ATTEMPTS):
            held = await self._docs.find(account, self._kind)
            if held is None or item_id not in held.doc.reserved:
                return
            left = {key: at for key, at in held.doc.reserved.items() if key != item_id}
            if await self._write(account, left, held):
                return
            await _pause(attempt)
        raise Unavailable(f"the list of {self._kind} is too busy to be written now", retry_after=2.0)

    async def _stored(self, account: SpaceKey, reserved: dict[str, datetime], now: datetime) -> dict[str, datetime]:
        """The places of what is stored, or may yet be."""
        stored = await self._listed(account)
        fresh = {key: at for key, at in reserved.items() if key in stored or now - at < PATIENCE}
        return {**dict.fromkeys(stored, now), **fresh}

    async def _write(self, account: SpaceKey, reserved: dict[str, datetime], held: Held[_Entries] | None) -> bool:
        condition = IfAbsent() if held is None else IfEtag(held.etag)
        try:
            await self._docs.put(account, self._kind, _Entries(reserved=reserved), condition=condition)
        except Conflict:
            return False
        return True


async def _pause(attempt: int) -> None:
    """Wait a little, each contender for another time."""
    spread = random.random()  # noqa: S311 - keeps contenders apart, and no secret
    await asyncio.sleep(spread * min(_LONGEST_PAUSE, 0.002 * 2.0**attempt))
