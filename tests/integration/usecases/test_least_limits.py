"""Limits with which nothing could be done are refused, and the least that is taken is enough for one part."""

import pytest

from shared.errors import InvalidInput
from shared.swarm.budget import Limits, least
from shared.swarm.swarm import SwarmStatus
from shared.usecases.create_swarm import NewSwarm, create_swarm
from shared.usecases.swarms import get_swarm, list_swarms
from tests.crash import crash_script
from tests.integration.swarm_world import ADA, Signals, World

ONE = crash_script.both("Write a.md")


def context(documents: int) -> list[dict[str, str]]:
    return [{"name": f"{n}.md", "content": "A fact."} for n in range(documents)]


@pytest.mark.parametrize("documents", [0, 2])
async def test_the_least_is_enough_for_one_part_and_its_review(world: World, documents: int) -> None:
    world.settings = world.settings.model_copy(update={"output_tokens": 400})
    swarm = await world.create(ONE, context=context(documents), limits=least(documents))
    await world.run(swarm, world.worker("two"))
    ended = await get_swarm(world.services, ADA, swarm.swarm_id)
    assert (ended.status, ended.nodes) == (SwarmStatus.COMPLETED, 2 + documents)


@pytest.mark.parametrize("documents", [0, 1, 2])
@pytest.mark.parametrize("name", ["nodes", "calls", "tokens"])
async def test_less_is_refused_by_name(world: World, name: str, documents: int) -> None:
    enough = least(documents)[name]
    given = {"directive": ONE, "context": context(documents), "limits": {name: enough - 1}}
    with pytest.raises(InvalidInput) as told:
        await create_swarm(world.services, ADA, Signals(), NewSwarm.model_validate(given))
    assert str(told.value).startswith(f"limits.{name}: {enough - 1} is too few, give at least {enough}: ")
    assert ("of context" in str(told.value)) == (documents > 0)
    assert await list_swarms(world.services, ADA, 10, None) == ([], None)


async def test_a_fan_out_over_what_the_deployment_allows_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput, match=r"limits\.fan_out: 13 is more than the 12 that are allowed here"):
        await world.create(ONE, limits={"fan_out": 13})
    swarm = await world.create(ONE, limits={"fan_out": 12})
    assert swarm.limits.fan_out == 12
    assert world.settings.fan_out >= Limits().fan_out


async def test_every_limit_that_is_too_small_is_named(world: World) -> None:
    with pytest.raises(InvalidInput, match=r"limits\.nodes: 1 .* at least 2; limits\.calls: 5 .* at least 6: "):
        await world.create(ONE, limits={"nodes": 1, "calls": 5})


async def test_a_plan_that_cannot_be_afforded_says_what_it_would_have_taken(world: World) -> None:
    many = crash_script.both(*(f"Write {n}.md" for n in range(3)))
    swarm = await world.create(many, limits={"calls": 8})
    await world.run(swarm)
    report = (await get_swarm(world.services, ADA, swarm.swarm_id)).report
    assert report == (
        "Stopped: model calls ran out. There were 6 model calls left, and to share them out among 3 children and "
        "review takes 9. Nothing of this directive was done yet."
    )
