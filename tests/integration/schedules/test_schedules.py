"""Schedules on a real store: made, changed, started, skipped, refused and deleted."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from schedule_world import ADA, BOB, ID, MINUTE, World, large, new

from shared.errors import Conflict, InvalidInput, NotFound, Stale, Unavailable
from shared.schedules import use_cases as schedules
from shared.schedules.model import swarm_of_due_time
from shared.schedules.start_due import MAX_A_TICK, start_due
from shared.schedules.use_cases import MAX_SCHEDULES, ScheduleChange
from shared.store import Category, Page
from shared.store.catalog import Users
from shared.swarm.origin import Origin
from shared.tenancy.quotas import Quotas
from shared.tenancy.users import User
from shared.usecases import templates
from shared.usecases.context_documents import ContextInput
from shared.usecases.create_swarm import NewSwarm
from tests.integration.crash.fault_store import MortalStore


class ShortPages(MortalStore):
    """A store with little room in a page, as a real one has for large documents."""

    async def scan(self, *where: Any, limit: int = 100, **more: Any) -> Page:
        return await super().scan(*where, limit=min(limit, 2), **more)


def change(**fields: object) -> ScheduleChange:
    return ScheduleChange.model_validate(fields)


async def test_a_due_schedule_starts_its_swarm_once(world: World) -> None:
    made = await world.create(swarm=large())
    assert await world.tick() == 0
    due = made.next_due
    assert due is not None
    assert await world.tick(MINUTE) == 1
    assert await world.tick() == 0
    (swarm,) = await world.swarms()
    assert swarm.swarm_id == swarm_of_due_time("ada", ID, due)
    assert swarm.origin == Origin(kind="schedule", id=ID, due=due)
    assert world.signals.started == [swarm.swarm_id]
    whole = (await world.services.swarms.get(ADA.space(swarm.swarm_id), "swarm")).doc
    assert [(doc.name, doc.size) for doc in whole.context] == [("fact.md", 100_000)]
    shown = await world.show()
    assert shown.last is not None
    assert (shown.last.due, shown.last.swarm_id, shown.last.reason) == (due, swarm.swarm_id, None)
    assert (shown.next_due, shown.started) == (due + MINUTE, 1)
    await world.consistent()


async def test_while_the_last_swarm_runs_a_due_time_is_skipped_or_not(world: World) -> None:
    await world.create()
    await world.tick(MINUTE)
    await world.tick(MINUTE)
    (swarm,) = await world.swarms()
    shown = await world.show()
    assert shown.last is not None
    assert (shown.last.reason, shown.not_started) == (f"skipped: swarm {swarm.swarm_id} has not ended", 1)
    await world.end(swarm.swarm_id)
    await world.tick(MINUTE)
    assert len(await world.swarms()) == 2
    await schedules.change_schedule(world.services, ADA, ID, change(overlap="allow"), None)
    await world.tick(MINUTE)
    assert len(await world.swarms()) == 3
    await world.consistent()


async def test_after_an_outage_one_swarm_is_started_for_the_latest_due_time(world: World) -> None:
    made = await world.create(overlap="allow")
    await world.tick(timedelta(hours=7))
    (swarm,) = await world.swarms()
    assert made.next_due is not None
    assert swarm.origin == Origin(kind="schedule", id=ID, due=made.next_due + timedelta(hours=7) - MINUTE)
    await world.consistent()


async def test_a_refusal_is_noted_and_the_schedule_goes_on(world: World) -> None:
    quotas = Quotas(nodes=100)
    user = User(user_id="bob", name="Bob", created=world.now, quotas=quotas)
    etag = await Users(world.store).create(user)
    await world.create(BOB)
    await world.tick(MINUTE)
    shown = await world.show(BOB)
    assert shown.last is not None
    assert "nodes at once" in str(shown.last.reason)
    assert (shown.last.swarm_id, shown.not_started) == (None, 1)
    etag = await Users(world.store).replace(user.model_copy(update={"quotas": Quotas(), "disabled": True}), etag)
    await world.tick(MINUTE)
    last = (await world.show(BOB)).last
    assert last is not None
    assert "disabled" in str(last.reason)
    await Users(world.store).replace(user.model_copy(update={"quotas": Quotas()}), etag)
    fresh = world.app_on(world.store)  # which has not remembered the ceilings
    await world.tick(MINUTE, fresh)
    assert (await world.show(BOB)).started == 1
    await world.consistent(BOB)


async def test_schedules_are_their_users_own(world: World) -> None:
    await world.create()
    for find in (
        schedules.get_schedule(world.services, BOB, ID),
        schedules.change_schedule(world.services, BOB, ID, change(name="Mine"), None),
        schedules.delete_schedule(world.services, BOB, ID),
        schedules.run_schedule(world.services, BOB, world.signals, ID, "f" * 16),
        schedules.get_schedule(world.services, ADA, "../etc"),
    ):
        with pytest.raises(NotFound, match="no such schedule"):
            await find
    assert await schedules.list_schedules(world.services, BOB, 10, None) == ([], None)
    await Users(world.store).create(User(user_id="bob", name="Bob", created=world.now))
    await world.create(BOB)  # the same id is another schedule
    await world.tick(MINUTE)
    assert len(await world.swarms()) == len(await world.swarms(BOB)) == 1


async def test_changes_go_by_the_version_that_its_user_saw(world: World) -> None:
    await world.create()
    seen = await schedules.get_schedule(world.services, ADA, ID)
    await world.tick(MINUTE)  # what starts swarms does not count as a change
    after = await schedules.change_schedule(world.services, ADA, ID, change(name="Weekly", cron="0 9 * * 1"), seen.etag)
    assert (after.doc.name, after.doc.cron, after.doc.started) == ("Weekly", "0 9 * * 1", 1)
    assert str(after.doc.next_due) == "2026-11-23 09:00:00+00:00"
    await world.consistent()
    with pytest.raises(Stale):
        await schedules.change_schedule(world.services, ADA, ID, change(name="Daily"), seen.etag)
    berlin = await schedules.change_schedule(world.services, ADA, ID, change(timezone="Europe/Berlin"), after.etag)
    assert str(berlin.doc.next_due) == "2026-11-23 08:00:00+00:00"
    await world.consistent()


async def test_many_changes_at_once_lose_none(world: World) -> None:
    await world.create()
    etag = (await schedules.get_schedule(world.services, ADA, ID)).etag
    tries = [schedules.change_schedule(world.services, ADA, ID, change(cron=f"{n} 1 * * *"), etag) for n in range(6)]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in ended) == ["Held"] + ["Stale"] * 5
    assert await world.entries()
    await world.tick(timedelta(seconds=61))
    await world.consistent()


async def test_a_paused_schedule_rests_until_it_is_resumed(world: World) -> None:
    await world.create()
    paused = await schedules.change_schedule(world.services, ADA, ID, change(enabled=False), None)
    assert (paused.doc.enabled, paused.doc.next_due) == (False, None)
    assert await world.entries() == []
    assert await world.tick(timedelta(hours=1)) == 0
    resumed = await schedules.change_schedule(world.services, ADA, ID, change(enabled=True), None)
    assert resumed.doc.next_due == world.now.replace(second=0) + MINUTE
    await world.consistent()


async def test_enabling_what_is_enabled_passes_over_nothing(world: World) -> None:
    due = (await world.create(cron="0 12 * * *")).next_due
    assert due is not None
    world.now = due + timedelta(seconds=10)  # due, and not looked at yet
    await schedules.change_schedule(world.services, ADA, ID, change(enabled=True, name="Again"), None)
    await world.tick(MINUTE)
    shown = await world.show()
    assert shown.last is not None
    assert (shown.name, shown.last.due, shown.started) == ("Again", due, 1)
    await world.consistent()


async def test_deleting_leaves_the_swarms_and_nothing_else(world: World) -> None:
    await world.create(swarm=large())
    await world.tick(MINUTE)
    await schedules.delete_schedule(world.services, ADA, ID)
    assert (await world.entries(), world.blobs()) == ([], [])
    assert (await world.store.scan(ADA.account, Category.SCHEDULE)).items == ()
    assert len(await world.swarms()) == 1
    with pytest.raises(NotFound):
        await schedules.delete_schedule(world.services, ADA, ID)


async def test_a_run_out_of_turn_is_made_once_under_its_id(world: World) -> None:
    await world.create(enabled=False)
    for _ in range(2):
        swarm = await schedules.run_schedule(world.services, ADA, world.signals, ID, "f" * 16)
        assert swarm.origin == Origin(kind="schedule", id=ID)
    shown = await world.show()
    assert shown.last is not None
    assert (shown.last.swarm_id, shown.last.due, shown.started, shown.next_due) == ("f" * 16, None, 1, None)


async def test_what_could_never_start_is_refused_at_once(world: World) -> None:
    context = [{"name": "a.md", "content": "text"}]
    for swarm in (
        {"directive": "x", "context": context, "limits": {"nodes": 1}},
        {"directive": "x", "context": [{"name": "a.md", "content": " "}]},
    ):
        with pytest.raises(InvalidInput):
            await world.create(swarm=swarm)
        assert (await world.entries(), world.blobs()) == ([], [])
    await world.create()
    with pytest.raises(InvalidInput):
        await schedules.change_schedule(world.services, ADA, ID, change(swarm=swarm), None)
    await world.consistent()


async def test_there_are_as_many_schedules_as_may_be(world: World) -> None:
    for n in range(MAX_SCHEDULES):
        await world.create(schedule_id=f"{n:016x}", cron="0 0 1 1 *")
    with pytest.raises(Conflict, match=f"{MAX_SCHEDULES} schedules"):
        await world.create(schedule_id="f" * 16)
    await schedules.delete_schedule(world.services, ADA, f"{7:016x}")
    await world.create(schedule_id="f" * 16)
    assert len(await world.entries()) == MAX_SCHEDULES


async def test_the_most_holds_where_pages_are_short(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "MAX_SCHEDULES", 5)
    app = world.app_on(ShortPages(world.store))
    for n in range(5):
        await world.create(schedule_id=f"{n:016x}", services=app)
    with pytest.raises(Conflict, match="5 schedules"):
        await world.create(schedule_id="f" * 16, services=app)


async def test_for_who_is_no_user_nothing_is_started(world: World) -> None:
    await world.create(BOB)
    await world.tick(MINUTE)
    shown = await world.show(BOB)
    assert (await world.swarms(BOB), shown.started, shown.not_started) == ([], 0, 1)
    await world.consistent(BOB)


async def test_a_rare_day_comes_again(world: World) -> None:
    world.now = datetime(2028, 2, 28, 23, 59, 30, tzinfo=UTC)
    await world.create(cron="0 0 29 2 tue#5")
    await world.tick(MINUTE)
    shown = await world.show()
    assert (shown.started, str(shown.next_due)) == (1, "2056-02-29 00:00:00+00:00")
    await world.consistent()


async def test_another_context_takes_the_place_of_the_first(world: World) -> None:
    await world.create(swarm=large("old"))
    assert len(world.blobs()) == 1
    await schedules.change_schedule(world.services, ADA, ID, change(swarm=large("new")), None)
    assert len(world.blobs()) == 1
    await world.tick(MINUTE)
    (swarm,) = await world.swarms()
    assert swarm.directive == "Use new."
    with pytest.raises(Stale):
        await schedules.change_schedule(world.services, ADA, ID, change(swarm=large("lost")), "1")
    assert len(world.blobs()) == 1


async def test_templates_that_hold_the_same_do_not_share(world: World) -> None:
    want = NewSwarm.model_validate(large())
    one, two = [await templates.keep(world.services, ADA.account, want) for _ in range(2)]
    await templates.drop(world.services, ADA.account, one)
    assert await templates.load(world.services, ADA.account, two) == want
    with pytest.raises(Unavailable):
        await templates.load(world.services, ADA.account, one)
    small = await templates.keep(world.services, ADA.account, NewSwarm(directive="x"))
    assert (small.blob, small.place) == (None, "")
    documents = [ContextInput(name=f"{n}.md", content="text") for n in range(16)]
    with pytest.raises(InvalidInput):
        await templates.keep(world.services, ADA.account, want, documents)


async def test_one_that_cannot_be_read_stops_no_other(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.create(schedule_id="0" * 16)
    await world.create(schedule_id="1" * 16)
    await world.store.put(ADA.account, Category.SCHEDULE, "0" * 16, '{"broken": true}')
    await world.tick(MINUTE)
    assert len(await world.swarms()) == 1
    assert "could not be looked at" in caplog.text
    assert [entry.due - world.now for entry in await world.entries()][-1] == timedelta(hours=1)


async def test_a_tick_is_bounded_and_the_longest_due_come_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.schedules.start_due.MAX_A_TICK", 3)
    for n in range(5):
        world.now += timedelta(seconds=1)
        await world.create(schedule_id=f"{n:016x}", cron=f"{1 + n} * * * *")
    assert await world.tick(timedelta(minutes=10)) == 3
    assert {swarm.origin.id for swarm in await world.swarms() if swarm.origin} == {f"{n:016x}" for n in range(3)}
    assert await world.tick() == 2
    assert MAX_A_TICK == 500


async def test_hosts_that_tick_at_once_start_one_swarm(world: World) -> None:
    for n in range(8):
        await world.create(schedule_id=f"{n:016x}", overlap="allow")
    world.now += MINUTE
    await asyncio.gather(*(start_due(world.app_on(world.store), world.signals) for _ in range(4)))
    assert len(await world.swarms()) == 8
    assert len(set(world.signals.started)) == len(world.signals.started) == 8
    for n in range(8):
        assert (await world.show(schedule_id=f"{n:016x}")).started == 1
        await world.consistent(schedule_id=f"{n:016x}")


async def test_a_list_shows_no_context(world: World) -> None:
    await world.create(swarm={**large(), "directive": "x" * 5_000})
    (item,), cursor = await schedules.list_schedules(world.services, ADA, 10, None)
    assert (len(item.directive), item.context, cursor) == (200, (), None)
    whole = await world.show()
    assert (len(whole.directive), whole.context[0].name, whole.context[0].size) == (5_000, "fact.md", 100_000)


async def test_a_creation_that_is_repeated_is_the_same_schedule(world: World) -> None:
    made = [await world.create(swarm=large()) for _ in range(2)]
    assert made[0] == made[1]
    both = await asyncio.gather(*(world.create(schedule_id="a" * 16, swarm=large()) for _ in range(2)))
    assert both[0].schedule_id == both[1].schedule_id
    assert len(world.blobs()) == 2
    assert new().timezone == "UTC"
