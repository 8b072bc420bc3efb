"""Deleting swarms at any moment: nothing is left, nothing comes back, and what was used stays counted."""

import asyncio
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from shared.activities.advance_node import advance_node
from shared.activities.begin_swarm import begin_swarm
from shared.activities.fail_node import fail_node
from shared.activities.finish_swarm import finish_swarm
from shared.adapters.sqlite import FILE_NAME
from shared.errors import Conflict, Gone, NotFound
from shared.runtime.names import answered_event
from shared.runtime.steps import Failure
from shared.store import Category, IfAbsent
from shared.store.catalog import UnfinishedSwarms
from shared.store.tombstones import KEPT, Tombstones
from shared.swarm.swarm import Swarm
from shared.usecases import delete_swarm as deleting
from shared.usecases.create_swarm import NewSwarm, create_swarm, root_ref
from shared.usecases.delete_swarm import DRAIN, DROP_FOR, delete_swarm
from shared.usecases.idempotency import Answer, Once, fingerprint
from shared.usecases.nodes import get_tree
from shared.usecases.swarms import get_swarm, list_swarms
from shared.usecases.sweep import sweep
from tests.crash import crash_script
from tests.integration.swarm_world import ADA, SMALL, Signals, World, drive_node

KEY = "9f0c2f6e-8f0b-4b55-9a2e-1d6f"
LARGE = {"name": "large.md", "content": "All about it. " * 8_000}


async def gone(world: World, swarm: Swarm) -> None:
    """Nobody is shown it."""
    with pytest.raises(NotFound):
        await get_swarm(world.services, ADA, swarm.swarm_id)
    with pytest.raises(NotFound):
        await get_tree(world.services, ADA, swarm.swarm_id, 50, None)
    listed, _ = await list_swarms(world.services, ADA, 50, None)
    assert swarm.swarm_id not in {one.swarm_id for one in listed}


async def removed(world: World, swarm: Swarm) -> None:
    """Nothing is left of it but the tombstone."""
    await gone(world, swarm)
    for _ in range(100):  # writes that set off beside one that was refused still take back what they wrote
        if not world.files_of(swarm):
            break
        await asyncio.sleep(0.01)
    assert world.files_of(swarm) == []
    assert swarm.swarm_id not in (await world.services.ledgers.read("ada")).running
    assert await Tombstones(world.store).there(ADA.space(swarm.swarm_id))


async def test_a_swarm_that_has_ended_is_removed_at_once(world: World) -> None:
    swarm = await world.create(context=[LARGE])
    other = await world.create()
    await world.run(swarm)
    spent = (await world.services.ledgers.read("ada")).days
    assert any(path.parent.name == "blobs" for path in world.files_of(swarm))

    await delete_swarm(world.services, ADA, Signals(), swarm.swarm_id)
    await removed(world, swarm)
    assert (await world.services.ledgers.read("ada")).days == spent
    with pytest.raises(NotFound):
        await delete_swarm(world.services, ADA, Signals(), swarm.swarm_id)
    await world.run(other)
    assert (await get_swarm(world.services, ADA, other.swarm_id)).ended


async def test_a_swarm_in_the_middle_of_its_calls_is_hidden_drained_and_removed(world: World) -> None:
    swarm = await world.create()
    world.model.gate.clear()
    running = asyncio.create_task(world.run(swarm))
    await world.model.waits.wait()
    await delete_swarm(world.services, ADA, Signals(), swarm.swarm_id)
    await gone(world, swarm)
    world.model.gate.set()
    await running  # its nodes end as cancelled
    await gone(world, swarm)
    world.clock.pass_(2)
    signals = Signals()
    await sweep(world.services, signals)
    await removed(world, swarm)
    assert signals.started == []
    ledger = await world.services.ledgers.read("ada")
    assert ledger.spent_on(world.clock().date()).tokens == world.model.calls.total() * 110 > 0


async def test_a_swarm_that_nobody_works_on_any_more_is_removed_when_its_time_is_up(world: World) -> None:
    swarm = await world.create()
    await advance_node(world.services, root_ref(ADA.space(swarm.swarm_id)))
    calls = world.model.calls.total()
    await delete_swarm(world.services, ADA, Signals(), swarm.swarm_id)
    world.clock.pass_(2)
    await sweep(world.services, Signals())
    assert world.files_of(swarm)  # its nodes may still be ending
    world.clock.pass_(DRAIN.total_seconds())
    await sweep(world.services, Signals())
    await removed(world, swarm)
    # What it used is summed from its logs.
    ledger = await world.services.ledgers.read("ada")
    assert ledger.spent_on(world.clock().date()).tokens == calls * 110 > 0


async def test_a_worker_that_comes_back_late_leaves_nothing(world: World) -> None:
    swarm = await world.create(context=[LARGE])
    world.model.gate.clear()
    late = asyncio.create_task(world.run(swarm, world.worker("late")))
    await world.model.waits.wait()
    await delete_swarm(world.services, ADA, Signals(), swarm.swarm_id)
    world.clock.pass_(DRAIN.total_seconds() + 2)
    await sweep(world.services, Signals())
    await removed(world, swarm)
    world.model.gate.set()  # its answer arrives, and is to be journalled
    await late
    await removed(world, swarm)


@pytest.mark.parametrize("held_at", ["put", "increment"])
async def test_a_worker_that_is_held_up_before_any_of_its_writes_leaves_nothing(
    world: World, held_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every write in turn is the one before which its process stops until the swarm is gone."""
    write = getattr(world.bare, held_at)
    stopped_at, stopped, go_on = 0, asyncio.Event(), asyncio.Event()
    seen = 0

    async def slow(*args: object, **kwargs: object) -> object:
        nonlocal seen
        if getattr(args[0], "swarm_id", "") == watched:
            seen += 1
            if seen == stopped_at:
                stopped.set()
                await go_on.wait()
        return await write(*args, **kwargs)

    monkeypatch.setattr(world.bare, held_at, slow)
    watched = ""
    for stopped_at in range(1, 200):
        swarm = await world.create(crash_script.both("Write a.md"))
        watched, seen = swarm.swarm_id, 0
        stopped.clear()
        go_on.clear()
        worker = asyncio.create_task(world.run(swarm, world.worker(f"held-{stopped_at}")))
        halt = asyncio.create_task(stopped.wait())
        await asyncio.wait({worker, halt}, return_when=asyncio.FIRST_COMPLETED)
        halt.cancel()
        reached = stopped.is_set()
        await deleting.remove_swarm(world.services, ADA.space(swarm.swarm_id))  # as the sweep does in the end
        go_on.set()
        await worker
        await removed(world, swarm)
        if not reached:
            break
    assert stopped_at > (20 if held_at == "put" else 5)


async def test_late_activities_of_a_deleted_swarm_end_quietly(world: World) -> None:
    swarm = await world.create()
    await world.run(swarm)
    await delete_swarm(world.services, ADA, Signals(), swarm.swarm_id)
    root = root_ref(ADA.space(swarm.swarm_id))
    assert (await advance_node(world.services, root)).kind == "ended"
    assert (await begin_swarm(world.services, root)).kind == "ended"
    await fail_node(world.services, Failure(ref=root, reason="lost"))
    await finish_swarm(world.services, root)
    await removed(world, swarm)
    with pytest.raises(NotFound):  # which is not the same as a node that never was
        await drive_node(world.services, root_ref(ADA.space("never")))


async def test_every_write_that_could_bring_a_space_back_is_refused(world: World) -> None:
    swarm = await world.create()
    await world.run(swarm)
    space = ADA.space(swarm.swarm_id)
    await delete_swarm(world.services, ADA, Signals(), swarm.swarm_id)
    for store in (world.store, world.worker("other").store):
        for condition in (None, IfAbsent()):
            with pytest.raises(Gone):
                await store.put(space, Category.ARTIFACT, "late", "{}", condition=condition)
        with pytest.raises(Gone):
            await store.increment(space, Category.SWARM_HISTORY, "current_frame")
    for blobs in (world.blobs, world.worker("other").blobs):
        with pytest.raises(Gone):
            await blobs.put(space, b"late", max_bytes=10)
    await removed(world, swarm)


async def test_a_paused_and_a_blocked_swarm_are_woken_to_end(world: World) -> None:
    swarm = await world.create(crash_script.both("Ask for a"))
    root = root_ref(ADA.space(swarm.swarm_id))
    with suppress(TimeoutError):
        async with asyncio.timeout(3):
            await drive_node(world.services, root)
    signals = Signals()
    await delete_swarm(world.services, ADA, signals, swarm.swarm_id)
    assert [event for _, event in signals.woken] == [answered_event(0)]
    await world.run(swarm)
    world.clock.pass_(2)
    await sweep(world.services, Signals())
    await removed(world, swarm)


@pytest.mark.parametrize("step", range(9))
async def test_a_deletion_that_breaks_off_anywhere_is_gone_on_with_by_the_sweep(
    world: World, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    swarm = await world.create(context=[LARGE])
    await world.run(swarm)
    writes = 0
    died = RuntimeError("the process died")

    def mortal(name: str, part: object) -> None:
        work = getattr(part, name)

        async def tried(*args: object, **kwargs: object) -> object:
            nonlocal writes
            writes += 1
            if writes > step:
                raise died
            return await work(*args, **kwargs)

        patch.setattr(part, name, tried)

    with monkeypatch.context() as patch:
        for name, part in (
            ("put", world.bare),
            ("delete", world.bare),
            ("drop", world.bare),
            ("drop", world.blobs),
        ):
            mortal(name, part)
        with suppress(RuntimeError):
            await delete_swarm(world.services, ADA, Signals(), swarm.swarm_id)
    if step > 1:
        world.clock.pass_(2)
        await sweep(world.services, Signals())
        await removed(world, swarm)
    else:  # it had not begun
        assert await get_swarm(world.services, ADA, swarm.swarm_id)


async def test_the_sweep_drops_what_a_dead_process_left_and_then_forgets(world: World) -> None:
    swarm = await world.create(SMALL)
    await world.run(swarm)
    await delete_swarm(world.services, ADA, Signals(), swarm.swarm_id)
    # It wrote after the drop, and died before it could look for the tombstone.
    await world.bare.put(ADA.space(swarm.swarm_id), Category.ARTIFACT, "late", "{}")
    world.clock.pass_(2)
    await sweep(world.services, Signals())
    assert world.files_of(swarm) == []
    world.clock.pass_(DROP_FOR)
    assert await sweep(world.services, Signals()) == 1
    assert await sweep(world.services, Signals()) == 0
    assert [entry async for entry in UnfinishedSwarms(world.store).all()] == []
    await removed(world, swarm)


async def test_tombstones_go_after_a_month(world: World) -> None:
    tombstones = Tombstones(world.store)
    await tombstones.put(ADA.space("old"), world.clock())
    world.clock.pass_((KEPT * 0.9).total_seconds())
    await tombstones.put(ADA.space("young"), world.clock())
    assert await tombstones.there(ADA.space("old"))
    world.clock.pass_((KEPT * 0.1).total_seconds())
    assert [await tombstones.there(ADA.space(name)) for name in ("old", "young")] == [False, True]


class TestAnswers:
    """What a repeated creation would be answered with."""

    async def created(self, world: World, directive: str = SMALL) -> Swarm:
        """A swarm that was created under a key and has ended."""
        once = Once(world.services, ADA, "create_swarm", KEY, await fingerprint(directive.encode()))
        swarm_id = await once.begin()
        assert isinstance(swarm_id, str)
        new = NewSwarm.model_validate({"directive": directive})
        swarm = await create_swarm(world.services, ADA, Signals(), new, swarm_id)
        await once.end(Answer(status=202, headers={}, body=swarm.model_dump_json()))
        await world.run(swarm)
        return swarm

    async def test_nothing_of_the_directive_is_left(self, world: World) -> None:
        swarm = await self.created(world, f"{SMALL}\n\nMind the heliotrope.")
        assert {category for category, value in stored(world) if "heliotrope" in value} > {"swarm", "swarm_state"}
        assert not [value for category, value in stored(world) if category == "idempotency" and "heliotrope" in value]
        await delete_swarm(world.services, ADA, Signals(), swarm.swarm_id)
        await removed(world, swarm)
        assert not [category for category, value in stored(world) if "heliotrope" in value]
        others = [path for path in world.folder.rglob("*") if path.is_file() and FILE_NAME not in path.name]
        assert not [path for path in others if b"heliotrope" in path.read_bytes()]

    async def test_a_repetition_after_the_deletion_makes_no_second_swarm(self, world: World) -> None:
        swarm = await self.created(world)
        again = Once(world.services, ADA, "create_swarm", KEY, await fingerprint(SMALL.encode()))
        answer = await again.begin()
        assert isinstance(answer, Answer)
        assert swarm.swarm_id in answer.body
        await delete_swarm(world.services, ADA, Signals(), swarm.swarm_id)
        with pytest.raises(Conflict, match="was deleted"):
            await again.begin()

    async def test_the_answers_to_other_requests_stay(self, world: World) -> None:
        swarm = await self.created(world)
        other = Once(world.services, ADA, "create_swarm", "another-key", "f")
        await other.begin()
        await other.end(Answer(status=202, headers={}, body="{}"))
        await delete_swarm(world.services, ADA, Signals(), swarm.swarm_id)
        assert await other.begin() == Answer(status=202, headers={}, body="{}")


def stored(world: World) -> list[tuple[str, str]]:
    """The category and text of everything in every file of the folder."""
    found: list[tuple[str, str]] = []
    for path in world.folder.rglob(FILE_NAME):
        with closing(sqlite3.connect(path)) as connection:
            found += connection.execute("SELECT category, value FROM document").fetchall()
    return found


def test_nothing_else_lies_in_the_folder(tmp_path: Path) -> None:
    """`files_of` would show an empty list for a wrong path too."""
    world = World(tmp_path)
    swarm = Swarm(swarm_id="s", user_id="ada", directive="x", created=world.clock())
    (tmp_path / "ada_s").mkdir()
    (tmp_path / "ada_s" / "left").touch()
    assert [path.name for path in world.files_of(swarm)] == ["left"]
