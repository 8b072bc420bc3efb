"""What every store does, whatever it is made of."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Protocol

import pytest

from shared.errors import Conflict, InvalidInput, TooLarge, Unavailable
from shared.store.port import (
    MAX_PAGE,
    MAX_PAGE_CHARACTERS,
    MAX_TTL,
    MAX_VALUE_BYTES,
    Category,
    IfAbsent,
    IfEtag,
    Store,
    Stored,
)
from shared.store.rules import MAX_SEQ
from shared.types import SpaceKey

SPACE = SpaceKey("ada", "first")
NODE = Category.SWARM_STATE
EVENT = Category.SWARM_HISTORY

StoreFactory = Callable[[], Store]


class StoreClock(Protocol):
    """The seconds since 1970 by which the stores expire documents; tests move it."""

    now: float


async def keys(store: Store, space: SpaceKey = SPACE, category: Category = NODE, **options: object) -> list[str]:
    """The keys of a whole scan, page by page."""
    found: list[str] = []
    cursor = None
    while True:
        page = await store.scan(space, category, cursor=cursor, **options)  # type: ignore[arg-type] # handed on
        found += [item.key for item in page.items]
        cursor = page.cursor
        if cursor is None:
            return found


async def put_all(store: Store, *names: str, seq: int = 0) -> None:
    await asyncio.gather(*(store.put(SPACE, NODE, name, "{}", seq=seq) for name in names))


class TestDocuments:
    async def test_what_was_put_is_got(self, store: Store) -> None:
        etag = await store.put(SPACE, NODE, "0.1", '{"a": 1}', seq=7)
        assert await store.get(SPACE, NODE, "0.1") == Stored("0.1", '{"a": 1}', etag, 7)

    async def test_nothing_is_got_where_nothing_was_put(self, store: Store) -> None:
        assert await store.get(SPACE, NODE, "0") is None
        await store.put(SPACE, NODE, "0", "{}")
        assert await store.get(SPACE, NODE, "0.0") is None
        assert await store.get(SPACE, EVENT, "0") is None
        assert await store.get(SpaceKey("ada", "second"), NODE, "0") is None

    async def test_a_put_replaces_value_and_number(self, store: Store) -> None:
        await store.put(SPACE, NODE, "0", '"old"', seq=9)
        etag = await store.put(SPACE, NODE, "0", '"new"', seq=2)
        assert await store.get(SPACE, NODE, "0") == Stored("0", '"new"', etag, 2)
        assert (await store.scan(SPACE, NODE)).items == (Stored("0", '"new"', etag, 2),)

    async def test_another_store_on_the_same_data_sees_every_write(self, store_factory: StoreFactory) -> None:
        one, other = store_factory(), store_factory()
        for number in range(5):
            etag = await one.put(SPACE, NODE, "0", str(number))
            assert await other.get(SPACE, NODE, "0") == Stored("0", str(number), etag, 0)
            await other.delete(SPACE, NODE, "0", condition=IfEtag(etag))
            assert await one.get(SPACE, NODE, "0") is None

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "Grüße, 東京, \U0001f9e0\U00010348",
            'it\'s "quoted" \\ and `ticked`; DROP TABLE document; --',
            "\x00\x01\x1f\x7f\u2028\u2029\ufeff\r\n\t",
            "é as one, e\u0301 as two",
            "%_*?[a-z]",
        ],
    )
    async def test_text_comes_back_as_it_was(self, store: Store, text: str) -> None:
        for value in (json.dumps(text, ensure_ascii=False), json.dumps(text)):
            await store.put(SPACE, NODE, "0", value)
            found = await store.get(SPACE, NODE, "0")
            assert found is not None
            assert found.value == value
            assert json.loads(found.value) == text
            assert (await store.scan(SPACE, NODE)).items[0].value == value

    @pytest.mark.parametrize("value", ['"a\x00b"', '"\ud800"', '"\udc00\ud800"'])
    async def test_text_that_no_document_can_have_is_refused(self, store: Store, value: str) -> None:
        with pytest.raises(InvalidInput):
            await store.put(SPACE, NODE, "0", value)
        assert await store.get(SPACE, NODE, "0") is None

    async def test_a_megabyte_comes_back_whole(self, store: Store) -> None:
        values = {f"0.{number}": json.dumps("x" * 1_000_000 + str(number)) for number in range(4)}
        await asyncio.gather(*(store.put(SPACE, NODE, key, value) for key, value in values.items()))
        found = await asyncio.gather(*(store.get(SPACE, NODE, key) for key in values))
        assert [item and item.value for item in found] == list(values.values())

    async def test_a_scan_of_large_documents_gives_them_all(self, store: Store) -> None:
        names = [f"0.{number}" for number in range(12)]
        for name in names:
            await store.put(SPACE, NODE, name, json.dumps("x" * 1_400_000))
        assert await keys(store, limit=MAX_PAGE) == sorted(names)

    async def test_a_page_of_large_documents_ends_early(self, store: Store) -> None:
        for number in range(6):
            await store.put(SPACE, NODE, f"0.{number}", json.dumps("x" * 900_000))
        page = await store.scan(SPACE, NODE, limit=100)
        assert (len(page.items), page.cursor is None) == (MAX_PAGE_CHARACTERS // 900_000 + 1, False)
        assert await keys(store, limit=100) == [f"0.{number}" for number in range(6)]

    async def test_the_bound_on_size_is_in_bytes_and_exact(self, store: Store) -> None:
        fits = '"' + "x" * (MAX_VALUE_BYTES - 2) + '"'
        await store.put(SPACE, NODE, "fits", fits)
        with pytest.raises(TooLarge):
            await store.put(SPACE, NODE, "over", fits + " ")
        with pytest.raises(TooLarge):
            await store.put(SPACE, NODE, "over", '"' + "\u20ac" * (MAX_VALUE_BYTES // 3) + '"')
        assert await keys(store) == ["fits"]

    async def test_delete_tells_whether_there_was_something(self, store: Store) -> None:
        assert await store.delete(SPACE, NODE, "0") is False
        await store.put(SPACE, NODE, "0", "{}")
        assert await store.delete(SPACE, NODE, "0") is True
        assert await store.delete(SPACE, NODE, "0") is False
        assert await store.get(SPACE, NODE, "0") is None
        assert await keys(store) == []


class TestConditions:
    async def test_if_absent_writes_once(self, store: Store) -> None:
        etag = await store.put(SPACE, NODE, "0", "1", condition=IfAbsent())
        with pytest.raises(Conflict):
            await store.put(SPACE, NODE, "0", "2", condition=IfAbsent())
        assert await store.get(SPACE, NODE, "0") == Stored("0", "1", etag, 0)
        await store.delete(SPACE, NODE, "0")
        await store.put(SPACE, NODE, "0", "3", condition=IfAbsent())

    async def test_if_etag_writes_over_what_it_knows(self, store: Store) -> None:
        first = await store.put(SPACE, NODE, "0", "1")
        second = await store.put(SPACE, NODE, "0", "2", condition=IfEtag(first))
        with pytest.raises(Conflict):
            await store.put(SPACE, NODE, "0", "3", condition=IfEtag(first))
        with pytest.raises(Conflict):
            await store.delete(SPACE, NODE, "0", condition=IfEtag(first))
        assert await store.get(SPACE, NODE, "0") == Stored("0", "2", second, 0)
        assert await store.delete(SPACE, NODE, "0", condition=IfEtag(second)) is True

    async def test_if_etag_on_a_missing_document_conflicts_and_writes_nothing(self, store: Store) -> None:
        with pytest.raises(Conflict):
            await store.put(SPACE, NODE, "0", "1", condition=IfEtag("x"))
        with pytest.raises(Conflict):
            await store.delete(SPACE, NODE, "0", condition=IfEtag("x"))
        assert await keys(store) == []

    async def test_an_etag_never_comes_again(self, store_factory: StoreFactory) -> None:
        etags = []
        for _ in range(3):
            store = store_factory()
            for _ in range(5):
                etags.append(await store.put(SPACE, NODE, "0", "same"))
                etags.append(await store.put(SPACE, NODE, "0", "same"))
                await store.delete(SPACE, NODE, "0")
            await store.drop(SPACE)
        assert len(set(etags)) == len(etags) == 30

    async def test_of_many_conditional_writers_one_wins(self, store_factory: StoreFactory) -> None:
        stores = [store_factory() for _ in range(4)]
        etag = await stores[0].put(SPACE, NODE, "0", "null")

        async def attempt(number: int, condition: IfAbsent | IfEtag, key: str) -> bool:
            try:
                await stores[number % 4].put(SPACE, NODE, key, str(number), condition=condition)
            except Conflict:
                return False
            return True

        for condition, key in ((IfEtag(etag), "0"), (IfAbsent(), "1")):
            won = await asyncio.gather(*(attempt(number, condition, key) for number in range(40)))
            assert won.count(True) == 1
            found = await stores[0].get(SPACE, NODE, key)
            assert found is not None
            assert found.value == str(won.index(True))

    async def test_one_that_fails_leaves_its_neighbours_alone(self, store: Store) -> None:
        await store.put(SPACE, NODE, "taken", "{}")
        results = await asyncio.gather(
            store.put(SPACE, NODE, "a", "{}"),
            store.put(SPACE, NODE, "taken", "[]", condition=IfAbsent()),
            store.increment(SPACE, NODE, "taken"),
            store.put(SPACE, NODE, "b", "{}", condition=IfAbsent()),
            store.put(SPACE, NODE, "c", "{}", condition=IfEtag("x")),
            store.increment(SPACE, EVENT, "current_frame"),
            store.delete(SPACE, NODE, "taken", condition=IfEtag("x")),
            return_exceptions=True,
        )
        failed = [isinstance(result, Conflict) for result in results]
        assert failed == [False, True, True, False, True, False, True]
        assert await keys(store) == ["a", "b", "taken"]

    async def test_a_lost_update_is_impossible(self, store_factory: StoreFactory) -> None:
        stores = [store_factory() for _ in range(4)]
        await stores[0].put(SPACE, NODE, "0", "0")

        async def add_one(store: Store) -> None:
            while True:
                found = await store.get(SPACE, NODE, "0")
                assert found is not None
                try:
                    await store.put(SPACE, NODE, "0", str(int(found.value) + 1), condition=IfEtag(found.etag))
                except Conflict:
                    continue
                return

        await asyncio.gather(*(add_one(store) for store in stores for _ in range(5)))
        found = await stores[0].get(SPACE, NODE, "0")
        assert found is not None
        assert found.value == "20"


class TestExpiry:
    async def test_a_document_is_there_until_its_time_is_over(self, store: Store, store_clock: StoreClock) -> None:
        etag = await store.put(SPACE, NODE, "0", "1", seq=4, ttl=10)
        await store.put(SPACE, NODE, "1", "2")
        store_clock.now += 9.9
        assert await store.get(SPACE, NODE, "0") == Stored("0", "1", etag, 4)
        assert (await store.scan(SPACE, NODE)).items[1] == Stored("0", "1", etag, 4)
        store_clock.now += 0.1
        assert await store.get(SPACE, NODE, "0") is None
        assert await keys(store) == ["1"]
        assert await keys(store, subtree="0") == []

    async def test_every_store_on_the_same_data_goes_by_it(
        self, store_factory: StoreFactory, store_clock: StoreClock
    ) -> None:
        one, other = store_factory(), store_factory()
        await one.put(SPACE, NODE, "0", "1", ttl=10)
        assert await other.get(SPACE, NODE, "0") is not None
        store_clock.now += 10
        assert await other.get(SPACE, NODE, "0") is None

    async def test_a_scan_gives_full_pages_past_what_has_expired(self, store: Store, store_clock: StoreClock) -> None:
        for number in range(12):
            await store.put(SPACE, NODE, f"n{number:02}", "{}", seq=number, ttl=None if number % 3 == 0 else 5)
        store_clock.now += 5
        page = await store.scan(SPACE, NODE, limit=3)
        assert [item.seq for item in page.items] == [0, 3, 6]
        assert [item.seq for item in (await store.scan(SPACE, NODE, limit=3, cursor=page.cursor)).items] == [9]

    @pytest.mark.parametrize("condition", [None, IfAbsent()])
    async def test_an_expired_document_makes_room_for_another(
        self, store: Store, store_clock: StoreClock, condition: IfAbsent | None
    ) -> None:
        await store.put(SPACE, NODE, "0", "1", seq=1, ttl=10)
        if condition is not None:
            with pytest.raises(Conflict):
                await store.put(SPACE, NODE, "0", "2", condition=condition)
        store_clock.now += 10
        etag = await store.put(SPACE, NODE, "0", "2", seq=2, condition=condition)
        store_clock.now += 1_000
        assert await store.get(SPACE, NODE, "0") == Stored("0", "2", etag, 2)
        assert await keys(store) == ["0"]

    async def test_of_many_who_want_an_expired_ones_place_one_gets_it(
        self, store_factory: StoreFactory, store_clock: StoreClock
    ) -> None:
        stores = [store_factory() for _ in range(4)]
        await stores[0].put(SPACE, NODE, "0", "null", ttl=1)
        store_clock.now += 1
        puts = (stores[n % 4].put(SPACE, NODE, "0", str(n), condition=IfAbsent(), ttl=60) for n in range(20))
        results = await asyncio.gather(*puts, return_exceptions=True)
        won = [number for number, result in enumerate(results) if isinstance(result, str)]
        assert len(won) == 1
        assert sum(isinstance(result, Conflict) for result in results) == 19
        found = await stores[1].get(SPACE, NODE, "0")
        assert found is not None
        assert found.value == str(won[0])

    async def test_the_etag_of_an_expired_document_opens_nothing(self, store: Store, store_clock: StoreClock) -> None:
        first = await store.put(SPACE, NODE, "0", "1", ttl=10)
        etag = await store.put(SPACE, NODE, "0", "2", condition=IfEtag(first), ttl=10)
        store_clock.now += 10
        with pytest.raises(Conflict):
            await store.put(SPACE, NODE, "0", "3", condition=IfEtag(etag))
        with pytest.raises(Conflict):
            await store.delete(SPACE, NODE, "0", condition=IfEtag(etag))
        assert await store.get(SPACE, NODE, "0") is None

    @pytest.mark.parametrize("conditional", [True, False])
    async def test_each_write_says_anew_how_long(
        self, store: Store, store_clock: StoreClock, conditional: bool
    ) -> None:
        etag = await store.put(SPACE, NODE, "longer", "1", ttl=10)
        await store.put(SPACE, NODE, "longer", "2", ttl=100, condition=IfEtag(etag) if conditional else None)
        etag = await store.put(SPACE, NODE, "stays", "1", ttl=10)
        etag = await store.put(SPACE, NODE, "stays", "2", condition=IfEtag(etag) if conditional else None)
        store_clock.now += 50
        assert await keys(store) == ["longer", "stays"]
        store_clock.now += 50
        assert await keys(store) == ["stays"]
        assert await store.delete(SPACE, NODE, "stays", condition=IfEtag(etag))

    async def test_a_living_one_is_deleted_by_its_etag(self, store: Store) -> None:
        etag = await store.put(SPACE, NODE, "0", "1", ttl=10)
        assert await store.delete(SPACE, NODE, "0", condition=IfEtag(etag))
        assert await store.get(SPACE, NODE, "0") is None

    async def test_a_counter_begins_where_a_document_has_expired(self, store: Store, store_clock: StoreClock) -> None:
        await store.put(SPACE, EVENT, "current_frame", "7", ttl=10)
        with pytest.raises(Conflict):
            await store.increment(SPACE, EVENT, "current_frame")
        store_clock.now += 10
        assert await store.increment(SPACE, EVENT, "current_frame") == 1
        assert await store.increment(SPACE, EVENT, "current_frame") == 2

    @pytest.mark.parametrize("ttl", [0, -1, MAX_TTL + 1])
    async def test_a_time_out_of_range_is_refused(self, store: Store, ttl: int) -> None:
        with pytest.raises(InvalidInput):
            await store.put(SPACE, NODE, "0", "{}", ttl=ttl)
        assert await keys(store) == []

    async def test_the_longest_time_is_taken(self, store: Store) -> None:
        await store.put(SPACE, NODE, "0", "{}", ttl=MAX_TTL)
        assert await keys(store) == ["0"]


class TestCounters:
    async def test_a_counter_begins_at_nought(self, store: Store) -> None:
        assert await store.increment(SPACE, EVENT, "current_frame") == 1
        assert await store.increment(SPACE, EVENT, "current_frame", 10) == 11
        assert await store.increment(SPACE, EVENT, "current_frame", 0) == 11
        assert await store.increment(SPACE, EVENT, "current_frame", -1) == 10
        assert await store.increment(SPACE, NODE, "current_frame") == 1

    async def test_eight_writers_never_get_the_same_number(self, store_factory: StoreFactory) -> None:
        async def take(store: Store) -> list[int]:
            return [await store.increment(SPACE, EVENT, "current_frame") for _ in range(25)]

        taken = await asyncio.gather(*(take(store_factory()) for _ in range(8)))
        assert all(numbers == sorted(numbers) for numbers in taken)
        assert sorted(number for numbers in taken for number in numbers) == list(range(1, 201))

    async def test_a_counter_is_got_as_its_number_and_in_no_scan(self, store: Store) -> None:
        await store.increment(SPACE, EVENT, "current_frame", 3)
        await store.put(SPACE, EVENT, "1", "{}", seq=1)
        found = await store.get(SPACE, EVENT, "current_frame")
        assert found is not None
        assert (found.key, found.value, found.seq) == ("current_frame", "3", 0)
        assert await keys(store, category=EVENT) == ["1"]
        assert await keys(store, category=EVENT, after=-5) == ["1"]
        assert await keys(store, category=EVENT, subtree="current_frame") == []

    async def test_documents_and_counters_do_not_mix(self, store: Store) -> None:
        await store.increment(SPACE, EVENT, "current_frame", 3)
        for condition in (None, IfAbsent()):
            with pytest.raises(Conflict):
                await store.put(SPACE, EVENT, "current_frame", "9", condition=condition)
        await store.put(SPACE, EVENT, "1", "9")
        with pytest.raises(Conflict):
            await store.increment(SPACE, EVENT, "1")
        assert await store.increment(SPACE, EVENT, "current_frame") == 4

    async def test_a_deleted_counter_begins_again(self, store: Store) -> None:
        await store.increment(SPACE, EVENT, "current_frame", 3)
        assert await store.delete(SPACE, EVENT, "current_frame") is True
        assert await store.get(SPACE, EVENT, "current_frame") is None
        assert await store.increment(SPACE, EVENT, "current_frame") == 1

    async def test_a_counter_stays_exact_or_refuses(self, store: Store) -> None:
        assert await store.increment(SPACE, EVENT, "current_frame", MAX_SEQ) == MAX_SEQ
        with pytest.raises(InvalidInput):
            await store.increment(SPACE, EVENT, "current_frame")
        with pytest.raises(InvalidInput):
            await store.increment(SPACE, EVENT, "other", MAX_SEQ + 1)


class TestScans:
    async def test_the_order_is_of_numbers_then_keys(self, store: Store) -> None:
        for seq in (10, 9, 100, -1, 2):
            await store.put(SPACE, EVENT, str(seq), "{}", seq=seq)
        await store.put(SPACE, EVENT, "b", "{}", seq=9)
        await store.put(SPACE, EVENT, "B", "{}", seq=9)
        assert await keys(store, category=EVENT) == ["-1", "2", "9", "B", "b", "10", "100"]

    async def test_nothing_gives_one_empty_page(self, store: Store) -> None:
        page = await store.scan(SPACE, NODE)
        assert (page.items, page.cursor) == ((), None)
        await store.put(SPACE, EVENT, "1", "{}")
        page = await store.scan(SPACE, NODE)
        assert (page.items, page.cursor) == ((), None)

    async def test_after_leaves_out_the_number_itself(self, store: Store) -> None:
        for seq in (1, 2, 2, 3):
            await store.put(SPACE, EVENT, f"{seq}.{seq * 3}", "{}", seq=seq)
        await store.put(SPACE, EVENT, "zzz", "{}", seq=2)
        assert await keys(store, category=EVENT, after=2) == ["3.9"]
        assert await keys(store, category=EVENT, after=2, limit=1) == ["3.9"]
        assert await keys(store, category=EVENT, after=3) == []
        assert await keys(store, category=EVENT, after=0, limit=1) == ["1.3", "2.6", "zzz", "3.9"]

    @pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8, MAX_PAGE])
    async def test_pages_of_any_size_give_everything_once(self, store: Store, limit: int) -> None:
        names = [f"0.{number}" for number in range(7)]
        await put_all(store, *names, seq=5)
        assert await keys(store, limit=limit) == names
        page = await store.scan(SPACE, NODE, limit=limit)
        assert len(page.items) == min(limit, 7)
        assert (page.cursor is None) == (limit >= 7)

    async def test_a_cursor_holds_while_others_insert(self, store_factory: StoreFactory) -> None:
        store, other = store_factory(), store_factory()
        before = [(seq * 10, f"old.{seq}") for seq in range(30)]
        for seq, name in before:
            await store.put(SPACE, EVENT, name, "{}", seq=seq)

        async def insert() -> None:
            for number in range(150):
                await other.put(SPACE, EVENT, f"new.{number}", "{}", seq=(number * 37) % 300)

        inserting = asyncio.create_task(insert())
        found: list[tuple[int, str]] = []
        cursor = None
        while True:
            page = await store.scan(SPACE, EVENT, limit=4, cursor=cursor)
            found += [(item.seq, item.key) for item in page.items]
            cursor = page.cursor
            if cursor is None:
                break
        await inserting
        assert found == sorted(set(found))
        assert [entry for entry in found if entry[1].startswith("old")] == before

    async def test_a_cursor_holds_when_its_document_is_gone(self, store: Store) -> None:
        await put_all(store, "a", "b", "c", "d")
        page = await store.scan(SPACE, NODE, limit=2)
        await store.delete(SPACE, NODE, "b")
        rest = await store.scan(SPACE, NODE, cursor=page.cursor)
        assert [item.key for item in rest.items] == ["c", "d"]

    @pytest.mark.parametrize(
        "cursor",
        [
            "",
            "x",
            "é",
            "AAAA",
            "e30=",
            "WzFd",
            "WzEsIjAiLDJd",
            "W251bGwsIjAiXQ==",
            "WzEsIi4uLyJd",
            "[" * 300,
            "W1tb" * 5000,
            "WzEuNSwiMCJd",
            "W3RydWUsIjAiXQ==",
            "WzllOTk5LCIwIl0=",
            "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5LCIwIl0=",
        ],
    )
    async def test_a_cursor_of_elsewhere_is_refused(self, store: Store, cursor: str) -> None:
        await put_all(store, "a", "b")
        with pytest.raises(InvalidInput):
            await store.scan(SPACE, NODE, cursor=cursor)

    @pytest.mark.parametrize("limit", [0, -1, MAX_PAGE + 1])
    async def test_a_limit_out_of_range_is_refused(self, store: Store, limit: int) -> None:
        with pytest.raises(InvalidInput):
            await store.scan(SPACE, NODE, limit=limit)

    @pytest.mark.parametrize("seq", [MAX_SEQ + 1, -MAX_SEQ - 1, 2**63, 10**30])
    async def test_a_number_that_would_be_rounded_is_refused(self, store: Store, seq: int) -> None:
        with pytest.raises(InvalidInput):
            await store.put(SPACE, NODE, "0", "{}", seq=seq)
        with pytest.raises(InvalidInput):
            await store.scan(SPACE, NODE, after=seq)
        assert await keys(store) == []

    async def test_the_largest_and_smallest_numbers_are_kept(self, store: Store) -> None:
        for seq in (MAX_SEQ, -MAX_SEQ, MAX_SEQ - 1):
            await store.put(SPACE, NODE, f"n{seq}", "{}", seq=seq)
        page = await store.scan(SPACE, NODE)
        assert [item.seq for item in page.items] == [-MAX_SEQ, MAX_SEQ - 1, MAX_SEQ]

    async def test_a_subtree_is_the_id_and_what_is_below_it(self, store: Store) -> None:
        below = ["0.1", "0.1.0", "0.1.0.5", "0.1.10", "0.1.x", "0.1._", "0.1.Z", "0.1.-", "0.1.."]
        beside = ["0", "0.0", "0.10", "0.10.1", "0.1x", "0.1-", "0.1-.5", "0.1_.5", "0.11", "0.2", "00.1", "0x1.0"]
        await put_all(store, *below, *beside)
        assert await keys(store, subtree="0.1") == sorted(below)
        assert await keys(store, subtree="0.1", limit=2) == sorted(below)
        assert await keys(store, subtree="0.1.0") == ["0.1.0", "0.1.0.5"]
        assert await keys(store, subtree="0.3") == []
        assert await keys(store, subtree="0") == sorted(
            name for name in (*below, *beside) if name == "0" or name.startswith("0.")
        )

    async def test_signs_that_match_anything_elsewhere_match_themselves(self, store: Store) -> None:
        await put_all(store, "a_b", "a_b.1", "axb", "axb.1", "a-b.1", "a.b.1", "A_B.1", "a_b_.1")
        assert await keys(store, subtree="a_b") == ["a_b", "a_b.1"]

    async def test_a_subtree_is_in_one_category(self, store: Store) -> None:
        await put_all(store, "0", "0.1")
        await store.put(SPACE, EVENT, "0.2", "{}")
        assert await keys(store, subtree="0") == ["0", "0.1"]
        assert await keys(store, category=EVENT, subtree="0") == ["0.2"]

    async def test_a_subtree_goes_by_numbers_and_after_too(self, store: Store) -> None:
        for number in range(12):
            await store.put(SPACE, NODE, f"0.{number}", "{}", seq=100 - number)
        await put_all(store, "1.0", seq=95)
        assert await keys(store, subtree="0", limit=5) == [f"0.{number}" for number in reversed(range(12))]
        assert await keys(store, subtree="0", after=98, limit=1) == ["0.1", "0.0"]

    async def test_a_category_whose_name_begins_another_stays_apart(self, store: Store) -> None:
        await store.put(SPACE, Category.SWARM, "state", "{}")
        await store.put(SPACE, Category.SWARM_STATE, "0", "{}")
        assert await keys(store, category=Category.SWARM) == ["state"]
        for trap in ("state_0", "history_1", "history_current_frame"):
            with pytest.raises(InvalidInput):
                await store.put(SPACE, Category.SWARM, trap, "{}")


ODD = ["", ".." + "/x", "a/b", "a\\b", "a b", "a\n", "a\x00", "é", "0.1%", "*", "a'b", "x" * 65, "ａ", "#", "?", "a:b"]

CALLS: list[Callable[[Store, str], Awaitable[object]]] = [
    lambda store, key: store.get(SPACE, NODE, key),
    lambda store, key: store.put(SPACE, NODE, key, "{}"),
    lambda store, key: store.put(SPACE, NODE, key, "{}", condition=IfAbsent()),
    lambda store, key: store.delete(SPACE, NODE, key),
    lambda store, key: store.scan(SPACE, NODE, subtree=key),
    lambda store, key: store.increment(SPACE, NODE, key),
]


class TestIds:
    @pytest.mark.parametrize("key", ODD)
    async def test_an_odd_id_is_refused_by_every_method_and_nothing_is_written(self, store: Store, key: str) -> None:
        await store.put(SPACE, NODE, "0", "{}")
        for call in CALLS:
            with pytest.raises(InvalidInput):
                await call(store, key)
        assert await keys(store) == ["0"]

    @pytest.mark.parametrize("key", [".", "..", "-", "_", "x" * 64, "reasoning.decompose_directive", "0.10", "CON"])
    async def test_every_well_formed_id_works_in_every_method(self, store: Store, key: str) -> None:
        assert await store.get(SPACE, NODE, key) is None
        await store.put(SPACE, NODE, key, "{}")
        assert await keys(store, subtree=key) == [key]
        assert await store.delete(SPACE, NODE, key)
        assert await store.increment(SPACE, NODE, key) == 1

    async def test_case_matters(self, store: Store) -> None:
        await put_all(store, "a", "A")
        assert await keys(store) == ["A", "a"]


class TestSpaces:
    async def test_nothing_of_another_space_is_visible(self, store: Store) -> None:
        spaces = [SpaceKey("a", "b-c"), SpaceKey("a-b", "c"), SpaceKey("a", "b"), SpaceKey("b-c", "a"), SPACE]
        for space in spaces:
            await store.put(space, NODE, "0", json.dumps(str(space)))
            await store.put(space, NODE, f"of-{space.user_id}", "{}", condition=IfAbsent())
            assert await store.increment(space, EVENT, "current_frame") == 1
        for space in spaces:
            found = await store.get(space, NODE, "0")
            assert found is not None
            assert json.loads(found.value) == str(space)
            assert await keys(store, space) == ["0", f"of-{space.user_id}"]

    async def test_an_etag_and_a_cursor_of_another_space_open_nothing(self, store: Store) -> None:
        mine, other = SpaceKey("a", "b-c"), SpaceKey("a-b", "c")
        for space in (mine, other):
            await store.put(space, NODE, "0", "{}", seq=1)
        etag = await store.put(other, NODE, "1", "{}", seq=2)
        await store.put(mine, NODE, "1", "{}", seq=2)
        with pytest.raises(Conflict):
            await store.put(mine, NODE, "1", "[]", condition=IfEtag(etag))
        cursor = (await store.scan(other, NODE, limit=1)).cursor
        mine_etags = {item.etag for item in (await store.scan(mine, NODE)).items}
        assert {item.etag for item in (await store.scan(mine, NODE, cursor=cursor)).items} <= mine_etags

    async def test_drop_removes_one_space_and_no_other(self, store_factory: StoreFactory) -> None:
        store, other = store_factory(), store_factory()
        dropped, kept = SpaceKey("a", "b-c"), SpaceKey("a-b", "c")
        for space in (dropped, kept):
            await store.put(space, NODE, "0", "{}")
            await other.increment(space, EVENT, "current_frame")
        await store.drop(dropped)
        for each in (store, other):
            assert await keys(each, dropped) == []
            assert await each.get(dropped, EVENT, "current_frame") is None
            assert await keys(each, kept) == ["0"]
        await store.drop(dropped)
        await store.drop(SpaceKey("never", "was"))

    async def test_a_dropped_space_can_be_used_again_by_everyone(self, store_factory: StoreFactory) -> None:
        stores = [store_factory(), store_factory()]
        for number in range(6):
            one, other = stores[number % 2], stores[1 - number % 2]
            await one.put(SPACE, NODE, f"{number}", "{}")
            await other.put(SPACE, NODE, f"{number}.1", "{}")
            assert await keys(one) == await keys(other) == [f"{number}", f"{number}.1"]
            await one.drop(SPACE)
            assert await other.increment(SPACE, EVENT, "current_frame") == 1
            await other.drop(SPACE)

    async def test_a_drop_among_writes_leaves_only_what_came_after(self, store: Store) -> None:
        await put_all(store, "before")
        await asyncio.gather(store.put(SPACE, NODE, "a", "{}"), store.drop(SPACE), store.put(SPACE, NODE, "b", "{}"))
        assert "before" not in await keys(store)


class TestLife:
    async def test_close_finishes_what_was_begun(self, store_factory: StoreFactory) -> None:
        store = store_factory()
        begun = [asyncio.create_task(store.put(SPACE, NODE, f"0.{number}", "{}")) for number in range(100)]
        await asyncio.sleep(0)
        await store.close()
        await asyncio.gather(*begun)
        assert len(await keys(store_factory())) == 100

    async def test_a_closed_store_says_so(self, store: Store) -> None:
        await store.put(SPACE, NODE, "0", "{}")
        await store.close()
        await store.close()
        with pytest.raises(Unavailable):
            await store.get(SPACE, NODE, "0")

    async def test_a_caller_that_gives_up_harms_nobody(self, store: Store) -> None:
        tasks = [asyncio.create_task(store.put(SPACE, NODE, f"0.{number}", "{}")) for number in range(20)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(result, str) for result in results[1::2]] == [True] * 10
        assert set(await keys(store)) >= {f"0.{number}" for number in range(1, 20, 2)}
