"""A process that dies between any two writes of making, changing, using or deleting a hook."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hook_world import ADA, World

from shared.errors import NotFound, Unauthenticated
from shared.hooks import use_cases as hooks
from shared.hooks.signing import Verification
from shared.hooks.use_cases import CreatedHook, HookChange, NewHook
from shared.services import Services
from shared.store import Category
from shared.store.catalog import HookEntries
from shared.types import SpaceKey
from tests.integration.crash.fault_store import Died, MortalStore

#: More writes than any of these makes.
MOST = 25
NEW = NewHook.model_validate(
    {"name": "builds", "swarm": {"directive": "Look", "context": [{"name": "a.txt", "content": "x" * 100_000}]}}
)


async def dying(world: World, work: Callable[[Services], Awaitable[object]], deadly: int) -> bool:
    """Do it and die after a write; False if there are fewer writes."""
    with suppress(Died):
        await work(world.over(MortalStore(world.bare, deadly, after=True)))
        return False
    return True


async def each_death(tmp_path: Path, work: Callable[[World, int], Awaitable[bool]]) -> int:
    """A world for each write that can be the last; how many there are."""
    for deadly in range(1, MOST):
        world = World(tmp_path / str(deadly))
        try:
            if not await work(world, deadly):
                return deadly - 1
        finally:
            await world.bare.close()
    raise AssertionError("there are more writes than were tried")


async def test_making_one_again_makes_one(tmp_path: Path) -> None:
    async def one(world: World, deadly: int) -> bool:
        died = await dying(world, lambda services: hooks.create_hook(services, ADA, NEW, "request"), deadly)
        made = (await hooks.create_hook(world.services, ADA, NEW, "request")).doc
        assert await world.deliver(made)
        listed, _ = await hooks.list_hooks(world.services, ADA, 10, None)
        assert [hook.hook_id for hook in listed] == [made.hook_id]
        assert len((await world.bare.scan(SpaceKey("system", "hooks"), Category.HOOK)).items) == 1
        assert len(world.templates()) == 1
        return died

    assert await each_death(tmp_path, one) == 3


async def test_one_that_is_listed_works_and_one_that_works_is_listed(tmp_path: Path) -> None:
    async def one(world: World, deadly: int) -> bool:
        died = await dying(world, lambda services: hooks.create_hook(services, ADA, NEW, "request"), deadly)
        for hook in (await hooks.list_hooks(world.services, ADA, 10, None))[0]:
            assert await HookEntries(world.services.store).owner(hook.hook_id) == "ada"
        return died

    assert await each_death(tmp_path, one) == 3


async def test_deleting_one_again_leaves_nothing(tmp_path: Path) -> None:
    async def one(world: World, deadly: int) -> bool:
        hook = (await hooks.create_hook(world.services, ADA, NEW, "request")).doc
        with pytest.raises(Unauthenticated):
            await world.deliver(hook, headers={"webhook-signature": ""})
        died = await dying(world, lambda services: hooks.delete_hook(services, ADA, hook.hook_id), deadly)
        assert bool((await hooks.list_hooks(world.services, ADA, 10, None))[0]) == (died and deadly < 3)
        with pytest.raises(Unauthenticated):
            await world.deliver(hook)
        with suppress(NotFound):
            await hooks.delete_hook(world.services, ADA, hook.hook_id)
        assert (await hooks.list_hooks(world.services, ADA, 10, None))[0] == []
        assert world.templates() == []
        assert not (await world.bare.scan(ADA.account, Category.HOOK_USE)).items
        assert await HookEntries(world.services.store).owner(hook.hook_id) is None
        assert await world.swarms() == []
        return died

    assert await each_death(tmp_path, one) == 4


async def test_a_secret_in_use_outlives_a_rotation_that_broke_off(tmp_path: Path) -> None:
    async def one(world: World, deadly: int) -> bool:
        hook = await world.hook(Verification.GITHUB)
        died = await dying(world, lambda services: hooks.rotate_hook(services, ADA, hook.hook_id, "r2"), deadly)
        new = (await hooks.rotate_hook(world.services, ADA, hook.hook_id, "r2")).doc
        assert await world.deliver(hook, "old")
        assert await world.deliver(new, "new")
        return died

    assert await each_death(tmp_path, one) == 1


async def test_a_change_that_broke_off_leaves_one_that_starts(tmp_path: Path) -> None:
    change = HookChange.model_validate({"swarm": NEW.swarm.model_dump() | {"directive": "Else"}})

    async def one(world: World, deadly: int) -> bool:
        hook = (await hooks.create_hook(world.services, ADA, NEW, "request")).doc
        died = await dying(world, lambda services: hooks.change_hook(services, ADA, hook.hook_id, change, None), deadly)
        assert await world.deliver(hook)
        return died

    assert await each_death(tmp_path, one) == 1


async def test_a_delivery_that_broke_off_is_gone_on_with(tmp_path: Path) -> None:
    async def delivered(world: World, hook: CreatedHook, deadly: int) -> bool:
        return await dying(world, lambda services: world.deliver(hook, services=services), deadly)

    async def one(world: World, deadly: int) -> bool:
        hook = (await hooks.create_hook(world.services, ADA, NEW, "request")).doc
        died = await delivered(world, hook, deadly)
        again = await world.deliver(hook)
        assert [swarm.swarm_id for swarm in await world.swarms()] == [again]
        ledger = await world.services.ledgers.read("ada")
        assert list(ledger.running) == [again]
        return died

    assert await each_death(tmp_path, one) > 5
