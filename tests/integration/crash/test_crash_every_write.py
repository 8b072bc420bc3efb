"""A process that dies after any write of a swarm's life, and one that takes its place."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from fault_driver import VirtualClock
from fault_store import Died, MortalStore
from fault_world import SCENARIOS, TENANT, Deaf, Scenario, World, copy, create, die_once, scenario, undisturbed, verdict

from shared.adapters.sqlite import SqliteStore
from shared.store import Category
from shared.types import SpaceKey
from shared.usecases.create_swarm import create_swarm
from shared.usecases.sweep import SEAL_AFTER, sweep
from tests.crash import crash_checks, crash_script

#: Swarms that die and are taken up again at the same time.
_AT_ONCE = 6


@pytest.mark.parametrize("kind", SCENARIOS, ids=lambda kind: kind.name)
async def test_a_death_after_any_write_changes_nothing(kind: Scenario, tmp_path: Path) -> None:
    base = await create(tmp_path / "base", kind)
    expected, writes = await undisturbed(base)
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(deadly: int) -> list[str]:
        async with slots:
            faults = await die_once(base, expected, tmp_path / str(deadly), deadly)
        return [f"write {deadly}: {fault}" for fault in faults]

    # Before the first write and after each one: every state in which one process leaves the store to the next.
    found = await asyncio.gather(*(one(deadly) for deadly in range(writes + 1)))
    assert writes > 30
    assert [fault for faults in found for fault in faults] == []


@pytest.mark.parametrize("writes", [17, 29])
async def test_dying_again_and_again_only_takes_longer(writes: int, tmp_path: Path) -> None:
    directive = crash_script.twice(["Write a.md", "Ask for b", "Break c.py"], ["Write d.md"])
    base = await create(tmp_path / "base", scenario("often", directive, context=1))
    expected, _ = await undisturbed(base)
    world = await copy(base, tmp_path / "often")
    faults: list[str] = []
    while not world.ended_well and world.lives < 100:
        faults += await world.live(writes)
    faults += await verdict(world, expected)
    await world.store.close()
    assert faults == []
    assert world.lives > 5


async def test_a_death_while_a_swarm_is_created_leaves_one_that_runs_or_none(tmp_path: Path) -> None:
    kind = scenario("new", crash_script.both("Write a.md"), context=1)
    left = [await _created(tmp_path / str(deadly), kind, deadly) for deadly in range(1, 20)]
    # Once the root is written the sweep starts it, and it runs to a sound end; until then there is nothing to start.
    assert left == sorted(left)
    assert {False, True} == set(left)


async def _created(folder: Path, kind: Scenario, deadly: int) -> bool:
    """Die at a write of a swarm's creation; whether the sweep finds a swarm, which then must end well."""
    world = World(folder, kind, SpaceKey("ada", "none"), VirtualClock(), SqliteStore(folder))
    with suppress(Died):
        await create_swarm(world.services(MortalStore(world.store, deadly, after=True)), TENANT, Deaf(), kind.new)
    world.clock.time += timedelta(seconds=2 * world.settings.sweep_after)
    heard = Deaf()
    await sweep(world.services(world.store), heard)
    for root in heard.started:
        world.space = root.space
        assert await world.live() == []
        assert crash_checks.faults(await world.ended()) == []
    await world.store.close()
    return bool(heard.started)


async def test_the_sweep_seals_a_gap_that_a_dead_process_left_in_the_history(tmp_path: Path) -> None:
    world = await create(tmp_path, scenario("gap", crash_script.both("Write a.md")))
    await world.store.increment(world.space, Category.SWARM_HISTORY, "current_frame", 1)
    await world.live(20)
    hidden = await world.ended()
    world.clock.time += timedelta(seconds=2 * SEAL_AFTER)
    await sweep(world.services(world.store), Deaf())
    seen = await world.ended()
    await world.store.close()
    assert len(hidden.events) < hidden.frames
    assert len(seen.events) == seen.frames > hidden.frames
