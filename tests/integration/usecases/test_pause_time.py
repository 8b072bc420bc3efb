"""Pauses: a swarm shows that it is paused, and the time of it is none of its wall time."""

import pytest

from shared.activities.advance_node import advance_node
from shared.runtime.names import branch_resumed_event
from shared.store import Category
from shared.swarm.node import NodeRef
from shared.swarm.swarm import SwarmStatus
from shared.usecases.control import cancel_swarm, pause_branch, pause_swarm, resume_branch, resume_swarm
from shared.usecases.create_swarm import root_ref
from shared.usecases.nodes import get_node
from shared.usecases.swarms import get_swarm, list_swarms
from tests.integration.swarm_world import ADA, SMALL, Signals, World, drive

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


async def in_two_branches(world: World) -> NodeRef:
    """A swarm's root that waits for two nodes, of which neither has begun."""
    swarm = await world.create(SMALL, limits=LIMITS)
    root = root_ref(ADA.space(swarm.swarm_id))
    step = await advance_node(world.services, root)
    assert [child.node_id for child in step.children] == ["0.0.0", "0.1.0"]
    return root


@pytest.mark.parametrize("top", ["0.1", "0.1.0"])
async def test_wall_time_stands_still_for_a_paused_branch_and_for_what_comes_after_it(world: World, top: str) -> None:
    root = await in_two_branches(world)
    await advance_node(world.services, root.to("0.0.0"))
    for pause in (1, 2):
        await pause_branch(world.services, ADA, root.swarm_id, top)
        for _ in range(2):
            step = await advance_node(world.services, root.to("0.1.0"))
            assert (step.kind, step.event) == ("wait", branch_resumed_event(pause))
            world.clock.pass_(40)
        await resume_branch(world.services, ADA, Signals(), root.swarm_id, top)
    await drive(world.services, root)
    ended = await get_swarm(world.services, ADA, root.swarm_id)
    assert ended.status is SwarmStatus.COMPLETED


async def test_wall_time_goes_on_for_the_branches_beside_a_paused_one(world: World) -> None:
    root = await in_two_branches(world)
    await pause_branch(world.services, ADA, root.swarm_id, "0.1")
    await advance_node(world.services, root.to("0.1.0"))
    world.clock.pass_(61)
    assert (await advance_node(world.services, root.to("0.0.0"))).kind == "ended"
    beside = await get_node(world.services, ADA, root.swarm_id, "0.0.0")
    assert "time ran out" in str(beside.report)


async def test_time_that_a_branch_and_its_swarm_were_paused_together_counts_once(world: World) -> None:
    root = await in_two_branches(world)
    await pause_branch(world.services, ADA, root.swarm_id, "0.1")
    await advance_node(world.services, root.to("0.1.0"))
    await pause_swarm(world.services, ADA, root.swarm_id)
    world.clock.pass_(50)
    await resume_swarm(world.services, ADA, Signals(), root.swarm_id)
    world.clock.pass_(20)
    await resume_branch(world.services, ADA, Signals(), root.swarm_id, "0.1")
    assert (await advance_node(world.services, root.to("0.1.0"))).kind == "ended"
    node = await get_node(world.services, ADA, root.swarm_id, "0.1.0")
    assert 20 <= node.waited < 25


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
