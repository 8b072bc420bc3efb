"""A swarm's own entries below builtin folders: added once, listed once, whatever is cut off or runs at once."""

import asyncio

import pytest
from spaces_stores import SPACE, Crash, DictStore, Watched, check_whole, leaf_places, tool

from shared.adapters.sqlite import SqliteStore
from shared.errors import Conflict, InvalidInput, NotFound
from shared.spaces.action_space import ActionSpace
from shared.spaces.grouping import new_group
from shared.spaces.metadata import ActionMetadata, SwarmUtilMetadata, folder
from shared.spaces.space import BuiltinSpace, path_to
from shared.spaces.splitting import split
from shared.spaces.stored import MAX_LISTED
from shared.spaces.util_space import UtilSpace
from shared.store.port import Store
from shared.types import SpaceKey

BUILTIN = BuiltinSpace(
    [folder("root", "Actions", "", None), folder("tools", "Tools", "", "root"), tool("builtin.hammer")]
)


def actions(store: Store, swarm: str = "s1") -> ActionSpace:
    return ActionSpace(store, SpaceKey("ann", swarm), BUILTIN)


async def test_own_entries_hang_below_builtin_folders_and_in_one_swarm_only(store: SqliteStore) -> None:
    space = actions(store)
    await space.add(tool("saw"))
    await space.add(folder("garden", "Garden", "For the garden.", "tools"))
    await space.add(tool("rake", "garden"))
    assert [child.id for child in await space.children("tools")] == ["builtin.hammer", "saw", "garden"]
    assert await path_to(space, "rake") == ("Tools", "Garden", "Tool rake")
    assert await space.action("saw") == tool("saw")
    assert [child.id for child in await actions(store, "s2").children("tools")] == ["builtin.hammer"]
    with pytest.raises(NotFound):
        await actions(store, "s2").action("saw")
    with pytest.raises(NotFound):
        await space.action("garden")


async def test_what_cannot_be_added(store: SqliteStore) -> None:
    space = actions(store)
    with pytest.raises(Conflict):
        await space.add(tool("builtin.hammer"))
    with pytest.raises(NotFound):
        await space.add(tool("saw", "nowhere"))
    with pytest.raises(NotFound):
        await space.add(tool("saw", "builtin.hammer"))
    with pytest.raises(InvalidInput):
        await space.add(tool("in.tools"))
    assert await leaf_places(space) == {"builtin.hammer": ["tools"]}
    assert await space.stored.get("in.tools") is None


async def test_adding_again_adds_nothing_and_keeps_the_first(store: SqliteStore) -> None:
    space = actions(store)
    first = await space.add(tool("saw", name="First"))
    assert await space.add(tool("saw", name="Second")) == first
    await asyncio.gather(*(space.add(tool("drill")) for _ in range(20)))
    assert await leaf_places(space) == {"builtin.hammer": ["tools"], "saw": ["tools"], "drill": ["tools"]}


async def test_adding_at_the_same_time_loses_nothing(store: SqliteStore) -> None:
    space = actions(store)
    ids = {f"t{n}" for n in range(40)}
    await asyncio.gather(*(space.add(tool(entry_id)) for entry_id in ids))
    assert set(await leaf_places(space)) == ids | {"builtin.hammer"}


async def test_an_entry_written_but_not_listed_is_listed_by_the_next_call(store: SqliteStore) -> None:
    with pytest.raises(Crash):
        await actions(Watched(store, writes_left=1)).add(tool("saw"))
    space = actions(store)
    assert await space.get("saw") is not None
    assert "saw" not in await leaf_places(space)
    await space.add(tool("saw"))
    assert (await leaf_places(space))["saw"] == ["tools"]


async def test_a_folder_nobody_splits_keeps_a_bounded_list(store: SqliteStore) -> None:
    watched = Watched(store)
    space = actions(watched)
    ids = {f"t{n:03}" for n in range(3 * MAX_LISTED)}
    for entry_id in sorted(ids):
        await space.add(tool(entry_id))
    await check_whole(space, ids | {"builtin.hammer"})
    assert len(await space.stored.children("tools")) <= MAX_LISTED


@pytest.mark.parametrize("first", [True, False])
async def test_a_split_cut_off_anywhere_is_finished_by_the_next(store: SqliteStore, first: bool) -> None:
    ids = {f"t{n:02}" for n in range(14)}
    for cut in range(60):
        swarm = f"cut{cut}"
        space = actions(store, swarm)
        for entry_id in sorted(ids):
            await space.add(tool(entry_id))
        try:
            await split(actions(Watched(store, writes_left=cut), swarm), "tools")
        except Crash:
            assert set(await leaf_places(space)) == ids | {"builtin.hammer"}
        else:
            assert cut > 20
            return
        # Whoever comes first, a repeated add or the next split: each entry is listed once in the end.
        for entry_id in sorted(ids) if first else ():
            await space.add(tool(entry_id))
        await space.add(tool("late"))
        await split(space, "tools")
        for entry_id in sorted(ids):
            await space.add(tool(entry_id))
        await check_whole(space, ids | {"late", "builtin.hammer"})
    pytest.fail("the split never ended")


@pytest.mark.parametrize("seed", range(60))
async def test_splits_and_adds_at_the_same_time(seed: int) -> None:
    store = DictStore(seed)
    space = actions(store)
    ids = [f"t{n:02}" for n in range(40)]
    for entry_id in ids[:16]:
        await space.add(tool(entry_id))
    cut_off = actions(Watched(store, writes_left=seed))

    async def crashing_split() -> None:
        try:
            await split(cut_off, "tools")
        except Crash:
            return

    await asyncio.gather(
        *(split(space, "tools") for _ in range(3)),
        crashing_split(),
        *(space.add(tool(entry_id)) for entry_id in ids),
        *(space.add(tool(entry_id)) for entry_id in ids[::2]),
    )
    for inner in [child.id for child in await space.children("tools") if child.kind == "folder"]:
        await asyncio.gather(split(space, inner), split(space, "tools"), crashing_split())
    await split(space, "tools")
    await check_whole(space, {*ids, "builtin.hammer"})


async def push_down(space: ActionSpace, folder_id: str) -> None:
    """Move everything in a folder one level down."""
    children = await space.stored.children(folder_id)
    below = new_group(folder_id, f"Below {len(children)}", "", [child.id for child in children])
    await space.stored.regroup(folder_id, [below])


async def two_halves(space: ActionSpace) -> list[str]:
    """Split twelve tools into two folders and put six more beside them; the folders' ids."""
    for n in range(12):
        await space.add(tool(f"t{n:02}"))
    ids = [f"t{n:02}" for n in range(12)]
    halves = [new_group("tools", name, "", part) for name, part in (("Low", ids[:6]), ("High", ids[6:]))]
    await space.stored.regroup("tools", halves)
    for n in range(12, 24):
        await space.add(tool(f"t{n:02}"))
    return [half.folder.id for half in halves]


@pytest.mark.parametrize(
    "overtaken", ["by a whole split", "by a split further down", "by a split and one that was cut off"]
)
async def test_a_worker_that_stalls_in_a_split_and_wakes_late_does_no_harm(overtaken: str) -> None:
    for stop_at in range(1, 300):
        store = DictStore()
        space = actions(store)
        halves = await two_halves(space)
        slow = Watched(store, stop_at=stop_at)
        worker = asyncio.create_task(split(actions(slow), "tools"))
        stalled = asyncio.create_task(slow.stopped.wait())
        await asyncio.wait([worker, stalled], return_when=asyncio.FIRST_COMPLETED)
        if worker.done():
            stalled.cancel()
            assert stop_at > 60
            return
        if overtaken != "by a split further down":
            await split(space, "tools")
        if overtaken == "by a split and one that was cut off":
            with pytest.raises(Crash):
                await push_down(actions(Watched(store, writes_left=1)), "tools")
        for half in halves:
            await push_down(space, half)
        slow.go_on.set()
        await asyncio.gather(worker, stalled)
        await split(space, "tools")
        await check_whole(space, {f"t{n:02}" for n in range(24)} | {"builtin.hammer"})
    pytest.fail("the split never ended")


async def test_an_add_that_stalls_while_its_entry_is_moved_lists_it_once() -> None:
    for stop_at in range(20):
        store = DictStore()
        space = actions(store)
        await space.add(tool("saw"))
        slow = Watched(store, stop_at=stop_at)
        worker = asyncio.create_task(actions(slow).add(tool("saw")))
        stalled = asyncio.create_task(slow.stopped.wait())
        await asyncio.wait([worker, stalled], return_when=asyncio.FIRST_COMPLETED)
        if worker.done():
            stalled.cancel()
            assert stop_at > 2
            return
        await push_down(space, "tools")
        slow.go_on.set()
        await asyncio.gather(worker, stalled)
        await check_whole(space, {"saw", "builtin.hammer"})
    pytest.fail("the add never ended")


async def test_utils_are_kept_apart_from_actions(store: SqliteStore) -> None:
    utils = UtilSpace(store, SPACE, BuiltinSpace([folder("utils", "Utils", "", None)]))
    await utils.add(SwarmUtilMetadata(id="csv", name="CSV", description="Reads tables.", parent_id="utils"))
    assert (await utils.util("csv")).name == "CSV"
    assert await actions(store).get("csv") is None
    with pytest.raises(NotFound):
        await utils.util("utils")


async def test_fields_of_a_later_version_survive_a_split(store: SqliteStore) -> None:
    class Later(ActionMetadata):
        price: int = 0

    space = actions(store)
    later = Later.model_validate(tool("t00").model_dump() | {"price": 7})
    await space.add(later)
    for n in range(1, 14):
        await space.add(tool(f"t{n:02}"))
    assert await split(space, "tools")
    stored = await store.get(SPACE, space.stored._category, "t00")
    assert stored is not None
    assert Later.model_validate_json(stored.value).price == 7
