"""Swarms against their user's ceilings: set aside at creation, settled at the end, healed by the sweep."""

import asyncio

import pytest

from shared.errors import QuotaExceeded
from shared.services import Services
from shared.store.catalog import UnfinishedSwarms, Users
from shared.store.ledger import Ledgers, reservation
from shared.swarm.budget import Limits
from shared.tenancy.quotas import Quotas, Spending
from shared.tenancy.users import User
from shared.usecases.create_swarm import NewSwarm, create_swarm
from shared.usecases.quotas import get_standing
from shared.usecases.sweep import FORGET_AFTER, sweep
from tests.integration.swarm_world import ADA, BOB, Signals, World


async def limit(world: World, **quotas: float) -> None:
    """Give Ada ceilings of her own."""
    user = User(user_id="ada", name="Ada", created=world.clock(), quotas=Quotas.model_validate(quotas))
    await Users(world.store).create(user)


async def unfinished(world: World) -> set[str]:
    return {entry.swarm_id async for entry in UnfinishedSwarms(world.store).all()}


async def test_what_a_swarm_may_use_is_set_aside_and_gives_way_to_what_it_used(world: World) -> None:
    swarm = await world.create(limits={"nodes": 50, "tokens": 90_000, "cost_usd": 2})
    standing = await get_standing(world.services, ADA)
    assert (standing.running, standing.reserved.nodes) == (1, 50)
    assert standing.reserved.spending == Spending(tokens=90_000, cost_usd=2)

    await world.run(swarm)
    standing = await get_standing(world.services, ADA)
    calls = world.model.calls.total()
    assert standing.running == standing.reserved.nodes == 0
    assert standing.today.tokens == standing.this_month.tokens == calls * 110
    assert standing.today.cost_usd > 0
    assert await unfinished(world) == set()


async def test_finishing_a_swarm_again_does_not_count_it_twice(world: World) -> None:
    swarm = await world.create()
    await world.run(swarm)
    once = await world.services.ledgers.read("ada")
    await world.run(swarm)
    assert await world.services.ledgers.read("ada") == once


async def test_over_a_ceiling_nothing_at_all_is_written(world: World) -> None:
    await limit(world, swarms=1)
    swarm = await world.create()
    before = await unfinished(world)
    with pytest.raises(QuotaExceeded, match="swarms at once") as caught:
        await world.create()
    assert caught.value.retry_after == 60
    assert await unfinished(world) == before == {swarm.swarm_id}
    assert sorted(path.name for path in world.folder.iterdir() if path.name.startswith("ada")) == sorted(
        ["ada_account", f"ada_{swarm.swarm_id}"]
    )
    await world.create(tenant=BOB)  # it is Ada's ceiling
    await world.run(swarm)
    await world.create()


async def test_of_many_at_the_same_moment_no_more_are_let_in_than_there_is_room_for(world: World) -> None:
    await limit(world, swarms=3)
    tries = [create_swarm(world.services, ADA, Signals(), NewSwarm(directive="Do it")) for _ in range(12)]
    made = await asyncio.gather(*tries, return_exceptions=True)
    refused = [one for one in made if isinstance(one, BaseException)]
    assert len(made) - len(refused) == 3
    assert all(isinstance(one, QuotaExceeded) for one in refused)
    running = (await world.services.ledgers.read("ada")).running.keys()
    assert await unfinished(world) == running
    assert len(running) == 3


async def test_a_reservation_of_a_swarm_that_never_came_to_be_is_settled_by_the_sweep(world: World) -> None:
    space = ADA.space("half")
    await UnfinishedSwarms(world.store).add(space, world.clock())
    await world.services.ledgers.reserve(space, reservation(Limits()), Quotas(), world.clock())
    await sweep(world.services, Signals())
    assert (await world.services.ledgers.read("ada")).running.keys() == {"half"}
    world.clock.pass_(FORGET_AFTER + 1)
    await sweep(world.services, Signals())
    ledger = await world.services.ledgers.read("ada")
    assert (dict(ledger.running), await unfinished(world)) == ({}, set())
    assert ledger.spent_on(world.clock().date()) == Spending()


async def test_a_swarm_that_ended_and_was_not_finished_is_settled_once_it_is_driven_again(world: World) -> None:
    swarm = await world.create()
    engine = world.worker("dies")
    settle, died = Ledgers.settle, RuntimeError("the process died")

    async def die(*_: object) -> None:
        raise died

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledgers, "settle", die)
        with pytest.raises(RuntimeError):
            await world.run(swarm, engine)
    assert Ledgers.settle is settle
    world.clock.pass_(60)
    signals = Signals()
    await sweep(world.services, signals)
    assert signals.started == [swarm.swarm_id]
    await world.run(swarm)
    assert dict((await world.services.ledgers.read("ada")).running) == {}
    assert (await get_standing(world.services, ADA)).today.tokens == world.model.calls.total() * 110


async def test_on_ones_own_machine_only_a_swarms_own_limits_count(world: World) -> None:
    most = {"nodes": 20_000, "tokens": 1_000_000_000, "cost_usd": 10_000}
    for _ in range(3):
        await world.create(limits=most)  # Ada is the local user
    with pytest.raises(QuotaExceeded, match="tokens a day"):
        await world.create(limits=most, tenant=BOB)
    await limit(world, swarms=3)
    later = Services(world.store, world.blobs, world.settings, world.services.actions, clock=world.clock)
    with pytest.raises(QuotaExceeded, match="swarms at once"):  # unless the deployment says otherwise
        await create_swarm(later, ADA, Signals(), NewSwarm(directive="Do it"))
