"""What the store over Cosmos DB does besides: items, lost answers, a service that is busy, gone or not set up."""

import asyncio
import json
import logging
import random
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
from cosmos_proxy import Answer, Lost, Proxy, proxy_to

from shared.adapters.azure_client import _LOUD
from shared.adapters.cosmos import CosmosAccess, CosmosStore, schema
from shared.adapters.cosmos.provision import provision
from shared.adapters.cosmos.store import WAVE
from shared.errors import Conflict, SwarmStarError, TooLarge, Unavailable
from shared.store.port import MAX_PAGE, MAX_VALUE_BYTES, Category, IfAbsent, IfEtag
from shared.types import SpaceKey

SPACE = SpaceKey("ada", "first")
NODE = Category.SWARM_STATE
EVENT = Category.SWARM_HISTORY


@pytest.fixture
async def store(cosmos_access: CosmosAccess) -> AsyncIterator[CosmosStore]:
    store = CosmosStore(cosmos_access)
    yield store
    await store.close()


@pytest.fixture
async def proxy(cosmos_access: CosmosAccess) -> AsyncIterator[Proxy]:
    async with proxy_to(cosmos_access.endpoint) as proxy:
        yield proxy


@pytest.fixture
async def proxied(cosmos_access: CosmosAccess, proxy: Proxy) -> AsyncIterator[CosmosStore]:
    store = CosmosStore(replace(cosmos_access, endpoint=proxy.url))
    yield store
    await store.close()


async def container_of(access: CosmosAccess, stack: AsyncExitStack) -> Any:
    client = await access.open_client(stack)
    return client.get_database_client(access.database).get_container_client(access.container)


async def test_the_database_is_told_when_a_document_ends(store: CosmosStore, cosmos_access: CosmosAccess) -> None:
    before = time.time()
    await store.put(SPACE, NODE, "0", "{}", ttl=60)
    await store.put(SPACE, NODE, "1", "{}")
    ending, staying = sorted(await items(cosmos_access), key=lambda item: str(item["key"]))
    assert ending["ttl"] == 60
    assert before + 60 - 1 < ending["expires"] / 1000 < time.time() + 60 + 1
    assert staying.keys().isdisjoint({"ttl", "expires"})
    await store.put(SPACE, NODE, "0", "{}")
    ending, _ = sorted(await items(cosmos_access), key=lambda item: str(item["key"]))
    assert (ending["ttl"], ending["expires"]) == (-1, None)


async def items(access: CosmosAccess) -> list[dict[str, Any]]:
    """Every item as it lies in the container, without what the service adds."""
    async with AsyncExitStack() as stack:
        container = await container_of(access, stack)
        found = [item async for item in container.read_all_items()]
    return [{name: value for name, value in item.items() if not name.startswith("_")} for item in found]


class TestItems:
    async def test_a_document_and_a_counter_lie_under_the_keys_of_the_scheme(
        self, store: CosmosStore, cosmos_access: CosmosAccess
    ) -> None:
        await store.put(SPACE, NODE, "0.1", '{"alive": true}', seq=7)
        await store.increment(SPACE, EVENT, "current_frame", 4)
        document, counter = await items(cosmos_access)
        assert document.pop("by")
        assert document == {
            "id": "ada_first_swarm_state_0.1",
            "pk": "ada_first",
            "category": "swarm_state",
            "key": "0.1",
            "seq": 7,
            "body": '{"alive": true}',
        }
        assert counter == {
            "id": "ada_first_swarm_history_current_frame",
            "pk": "ada_first",
            "category": "swarm_history",
            "key": "current_frame",
            "number": 4,
        }

    async def test_the_container_is_made_as_the_schema_says(self, cosmos_access: CosmosAccess) -> None:
        await provision(cosmos_access)  # again: it leaves alone what is there
        async with AsyncExitStack() as stack:
            found = await (await container_of(cosmos_access, stack)).read()
        assert found["partitionKey"]["paths"] == [schema.PARTITION_KEY_PATH]
        assert found["partitionKey"]["version"] == schema.PARTITION_KEY_VERSION
        assert found["defaultTtl"] == schema.DEFAULT_TTL
        assert found["indexingPolicy"]["compositeIndexes"] == schema.INDEXING_POLICY["compositeIndexes"]

    @pytest.mark.filterwarnings("ignore:Sending a large body")
    @pytest.mark.parametrize("sign", ['"', "\\", "\u20ac", "\n", None], ids=ascii)
    async def test_any_text_within_the_bound_fits_an_item(
        self, store: CosmosStore, cosmos_access: CosmosAccess, sign: str | None
    ) -> None:
        if sign is None:  # as little as possible for compression to find
            value = json.dumps("".join(random.Random(7).choices([chr(code) for code in range(32, 127)], k=1_430_000)))
        elif sign == "\n":
            value = "[" + sign * (MAX_VALUE_BYTES - 2) + "]"
        else:
            text = sign * (MAX_VALUE_BYTES // len(sign.encode()))
            value = json.dumps(text[: (len(text) - 1) // (2 if sign in '"\\' else 1)], ensure_ascii=False)
        assert MAX_VALUE_BYTES * 0.9 < len(value.encode()) <= MAX_VALUE_BYTES
        await store.put(SPACE, NODE, "0", value)
        found = await store.get(SPACE, NODE, "0")
        assert found is not None
        assert found.value == value
        [item] = await items(cosmos_access)
        assert len(json.dumps(item, ensure_ascii=False).encode()) < 2_000_000

    async def test_an_etag_of_a_counter_opens_no_document(self, store: CosmosStore) -> None:
        await store.increment(SPACE, EVENT, "current_frame")
        found = await store.get(SPACE, EVENT, "current_frame")
        assert found is not None
        with pytest.raises(Conflict, match="counter"):
            await store.put(SPACE, EVENT, "current_frame", "1", condition=IfEtag(found.etag))
        assert await store.increment(SPACE, EVENT, "current_frame") == 2
        with pytest.raises(Conflict):
            await store.delete(SPACE, EVENT, "current_frame", condition=IfEtag(found.etag))
        found = await store.get(SPACE, EVENT, "current_frame")
        assert found is not None
        assert await store.delete(SPACE, EVENT, "current_frame", condition=IfEtag(found.etag))

    async def test_a_page_ends_before_it_is_too_large(self, store: CosmosStore) -> None:
        value = json.dumps("".join(random.Random(5).choices("0123456789abcdef", k=1_000_000)))
        for number in range(20):
            await store.put(SPACE, NODE, f"{number:02}", value)
        page = await store.scan(SPACE, NODE, limit=MAX_PAGE)
        assert 1 < len(page.items) < 20
        rest = await store.scan(SPACE, NODE, limit=MAX_PAGE, cursor=page.cursor)
        found = [item.key for item in (*page.items, *rest.items)]
        assert found == [f"{number:02}" for number in range(len(found))]

    async def test_a_drop_of_many_goes_in_waves_and_touches_no_neighbour(
        self, store: CosmosStore, cosmos_access: CosmosAccess
    ) -> None:
        neighbour = SpaceKey("ada", "first-b")
        await store.put(neighbour, NODE, "0", "{}")
        for begin in range(0, 2 * WAVE + 50, 50):
            await asyncio.gather(*(store.put(SPACE, NODE, f"{begin + number}", "{}") for number in range(50)))
        await store.drop(SPACE)
        assert [item["pk"] for item in await items(cosmos_access)] == [str(neighbour)]


class TestLostAnswers:
    """A connection that breaks after the service has done the work: the client sends again what was done."""

    async def test_a_create_is_no_conflict_with_itself(self, proxied: CosmosStore, proxy: Proxy) -> None:
        proxy.faults.append(Lost())
        etag = await proxied.put(SPACE, NODE, "0", "1", condition=IfAbsent())
        assert proxy.seen == ["POST", "POST", "GET"]
        found = await proxied.get(SPACE, NODE, "0")
        assert found is not None
        assert (found.value, found.etag) == ("1", etag)
        with pytest.raises(Conflict):
            await proxied.put(SPACE, NODE, "0", "1", condition=IfAbsent())

    async def test_a_replacement_is_no_conflict_with_itself(self, proxied: CosmosStore, proxy: Proxy) -> None:
        first = await proxied.put(SPACE, NODE, "0", "1", condition=IfAbsent())
        proxy.faults.append(Lost())
        second = await proxied.put(SPACE, NODE, "0", "2", condition=IfEtag(first))
        found = await proxied.get(SPACE, NODE, "0")
        assert found is not None
        assert (found.value, found.etag) == ("2", second)
        assert first != second
        proxy.faults.append(Lost())
        with pytest.raises(Conflict):
            await proxied.put(SPACE, NODE, "0", "3", condition=IfEtag(first))

    async def test_what_any_store_may_repeat_is_repeated(self, proxied: CosmosStore, proxy: Proxy) -> None:
        proxy.faults.append(Lost())
        await proxied.put(SPACE, NODE, "0", "1")
        for _ in range(2):
            proxy.faults.append(Lost())
            etag = await proxied.put(SPACE, NODE, "0", "2")
        proxy.faults.append(Lost())
        found = await proxied.get(SPACE, NODE, "0")
        assert found is not None
        assert (found.value, found.etag) == ("2", etag)
        proxy.faults.append(Lost())
        assert len((await proxied.scan(SPACE, NODE)).items) == 1

    async def test_a_number_is_never_given_twice(self, proxied: CosmosStore, proxy: Proxy) -> None:
        taken = []
        for _ in range(4):
            proxy.faults.append(Lost())
            taken.append(await proxied.increment(SPACE, EVENT, "current_frame"))
        assert taken == sorted(set(taken))


CALLS: list[Callable[[CosmosStore], Awaitable[object]]] = [
    lambda store: store.get(SPACE, NODE, "0"),
    lambda store: store.put(SPACE, NODE, "0", "{}"),
    lambda store: store.put(SPACE, NODE, "0", "{}", condition=IfAbsent()),
    lambda store: store.put(SPACE, NODE, "0", "{}", condition=IfEtag("x")),
    lambda store: store.delete(SPACE, NODE, "0"),
    lambda store: store.scan(SPACE, NODE),
    lambda store: store.increment(SPACE, EVENT, "n"),
    lambda store: store.drop(SPACE),
]


class TestFailures:
    async def test_a_throttled_request_is_sent_again_when_the_service_says(
        self, proxied: CosmosStore, proxy: Proxy
    ) -> None:
        proxy.faults.extend([Answer(429, {"x-ms-retry-after-ms": "150"})] * 2)
        begin = time.monotonic()
        await proxied.put(SPACE, NODE, "0", "{}", condition=IfAbsent())
        assert time.monotonic() - begin >= 0.3
        assert proxy.seen == ["POST"] * 3

    async def test_throttled_on_and_on_it_tells_the_caller_when_to_come(
        self, proxied: CosmosStore, proxy: Proxy
    ) -> None:
        proxy.always = Answer(429, {"x-ms-retry-after-ms": "20"})
        with pytest.raises(Unavailable) as caught:
            await proxied.get(SPACE, NODE, "0")
        assert caught.value.retry_after == 0.02
        assert 2 < len(proxy.seen) < 20

    async def test_writes_that_meet_on_one_item_are_sent_again(self, proxied: CosmosStore, proxy: Proxy) -> None:
        proxy.faults.extend([Answer(449)] * 3)
        assert await proxied.increment(SPACE, EVENT, "current_frame") == 1

    async def test_writes_that_meet_on_and_on_are_given_up(self, proxied: CosmosStore, proxy: Proxy) -> None:
        proxy.always = Answer(449)
        with pytest.raises(Unavailable):
            await proxied.increment(SPACE, EVENT, "current_frame")
        assert len(proxy.seen) < 20

    @pytest.mark.parametrize(
        ("status", "error"), [(413, TooLarge), *((status, Unavailable) for status in (400, 401, 403, 408, 500, 503))]
    )
    async def test_what_the_service_answers_is_one_of_the_product_s_errors(
        self, proxied: CosmosStore, proxy: Proxy, status: int, error: type[SwarmStarError]
    ) -> None:
        proxy.always = Answer(status, {"x-ms-retry-after-ms": "1"})
        for call in CALLS:
            with pytest.raises(error) as caught:
                await call(proxied)
            assert "127.0.0.1" not in str(caught.value)
        proxy.always = None
        assert await proxied.get(SPACE, NODE, "0") is None

    async def test_without_a_database_every_call_says_that_it_was_not_created(
        self, cosmos_account: CosmosAccess
    ) -> None:
        store = CosmosStore(replace(cosmos_account, database="nobody-made-this"))
        for call in CALLS:
            with pytest.raises(Unavailable, match="not been created"):
                await call(store)
        await store.close()

    async def test_a_store_that_began_too_early_serves_once_the_container_is_there(
        self, cosmos_access: CosmosAccess, proxy: Proxy
    ) -> None:
        early = replace(cosmos_access, container=f"{cosmos_access.container}-late")
        store = CosmosStore(early)
        with pytest.raises(Unavailable):
            await store.get(SPACE, NODE, "0")
        await provision(early)
        assert await store.get(SPACE, NODE, "0") is None
        await store.close()

    async def test_a_database_that_is_not_there_is_unavailable_soon(
        self, cosmos_account: CosmosAccess, unused_tcp_port: int
    ) -> None:
        store = CosmosStore(replace(cosmos_account, endpoint=f"http://127.0.0.1:{unused_tcp_port}", emulator=True))
        begin = time.monotonic()
        with pytest.raises(Unavailable):
            await store.get(SPACE, NODE, "0")
        assert time.monotonic() - begin < 15
        await store.close()

    async def test_no_error_and_no_log_tells_the_key(
        self, proxied: CosmosStore, proxy: Proxy, cosmos_access: CosmosAccess, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert cosmos_access.key is not None
        for logger in (None, *_LOUD):
            caplog.set_level(logging.DEBUG, logger)
        told = [repr(cosmos_access), repr(vars(proxied))]
        await proxied.put(SPACE, NODE, "0", "{}")
        for status in (401, 403, 500):
            proxy.always = Answer(status)
            with pytest.raises(Unavailable) as caught:
                await proxied.get(SPACE, NODE, "0")
            told += traceback.format_exception(caught.value)
        assert proxy.url in caplog.text
        told.append(caplog.text)
        assert cosmos_access.key.get_secret_value() not in "".join(told)
