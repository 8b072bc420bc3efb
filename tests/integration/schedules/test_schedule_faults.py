"""A process dies before or after every write that schedules make; the next ticks mend what it left."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from schedule_world import ADA, ID, MINUTE, World, large

from shared.errors import Conflict, NotFound
from shared.schedules import use_cases as schedules
from shared.schedules.start_due import start_due
from shared.schedules.use_cases import ScheduleChange
from shared.services import Services
from shared.store import Category
from shared.store.nodes import Nodes
from tests.integration.crash.fault_store import Died, MortalStore

Work = Callable[[World, Services], Awaitable[object]]
each_moment = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


async def dying(world: World, deadly: int, after: bool, work: Work) -> bool:
    """Do some work in a process that dies at a write; False if it never came that far."""
    store = MortalStore(world.store, deadly, after=after)
    with suppress(Died):
        await work(world, world.app_on(store))
    return store.dead


async def tick(world: World, services: Services) -> None:
    await start_due(services, world.signals)


async def change(world: World, services: Services, **fields: object) -> None:
    await schedules.change_schedule(services, ADA, ID, ScheduleChange.model_validate(fields), None)


async def every_death(world: World, work: Work, after: bool, check: Callable[[int], Awaitable[None]]) -> int:
    """Repeat some work on a fresh schedule for each write of it; returns how many there are."""
    deadly = 1
    while True:
        await world.create(overlap="allow", swarm=large())
        world.now += MINUTE
        died = await dying(world, deadly, after, work)
        await check(deadly)
        with suppress(NotFound):
            await schedules.delete_schedule(world.services, ADA, ID)
        for swarm in await world.swarms():
            await world.services.swarms.delete(ADA.account, swarm.swarm_id)
        world.signals.started.clear()
        if not died:
            return deadly - 1
        deadly += 1


@each_moment
async def test_a_tick_that_dies_is_gone_on_with(world: World, after: bool) -> None:
    async def check(deadly: int) -> None:
        await world.tick(MINUTE)
        (swarm,) = await world.swarms()
        shown = await world.show()
        assert shown.last is not None
        assert (shown.last.swarm_id, shown.started, shown.not_started) == (swarm.swarm_id, 1, 0), deadly
        assert set(world.signals.started) == {swarm.swarm_id}
        assert await Nodes(world.store, ADA.space(swarm.swarm_id)).find("0") is not None
        await world.consistent()
        await world.tick(MINUTE)
        assert len(await world.swarms()) == 2

    assert await every_death(world, tick, after, _unless_all_was_done(world, check)) >= 8


def _unless_all_was_done(world: World, check: Callable[[int], Awaitable[None]]) -> Callable[[int], Awaitable[None]]:
    """A tick whose every write was made has nothing to be mended, and the next starts the next swarm."""

    async def unless(deadly: int) -> None:
        if (await world.show()).started == 0:
            await check(deadly)
        else:
            await world.tick()
            await world.consistent()
            await world.tick(MINUTE)
            assert len(await world.swarms()) == 2

    return unless


@each_moment
async def test_a_change_that_dies_leaves_the_old_times_or_the_new(world: World, after: bool) -> None:
    async def sooner(_: World, services: Services) -> None:
        await change(world, services, cron="*/2 * * * *", swarm=large("new"))

    async def check(deadly: int) -> None:
        await world.tick(2 * MINUTE)
        await world.tick(2 * MINUTE)
        await world.consistent()
        assert 1 <= len(await world.swarms()) <= 2, deadly

    assert await every_death(world, sooner, after, check) >= 3


@each_moment
async def test_a_change_to_an_earlier_time_that_dies_is_not_late(world: World, after: bool) -> None:
    deadly = 0
    while True:
        deadly += 1
        await world.create(cron="0 0 1 1 *", overlap="allow")
        died = await dying(world, deadly, after, lambda _, services: change(world, services, cron="* * * * *"))
        changed = (await world.show()).cron == "* * * * *"
        for _ in range(3):
            await world.tick(MINUTE)
        assert len(await world.swarms()) >= (2 if changed else 0)
        assert changed or not await world.swarms()
        await world.consistent()
        await schedules.delete_schedule(world.services, ADA, ID)
        for swarm in await world.swarms():
            await world.services.swarms.delete(ADA.account, swarm.swarm_id)
        if not died:
            assert deadly > 3
            return


async def test_a_tick_in_the_middle_of_a_change_that_dies_does_not_make_it_late(world: World) -> None:
    await world.create(cron="0 0 1 1 *")
    dying_store = MortalStore(world.store, 2, after=True)  # the schedule is changed, its entry is not reconciled

    async def tick_between(category: Category) -> None:
        if category is Category.DUE:
            assert await world.tick() == 1

    dying_store.on_put = tick_between
    with pytest.raises(Died):
        await change(world, world.app_on(dying_store), cron="* * * * *")
    for _ in range(2):
        await world.tick(MINUTE)
    assert await world.swarms()
    await world.consistent()


@each_moment
async def test_a_pause_that_dies_starts_nothing_more_once_it_is_seen(world: World, after: bool) -> None:
    async def check(deadly: int) -> None:
        paused = not (await world.show()).enabled
        for _ in range(2):
            await world.tick(MINUTE)
        assert bool(await world.swarms()) != paused, deadly
        await world.consistent()
        assert bool(await world.entries()) != paused

    assert await every_death(world, lambda _, services: change(world, services, enabled=False), after, check) == 3


@each_moment
async def test_a_deletion_that_dies_is_finished(world: World, after: bool) -> None:
    async def check(deadly: int) -> None:
        gone = (await schedules.list_schedules(world.services, ADA, 10, None))[0] == []
        for _ in range(2):
            await world.tick(MINUTE)
        assert bool(await world.swarms()) != gone, deadly
        await world.consistent()
        if gone:
            assert (await world.entries(), world.blobs()) == ([], [])
            assert (await world.store.scan(ADA.account, Category.SCHEDULE)).items == ()

    assert await every_death(world, lambda _, services: schedules.delete_schedule(services, ADA, ID), after, check) == 5


@each_moment
async def test_a_creation_that_dies_leaves_a_schedule_or_nothing(world: World, after: bool) -> None:
    deadly = 0
    while True:
        deadly += 1
        died = await dying(world, deadly, after, lambda _, services: world.create(services=services, swarm=large()))
        made = bool((await schedules.list_schedules(world.services, ADA, 10, None))[0])
        for _ in range(2):
            await world.tick(MINUTE)
        assert bool(await world.swarms()) == made
        await world.consistent()
        await world.create(swarm=large())  # sent again
        await world.consistent()
        await schedules.delete_schedule(world.services, ADA, ID)
        assert world.blobs() == []
        for swarm in await world.swarms():
            await world.services.swarms.delete(ADA.account, swarm.swarm_id)
        if not died:
            assert deadly == 5
            return


async def test_what_keeps_failing_is_given_up_and_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> None:
        raise RuntimeError("a defect")

    await world.create()
    monkeypatch.setattr("shared.schedules.start_due.create_swarm", fails)
    for _ in range(17):
        await world.tick(MINUTE)
    shown = await world.show()
    assert shown.last is not None
    assert "failed 15 times" in str(shown.last.reason)
    monkeypatch.undo()
    await world.tick(timedelta(minutes=2))
    assert (await world.show()).started == 1
    await world.consistent()


async def test_what_passes_is_tried_again_for_the_same_due_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await world.create()

    async def busy(*_: object) -> None:
        raise Conflict("busy")

    with monkeypatch.context() as patch:
        patch.setattr("shared.schedules.start_due.create_swarm", busy)
        await world.tick(MINUTE)
        await world.tick(MINUTE)
    assert (await world.show()).last is None
    await world.tick(MINUTE)
    last = (await world.show()).last
    assert last is not None
    assert last.due == made.next_due
    await world.consistent()
