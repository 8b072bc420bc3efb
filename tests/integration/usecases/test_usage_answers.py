"""What was used, summed from the logs and the ledger."""

from datetime import timedelta

import pytest

from shared.errors import NotFound
from shared.store.catalog import UnfinishedSwarms
from shared.swarm.node import ROOT_ID
from shared.swarm.swarm import SwarmStatus
from shared.swarm.usage import Usage
from shared.usecases import usage
from shared.usecases.delete_swarm import delete_swarm
from shared.usecases.swarms import get_swarm
from shared.usecases.usage import get_swarm_usage, list_day_usage, list_node_usage, list_swarm_usage
from tests.crash import crash_script
from tests.integration.swarm_world import ADA, BOB, Signals, World


async def test_a_swarms_usage_comes_out_the_same_by_action_model_day_and_node(world: World) -> None:
    swarm = await world.create(crash_script.both("Write a.md", crash_script.both("Write b.md")))
    await world.run(swarm)
    told = await get_swarm_usage(world.services, ADA, swarm.swarm_id)
    ended = await get_swarm(world.services, ADA, swarm.swarm_id)
    assert told.cursor is None
    assert told.total.calls == world.model.calls.total() == ended.usage.calls
    assert told.total.cost_usd == pytest.approx(ended.usage.cost_usd)
    assert {name: used.calls for name, used in told.by_action.items()} == {
        "reasoning.decompose_directive": 5,  # two plans, two reviews, and a check of the plan that has two parts
        "routers.route_action": 3,
        "writing.write_document": 2,
    }
    for part in (told.by_action, told.by_model, told.by_day):
        assert sum(used.calls for used in part.values()) == told.total.calls
    assert list(told.by_model) == [world.settings.model]
    assert list(told.by_day) == [world.clock().date()]

    nodes, cursor = await list_node_usage(world.services, ADA, swarm.swarm_id, 100, None)
    assert cursor is None
    assert sum(node.own.calls for node in nodes) == told.total.calls
    root = next(node for node in nodes if node.node_id == ROOT_ID)
    assert root.own.calls == 3
    assert root.with_below is not None
    assert root.with_below.calls == told.total.calls


async def test_long_answers_come_in_parts_that_add_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    swarm = await world.create(crash_script.both(*(f"Write {n}.md" for n in range(4))))
    await world.run(swarm)
    whole = await get_swarm_usage(world.services, ADA, swarm.swarm_id)
    monkeypatch.setattr(usage, "_PAGE", 2)
    monkeypatch.setattr(usage, "MAX_CALLS", 5)
    calls, cursor, answers = 0, None, 0
    while True:
        part = await get_swarm_usage(world.services, ADA, swarm.swarm_id, cursor)
        assert part.total.calls <= 5
        calls, cursor, answers = calls + part.total.calls, part.cursor, answers + 1
        if cursor is None:
            break
    assert calls == whole.total.calls
    assert answers > 1

    seen: list[str] = []
    cursor = None
    while True:
        nodes, cursor = await list_node_usage(world.services, ADA, swarm.swarm_id, 3, cursor)
        seen += [node.node_id for node in nodes]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 9


async def test_a_swarm_that_runs_shows_what_it_used_so_far(world: World) -> None:
    swarm = await world.create()
    told = await get_swarm_usage(world.services, ADA, swarm.swarm_id)
    assert (told.total, told.by_action) == (Usage(), {})
    nodes, _ = await list_node_usage(world.services, ADA, swarm.swarm_id, 10, None)
    assert [(node.node_id, node.own.calls, node.with_below) for node in nodes] == [(ROOT_ID, 0, None)]
    lines, _ = await list_swarm_usage(world.services, ADA, 10, None)
    assert [(line.status, line.usage) for line in lines] == [(SwarmStatus.RUNNING, None)]


async def test_a_users_usage_by_swarm_and_day_outlives_the_swarm(world: World) -> None:
    first = await world.create()
    await world.run(first)
    yesterday = world.clock().date()
    world.clock.ahead += timedelta(days=1)
    second = await world.create()
    await world.run(second)
    lines, cursor = await list_swarm_usage(world.services, ADA, 10, None)
    assert cursor is None
    assert [line.swarm_id for line in lines] == [second.swarm_id, first.swarm_id]
    assert all(line.usage is not None and line.usage.calls > 0 for line in lines)
    days = await list_day_usage(world.services, ADA)
    assert [one.day for one in days] == [world.clock().date(), yesterday]
    assert days[0].spending.tokens == days[1].spending.tokens > 0

    await delete_swarm(world.services, ADA, Signals(), first.swarm_id)
    assert await list_day_usage(world.services, ADA) == days
    lines, _ = await list_swarm_usage(world.services, ADA, 10, None)
    assert [line.swarm_id for line in lines] == [second.swarm_id]
    assert await list_day_usage(world.services, BOB) == []


async def test_nobody_sees_what_another_used(world: World) -> None:
    swarm = await world.create()
    await world.run(swarm)
    with pytest.raises(NotFound):
        await get_swarm_usage(world.services, BOB, swarm.swarm_id)
    with pytest.raises(NotFound):
        await list_node_usage(world.services, BOB, swarm.swarm_id, 10, None)
    assert [entry async for entry in UnfinishedSwarms(world.store).all()] == []
