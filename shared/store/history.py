"""A swarm's history: events by frame, written if-absent and read in order."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from shared.errors import Conflict
from shared.store.port import MAX_PAGE, Category, IfAbsent, Store
from shared.swarm.node import SwarmEvent
from shared.swarm.statuses import Status
from shared.types import SpaceKey

_COUNTER = "current_frame"


class History:
    """The history of one swarm space."""

    def __init__(self, store: Store, space: SpaceKey) -> None:
        self._store = store
        self._space = space

    async def reserve(self, count: int) -> int:
        """The first of `count` frames that nobody else will be given."""
        if count == 0:
            return 0
        last = await self._store.increment(self._space, Category.SWARM_HISTORY, _COUNTER, count)
        return last - count + 1

    async def reserve_up_to(self, frame: int) -> None:
        """Have no frame up to this one given to anybody; may be repeated."""
        counter = await self._store.get(self._space, Category.SWARM_HISTORY, _COUNTER)
        await self.reserve(max(0, frame - (0 if counter is None else int(counter.value))))

    async def append(self, events: Sequence[SwarmEvent]) -> set[int]:
        """Write events at their frames; the frames that turned out to be sealed against their writer."""
        if len(events) == 1:
            written = [await self._append(events[0])]
        else:
            written = await asyncio.gather(*(self._append(event) for event in events))
        return {event.frame for event, done in zip(events, written, strict=True) if not done}

    async def _append(self, event: SwarmEvent) -> bool:
        key = str(event.frame)
        text = event.model_dump_json(exclude_defaults=True)
        try:
            await self._store.put(self._space, Category.SWARM_HISTORY, key, text, seq=event.frame, condition=IfAbsent())
        except Conflict:
            there = await self._store.get(self._space, Category.SWARM_HISTORY, key)
            if there is None:
                return False
            found = SwarmEvent.model_validate_json(there.value)
            return (found.node_id, found.version) == (event.node_id, event.version)
        return True

    async def read(self, after: int = 0, limit: int = 500) -> list[SwarmEvent]:
        """The events after a frame, in order, up to the first gap."""
        page = await self._store.scan(self._space, Category.SWARM_HISTORY, after=after, limit=min(limit, MAX_PAGE))
        events: list[SwarmEvent] = []
        for item in page.items:
            if item.seq != after + len(events) + 1:
                break
            events.append(SwarmEvent.model_validate_json(item.value))
        return events

    async def read_all(self) -> list[SwarmEvent]:
        """Every event up to the first gap."""
        events: list[SwarmEvent] = []
        while page := await self.read(after=len(events), limit=MAX_PAGE):
            events += page
        return events

    async def seal(self, before: datetime, at: datetime) -> int:
        """Seal the gaps that have an event after them from before a time; return how many frames were sealed.

        Their writers, should they still be alive, take new frames.
        """
        sealed, expected, cursor = 0, 1, None
        while True:
            page = await self._store.scan(self._space, Category.SWARM_HISTORY, limit=MAX_PAGE, cursor=cursor)
            for item in page.items:
                if item.seq > expected:
                    if SwarmEvent.model_validate_json(item.value).at >= before:
                        return sealed
                    for frame in range(expected, item.seq):
                        sealed += await self._seal(frame, at)
                expected = item.seq + 1
            cursor = page.cursor
            if cursor is None:
                return sealed

    async def forgo(self, events: Sequence[SwarmEvent]) -> None:
        """Seal the frames of events that will not be written, because the transition they tell of lost a race."""
        for event in events:
            await self._seal(event.frame, event.at)

    async def _seal(self, frame: int, at: datetime) -> int:
        seal = SwarmEvent(frame=frame, node_id="", version=0, operation=None, status=Status.PENDING, at=at)
        return int(await self._append(seal))
