"""The few things asked of the container, each with the answers that are no failure."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, TypeVar

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError

from shared.adapters.cosmos.failures import RETRY_WITH, status
from shared.adapters.cosmos.items import Item, weight

if TYPE_CHECKING:
    from azure.cosmos.aio import ContainerProxy

#: How often a write that met others on the same item is sent again, after 20 ms, 40 ms, and so on.
ATTEMPTS = 6
PAUSE = 0.02

T = TypeVar("T")


class Miss(IntEnum):
    """Why a condition did not hold, by the status that says so."""

    ABSENT = 404
    EXISTS = 409
    CHANGED = 412


class Container:
    """One container over the vendor's client; what is neither done nor a miss comes out as the vendor's error."""

    def __init__(self, proxy: "ContainerProxy") -> None:
        self._proxy = proxy

    async def read(self, item_id: str, pk: str) -> Item | None:
        """The item, or None."""
        found = await _told(lambda: self._proxy.read_item(item_id, pk), Miss.ABSENT)
        return None if isinstance(found, Miss) else found

    async def create(self, item: Item) -> str | Miss:
        """Write an item where there is none and return its etag; or `EXISTS`."""
        written = await _told(lambda: self._proxy.create_item(item, no_response=True), Miss.EXISTS)
        return written if isinstance(written, Miss) else str(written.get_response_headers()["etag"])

    async def replace(self, item: Item, etag: str) -> str | Miss:
        """Write an item over what has this etag and return its own; or `ABSENT`, or `CHANGED`."""
        written = await _told(
            lambda: self._proxy.replace_item(
                item["id"], item, etag=etag, match_condition=MatchConditions.IfNotModified, no_response=True
            ),
            Miss.ABSENT,
            Miss.CHANGED,
        )
        return written if isinstance(written, Miss) else str(written.get_response_headers()["etag"])

    async def update(self, item: Item, names: tuple[str, ...], condition: str) -> str | Miss:
        """Set some properties of what meets a condition and return its etag; or `ABSENT`, or `CHANGED`."""
        operations = [{"op": "set", "path": f"/{name}", "value": item[name]} for name in names]
        written = await _told(
            lambda: self._proxy.patch_item(
                item["id"], item["pk"], operations, filter_predicate=condition, no_response=True
            ),
            Miss.ABSENT,
            Miss.CHANGED,
        )
        return written if isinstance(written, Miss) else str(written.get_response_headers()["etag"])

    async def add(self, item: Item, name: str, by: int, condition: str) -> int | Miss:
        """Add to a number of what meets a condition and return it; or `ABSENT`, or `CHANGED`."""
        operations = [{"op": "incr", "path": f"/{name}", "value": by}]
        written = await _told(
            lambda: self._proxy.patch_item(item["id"], item["pk"], operations, filter_predicate=condition),
            Miss.ABSENT,
            Miss.CHANGED,
        )
        return written if isinstance(written, Miss) else int(written[name])

    async def delete(self, item_id: str, pk: str, etag: str | None = None) -> Miss | None:
        """Remove an item; or `ABSENT`, or `CHANGED` if it has another etag than this."""
        match = None if etag is None else MatchConditions.IfNotModified
        return await _told(
            lambda: self._proxy.delete_item(item_id, pk, etag=etag, match_condition=match), Miss.ABSENT, Miss.CHANGED
        )

    async def query(
        self, text: str, pk: str, parameters: Mapping[str, object], *, items: int, characters: int
    ) -> tuple[list[Item], bool]:
        """The first items that a query in one partition finds, and whether there are more.

        So many at most, and none after those that have so many characters together.
        """
        named = [{"name": f"@{name}", "value": value} for name, value in {"pk": pk, **parameters}.items()]
        found: list[Item] = []
        # One more than can be taken, so that one page of the server's tells whether there are more.
        async for item in self._proxy.query_items(text, parameters=named, partition_key=pk, max_item_count=items + 1):
            if len(found) == items or characters <= 0:
                return found, True
            found.append(item)
            characters -= weight(item)
        return found, False


async def _told(call: Callable[[], Awaitable[T]], *misses: Miss) -> T | Miss:
    """What a request gives, or which of these misses it met."""
    for attempt in range(ATTEMPTS):
        try:
            return await call()
        except HttpResponseError as error:
            if status(error) in misses:
                return Miss(status(error))
            if status(error) != RETRY_WITH or attempt == ATTEMPTS - 1:
                raise
        await asyncio.sleep(PAUSE * 2**attempt)
    raise AssertionError("the last attempt returns or raises")
