"""The time for which its user pauses a swarm is none of its wall time."""

from quota_world import ADA, SMALL, Signals, World

from shared.swarm.swarm import SwarmStatus
from shared.usecases.swarms import get_swarm, pause_swarm, resume_swarm

LIMITS = {"wall_seconds": 60}


async def test_wall_time_stands_still_while_a_swarm_is_paused(world: World) -> None:
    swarm = await world.create(SMALL, limits=LIMITS)
    for _ in range(3):
        await pause_swarm(world.app, ADA, swarm.swarm_id)
        world.clock.pass_(50)
        await pause_swarm(world.app, ADA, swarm.swarm_id)
        world.clock.pass_(50)
        await resume_swarm(world.app, ADA, Signals(), swarm.swarm_id)
    await world.run(swarm)
    ended = await get_swarm(world.app, ADA, swarm.swarm_id)
    assert ended.status is SwarmStatus.COMPLETED


async def test_it_goes_on_once_the_pause_is_over(world: World) -> None:
    swarm = await world.create(SMALL, limits=LIMITS)
    await pause_swarm(world.app, ADA, swarm.swarm_id)
    world.clock.pass_(50)
    await resume_swarm(world.app, ADA, Signals(), swarm.swarm_id)
    world.clock.pass_(61)
    await world.run(swarm)
    ended = await get_swarm(world.app, ADA, swarm.swarm_id)
    assert ended.status is not SwarmStatus.COMPLETED
    assert "time" in str(ended.report)
