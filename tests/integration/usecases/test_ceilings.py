"""Ceilings of keys, hooks and schedules hold whoever else makes some at the same moment, and whatever breaks off."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from shared.errors import Conflict, Full, InvalidInput
from shared.hooks import use_cases as hooks
from shared.schedules import use_cases as schedules
from shared.store.roster import PATIENCE, Roster
from shared.usecases import accounts
from shared.usecases.accounts import NewKey
from shared.usecases.create_swarm import NewSwarm
from tests.integration.swarm_world import ADA, World

SWARM = NewSwarm(directive="Do it")
MOST = 6

Make = Callable[[World, int], Coroutine[Any, Any, object]]


def a_key(world: World, number: int) -> Coroutine[Any, Any, object]:
    return accounts.create_key(world.services, ADA, NewKey(name="n"), f"{number:012x}0000")


def a_hook(world: World, number: int) -> Coroutine[Any, Any, object]:
    return hooks.create_hook(world.services, ADA, hooks.NewHook(name="n", swarm=SWARM), f"{number:016x}")


def a_schedule(world: World, number: int) -> Coroutine[Any, Any, object]:
    new = schedules.NewSchedule(name="n", cron="0 0 1 1 *", swarm=SWARM)
    return schedules.create_schedule(world.services, ADA, new, f"{number:016x}")


async def listed(world: World, make: Make) -> int:
    lists: dict[Make, Callable[..., Coroutine[Any, Any, tuple[list[Any], str | None]]]] = {
        a_key: accounts.list_keys,
        a_hook: hooks.list_hooks,
        a_schedule: schedules.list_schedules,
    }
    return len((await lists[make](world.services, ADA, 200, None))[0])


@pytest.fixture(params=[a_key, a_hook, a_schedule], ids=["keys", "hooks", "schedules"])
def make(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes one more of a kind, of which there may be six."""
    monkeypatch.setattr(accounts, "MAX_KEYS", MOST)
    monkeypatch.setattr(hooks, "MAX_HOOKS", MOST)
    monkeypatch.setattr(schedules, "MAX_SCHEDULES", MOST)
    made: Make = request.param
    return made


async def test_the_ceiling_holds_for_many_at_once(world: World, make: Make) -> None:
    outcomes = await asyncio.gather(*(make(world, number) for number in range(40)), return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, InvalidInput | Full)]
    assert len(refused) == 40 - MOST, [one for one in outcomes if isinstance(one, Exception) and one not in refused]
    assert await listed(world, make) == MOST


async def test_what_was_made_before_there_was_a_roster_counts(world: World, make: Make) -> None:
    for number in range(MOST):
        await make(world, number)
    for kind in ("keys", "hooks", "schedules"):
        await world.services.store.delete(ADA.account, hooks.Category.ROSTER, kind)
    with pytest.raises((InvalidInput, Conflict)):
        await make(world, 100)
    assert await listed(world, make) == MOST


async def test_a_place_that_was_reserved_for_nothing_comes_back(world: World, make: Make) -> None:
    kind = {a_key: "keys", a_hook: "hooks", a_schedule: "schedules"}[make]  # type: ignore[index]  # one of the three
    await make(world, 0)

    async def stored(_: object) -> set[str]:
        raise AssertionError("it is not full yet")

    for number in range(MOST - 1):  # each as a process leaves it that dies before it stores the thing
        await Roster(world.services.store, kind, stored).reserve(ADA.account, f"lost{number}", MOST, world.clock())
    with pytest.raises((InvalidInput, Full)):
        await make(world, 1)
    world.clock.ahead += PATIENCE + timedelta(seconds=1)
    for number in range(1, MOST):
        await make(world, number)
    with pytest.raises((InvalidInput, Full)):
        await make(world, MOST)
    assert await listed(world, make) == MOST


async def test_a_creation_that_is_refused_takes_no_place(world: World) -> None:
    bad = NewSwarm(directive="Do it", context=[{"name": "x.txt", "content": "!", "encoding": "base64"}])  # type: ignore[list-item]  # as JSON
    for number in range(MOST + 1):
        with pytest.raises(InvalidInput):
            await hooks.create_hook(world.services, ADA, hooks.NewHook(name="n", swarm=bad), f"{number:016x}")
    held = await world.services.store.get(ADA.account, hooks.Category.ROSTER, "hooks")
    assert held is not None
    assert held.value == '{"reserved":{}}'
