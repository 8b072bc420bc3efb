"""Removing a memory that a user added: at once, after a crash, and while its folder is being split."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
from spaces_stores import SPACE, Crash, DictStore, Watched, check_whole, leaf_places

from shared.adapters.sqlite import SqliteStore
from shared.spaces.memory_space import MemorySpace
from shared.spaces.metadata import MemoryMetadata
from shared.spaces.splitting import split
from shared.store.port import Category, Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 3, 1, 13, tzinfo=UTC)


async def filled(store: Store, count: int) -> MemorySpace:
    space = MemorySpace(store, SPACE)
    for n in range(count):
        memory = MemoryMetadata(
            id=f"m{n:02}", name=f"Fact {n:02}", description="Secret.", parent_id="facts", content="Word.", created=NOON
        )
        await space.remember(memory)
    return space


async def test_what_is_removed_is_listed_nowhere_and_its_content_is_gone(store: SqliteStore) -> None:
    space = await filled(store, 3)
    await space.forget("m01", LATER)
    await space.forget("m01", LATER)
    await space.forget("m99", LATER)
    await check_whole(space, {"m00", "m02"}, "facts")
    assert [memory.id for memory in (await space.page())[0]] == ["m00", "m02"]
    # A search that had found its card before reads this in its place.
    left = await space.memory("m01")
    assert (left.name, left.content, left.removed) == ("Removed", None, LATER)
    stored = await store.get(SPACE, Category.MEMORY_SPACE, "m01")
    assert stored is not None
    assert "Word" not in stored.value
    assert "Fact" not in stored.value


async def test_a_removal_that_is_cut_off_is_ended_by_the_next() -> None:
    ended = False
    for writes in range(5):
        store = DictStore()
        await filled(store, 2)
        try:
            await MemorySpace(Watched(store, writes_left=writes), SPACE).forget("m00", LATER)
            ended = True
        except Crash:
            pass
        space = MemorySpace(store, SPACE)
        await space.forget("m00", LATER)
        await check_whole(space, {"m01"}, "facts")
        assert (await space.memory("m00")).removed == LATER
    assert ended


@pytest.mark.parametrize("stop_at", range(1, 60))
async def test_a_split_that_stalls_brings_nothing_back(stop_at: int) -> None:
    store = DictStore()
    space = await filled(store, 16)
    stalled = Watched(store, stop_at=stop_at)
    splitting = asyncio.create_task(split(MemorySpace(stalled, SPACE), "facts"))
    stopped = asyncio.create_task(stalled.stopped.wait())
    await asyncio.wait({splitting, stopped}, return_when=asyncio.FIRST_COMPLETED)
    for entry_id in ("m00", "m07", "m15"):
        await space.forget(entry_id, LATER)
    stalled.go_on.set()
    await splitting
    stopped.cancel()
    await check_whole(space, {f"m{n:02}" for n in range(16)} - {"m00", "m07", "m15"}, "facts")


@pytest.mark.parametrize("stop_at", range(6))
async def test_a_removal_that_stalls_while_its_folder_is_split_removes(stop_at: int) -> None:
    store = DictStore()
    space = await filled(store, 16)
    stalled = Watched(store, stop_at=stop_at)
    removing = asyncio.create_task(MemorySpace(stalled, SPACE).forget("m07", LATER))
    stopped = asyncio.create_task(stalled.stopped.wait())
    await asyncio.wait({removing, stopped}, return_when=asyncio.FIRST_COMPLETED)
    await split(space, "facts")
    stalled.go_on.set()
    await removing
    stopped.cancel()
    await check_whole(space, {f"m{n:02}" for n in range(16)} - {"m07"}, "facts")
    assert (await space.memory("m07")).removed == LATER


@pytest.mark.parametrize("seed", range(30))
async def test_removing_adding_and_splitting_at_once_lose_nothing(seed: int) -> None:
    store = DictStore(seed)
    space = await filled(store, 14)

    async def add(n: int) -> None:
        await space.remember(
            MemoryMetadata(id=f"n{n}", name=f"New {n}", description="", parent_id="facts", created=NOON)
        )
        await split(space, "facts")

    await asyncio.gather(*(add(n) for n in range(4)), *(space.forget(f"m{n:02}", LATER) for n in range(0, 14, 3)))
    kept = {f"m{n:02}" for n in range(14) if n % 3} | {f"n{n}" for n in range(4)}
    assert set(await leaf_places(space, "facts")) == kept
    await check_whole(space, kept, "facts")


async def test_a_list_document_stays_readable_after_a_removal(store: SqliteStore) -> None:
    space = await filled(store, 2)
    await space.forget("m00", LATER)
    stored = await store.get(SPACE, Category.MEMORY_SPACE, "in.facts")
    assert stored is not None
    assert [child["id"] for child in json.loads(stored.value)["children"]] == ["m01"]
