"""The store port over Cosmos DB for NoSQL: one container, one logical partition per swarm space."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from shared.adapters.azure_client import AzureClient
from shared.adapters.cosmos.access import CosmosAccess
from shared.adapters.cosmos.container import Container, Miss
from shared.adapters.cosmos.failures import explain
from shared.adapters.cosmos.items import (
    NO_TTL,
    Item,
    bare_etag,
    counter,
    document,
    etag_expired,
    expired,
    full_etag,
    is_counter,
    item_id,
    names_counter,
    stored,
)
from shared.errors import Conflict, InvalidInput, Unavailable
from shared.store.port import MAX_PAGE_CHARACTERS, Category, Condition, IfAbsent, IfEtag, Page, Stored
from shared.store.rules import (
    MAX_SEQ,
    check_limit,
    check_seq,
    check_value,
    decode_cursor,
    document_key,
    encode_cursor,
    expiry,
)
from shared.types import SpaceKey

#: Seconds one operation may take with everything that is tried again.
OPERATION_SECONDS = 45.0
#: How often an operation that needs a document to be there, or not, begins again when that changes meanwhile.
ATTEMPTS = 5
#: A drop removes so many items at once, and so many times.
WAVE = 100
MAX_WAVES = 100_000

#: Sorts after every key.
_LAST_KEY = "\x7f"

# Every query names the partition itself: not every server goes by the partition of the request alone.
_SCAN = """
SELECT c.key, c.seq, c.body, c.expires, c._etag FROM c
WHERE c.pk = @pk AND c.category = @category AND c.seq >= @seq AND (c.seq > @seq OR c.key > @key)
AND (NOT IS_NUMBER(c.expires) OR c.expires > @now){subtree}
ORDER BY c.pk, c.category, c.seq, c.key
"""
_SCAN_ALL = _SCAN.format(subtree="")
_SCAN_SUBTREE = _SCAN.format(subtree=" AND (c.key = @top OR STARTSWITH(c.key, @below))")
#: What an unconditional write changes of an item.
_WRITTEN = ("seq", "body", "by", "ttl", "expires")
_IDS = "SELECT c.id FROM c WHERE c.pk = @pk"


class CosmosStore:
    """Keeps each space in one logical partition of the container that infrastructure made.

    A write is acknowledged when the account has it. The client is opened by the first call and belongs to its event
    loop. A conditional write whose answer got lost is recognised as the caller's own and is no `Conflict`, as long as
    nobody has written over it. A delete or an increment that is sent twice is not: the one finds nothing, the other
    leaves a gap.
    """

    def __init__(self, access: CosmosAccess, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives the seconds since 1970, by which documents expire."""
        self._access = access
        self._clock = clock
        self._client: AzureClient[Container] = AzureClient(self._open, explain, name="store")

    async def get(self, space: SpaceKey, category: Category, key: str) -> Stored | None:
        """The document or counter, or None."""
        name = item_id(space, category, key)
        async with self._client.use(OPERATION_SECONDS) as container:
            item = await container.read(name, str(space))
        return None if item is None or expired(item, self._clock()) else stored(item)

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
        """Write one JSON text durably and return its new etag."""
        check_value(value)
        check_seq(seq)
        now = self._clock()
        item = document(space, category, key, value, seq, ttl, expiry(ttl, now))
        async with self._client.use(OPERATION_SECONDS) as container:
            match condition:
                case IfAbsent():
                    etag = await _create(container, item, now)
                case IfEtag(known):
                    etag = await _replace(container, item, known, now)
                case None:
                    etag = await _overwrite(container, item)
        return full_etag(item, etag)

    async def delete(self, space: SpaceKey, category: Category, key: str, *, condition: IfEtag | None = None) -> bool:
        """Remove the document or counter; False if there was none."""
        name = item_id(space, category, key)
        etag = None if condition is None else bare_etag(condition.etag)
        if condition is not None and etag_expired(condition.etag, self._clock()):
            raise Conflict("the document has expired")
        async with self._client.use(OPERATION_SECONDS) as container:
            miss = await container.delete(name, str(space), etag)
        if condition is not None and miss is not None:
            raise Conflict("the document was changed or removed meanwhile")
        return miss is None

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
        check_limit(limit)
        query, parameters = (
            _SCAN_ALL,
            {
                "category": category.value,
                "now": int(self._clock() * 1000),
                **_begin(category, after, cursor),
            },
        )
        if subtree is not None:
            document_key(category, subtree)
            query, parameters = _SCAN_SUBTREE, {**parameters, "top": subtree, "below": f"{subtree}."}
        async with self._client.use(OPERATION_SECONDS) as container:
            found, more = await container.query(
                query, str(space), parameters, items=limit, characters=MAX_PAGE_CHARACTERS
            )
        items = tuple(stored(item) for item in found)
        return Page(items, encode_cursor(items[-1].seq, items[-1].key) if more else None)

    async def increment(self, space: SpaceKey, category: Category, key: str, by: int = 1) -> int:
        """Add to a counter atomically and return its new value."""
        check_seq(by, "by")
        item = counter(space, category, key, by)
        async with self._client.use(OPERATION_SECONDS) as container:
            return await _increment(container, item, by, self._clock())

    async def drop(self, space: SpaceKey) -> None:
        """Remove every item of the space's partition, in waves; a drop that breaks off is finished by the next."""
        pk = str(space)
        for _ in range(MAX_WAVES):
            async with self._client.use(OPERATION_SECONDS) as container:
                found, _ = await container.query(_IDS, pk, {}, items=WAVE, characters=MAX_PAGE_CHARACTERS)
                if not found:
                    return
                wave = (container.delete(item["id"], pk) for item in found)
                for problem in await asyncio.gather(*wave, return_exceptions=True):
                    if isinstance(problem, BaseException):
                        raise problem
        raise Unavailable("the space is written to faster than it can be dropped")

    async def close(self) -> None:
        """Finish what was begun and let go of the connections; further calls raise `Unavailable`."""
        await self._client.close()

    async def _open(self, stack: AsyncExitStack) -> Container:
        client = await self._access.open_client(stack)
        proxy = client.get_database_client(self._access.database).get_container_client(self._access.container)
        await proxy.read()  # says at once when nobody created it
        return Container(proxy)


async def _create(container: Container, item: Item, now: float) -> str:
    """Write where there is nothing, or what has expired and the database has not removed yet."""
    for _ in range(ATTEMPTS):
        done = await container.create(item)
        if not isinstance(done, Miss):
            return done
        found = await container.read(item["id"], item["pk"])
        if found is not None and found.get("by") == item["by"]:  # the answer to this very write got lost
            return str(found["_etag"])
        if found is not None and not expired(found, now):
            break
        if found is not None and not isinstance(done := await container.replace(item, found["_etag"]), Miss):
            return done
    raise Conflict("there is a document under this key already")


async def _replace(container: Container, item: Item, known: str, now: float) -> str:
    if etag_expired(known, now):
        raise Conflict("the document has expired")
    if names_counter(known):
        raise Conflict("there is a counter under this key, which only increment changes")
    done = await container.replace(item, bare_etag(known))
    etag = await _own(container, item) if isinstance(done, Miss) else done
    if etag is None:
        raise Conflict("the document was changed or removed meanwhile")
    return etag


async def _own(container: Container, item: Item) -> str | None:
    """The etag if this very write lies there already: its answer got lost and the client sent it again."""
    found = await container.read(item["id"], item["pk"])
    return found["_etag"] if found is not None and found.get("by") == item["by"] else None


async def _overwrite(container: Container, item: Item) -> str:
    """Write whatever lies there, unless it is a counter; an upsert would not look."""
    whole = {"ttl": NO_TTL, "expires": None, **item}  # an earlier write may have given it an end
    for _ in range(ATTEMPTS):
        done = await container.update(whole, _WRITTEN, "from c where is_defined(c.seq)")
        if done is Miss.CHANGED:
            raise Conflict("there is a counter under this key, which only increment changes")
        if done is Miss.ABSENT:
            done = await container.create(item)
        if not isinstance(done, Miss):
            return done
    raise Unavailable("the document comes and goes", retry_after=1.0)


async def _increment(container: Container, item: Item, by: int, now: float) -> int:
    lowest, highest = max(-MAX_SEQ, -MAX_SEQ - by), min(MAX_SEQ, MAX_SEQ - by)
    in_range = f"from c where c.number >= {lowest} and c.number <= {highest}"
    for _ in range(ATTEMPTS):
        done = await container.add(item, "number", by, in_range)
        if done is Miss.CHANGED:
            await _clear_expired(container, item, now)
        if not isinstance(done, Miss):
            return done
        if not isinstance(await container.create(item), Miss):
            return by
    raise Unavailable("the counter comes and goes", retry_after=1.0)


async def _clear_expired(container: Container, item: Item, now: float) -> None:
    """Make room for a counter where an expired document lies; raises what else keeps it from being added to."""
    found = await container.read(item["id"], item["pk"])
    if found is None:
        return
    if is_counter(found):
        raise InvalidInput("the counter would leave the range of exact numbers")
    if not expired(found, now):
        raise Conflict("there is a document under this key, not a counter")
    await container.delete(item["id"], item["pk"], found["_etag"])


def _begin(category: Category, after: int | None, cursor: str | None) -> dict[str, object]:
    """The position that a scan begins after."""
    begin = (-MAX_SEQ - 1, "")
    if after is not None:
        check_seq(after, "after")
        begin = (after, _LAST_KEY)
    if cursor is not None:
        seq, key = decode_cursor(cursor)
        document_key(category, key)
        begin = max(begin, (seq, key))
    return {"seq": begin[0], "key": begin[1]}
