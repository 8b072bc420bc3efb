"""Pauses: a swarm shows that it is paused, and the time of it is none of its wall time."""

import pytest

from shared.store import Category
from shared.swarm.swarm import SwarmStatus
from shared.usecases.swarms import cancel_swarm, get_swarm, list_swarms, pause_swarm, resume_swarm
from tests.integration.swarm_world import ADA, SMALL, Signals, World

LIMITS = {"wall_seconds": 60}


async def test_wall_time_stands_still_while_a_swarm_is_paused(world: World) -> None:
    swarm = await world.create(SMALL, limits=LIMITS)
    for _ in range(3):
        await pause_swarm(world.services, ADA, swarm.swarm_id)
        world.clock.pass_(50)
        await pause_swarm(world.services, ADA, swarm.swarm_id)
        world.clock.pass_(50)
        await resume_swarm(world.services, ADA, Signals(), swarm.swarm_id)
    await world.run(swarm)
    ended = await get_swarm(world.services, ADA, swarm.swarm_id)
    assert ended.status is SwarmStatus.COMPLETED


async def test_it_goes_on_once_the_pause_is_over(world: World) -> None:
    swarm = await world.create(SMALL, limits=LIMITS)
    await pause_swarm(world.services, ADA, swarm.swarm_id)
    world.clock.pass_(50)
    await resume_swarm(world.services, ADA, Signals(), swarm.swarm_id)
    world.clock.pass_(61)
    await world.run(swarm)
    ended = await get_swarm(world.services, ADA, swarm.swarm_id)
    assert ended.status is not SwarmStatus.COMPLETED
    assert "time" in str(ended.report)


async def shown(world: World, swarm_id: str) -> tuple[bool, bool]:
    """Whether a swarm is paused, by itself and in the list."""
    listed, _ = await list_swarms(world.services, ADA, 10, None)
    (mine,) = [one for one in listed if one.swarm_id == swarm_id]
    return (await get_swarm(world.services, ADA, swarm_id)).paused, mine.paused


async def test_a_pause_is_shown(world: World) -> None:
    swarm, other = await world.create(SMALL), await world.create(SMALL)
    assert await shown(world, swarm.swarm_id) == (False, False)
    assert (await pause_swarm(world.services, ADA, swarm.swarm_id)).paused
    assert await shown(world, swarm.swarm_id) == (True, True)
    assert await shown(world, other.swarm_id) == (False, False)
    assert not (await resume_swarm(world.services, ADA, Signals(), swarm.swarm_id)).paused
    assert await shown(world, swarm.swarm_id) == (False, False)
    await pause_swarm(world.services, ADA, swarm.swarm_id)
    assert not (await cancel_swarm(world.services, ADA, Signals(), swarm.swarm_id)).paused
    assert await shown(world, swarm.swarm_id) == (False, False)


async def test_swarms_that_ended_are_listed_in_one_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    swarm = await world.create(SMALL)
    await pause_swarm(world.services, ADA, swarm.swarm_id)
    await resume_swarm(world.services, ADA, Signals(), swarm.swarm_id)
    await world.run(swarm)
    read: list[Category] = []
    get = world.bare.get

    async def noting(space: object, category: Category, key: str) -> object:
        read.append(category)
        return await get(space, category, key)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr(world.bare, "get", noting)
    assert await shown(world, swarm.swarm_id) == (False, False)
    assert Category.CONTROL not in read
