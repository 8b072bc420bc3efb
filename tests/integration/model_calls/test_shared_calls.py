"""The share of calls in flight over several instances on one store, each with a keeper of its own."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from shared.errors import Conflict, ModelUnavailable, Unavailable
from shared.model_calls import user_slots as sharing
from shared.model_calls.limiter import CallLimiter
from shared.model_calls.slot_leases import SlotLeases
from shared.model_calls.user_slots import Pace, UserSlots
from shared.store import Category
from shared.store.catalog import Users
from shared.store.ledger import UserQuotas
from shared.tenancy.quotas import Quotas
from shared.tenancy.users import User
from shared.types import SpaceKey
from tests.integration.swarm_world import World


class Instances:
    """Several instances with a ceiling of eight, and how many calls of whom are in flight on which."""

    def __init__(self, world: World, number: int, pace: Pace | None = None) -> None:
        self.world = world
        self.pace = pace
        self.names = [f"i{n}" for n in range(number)]
        self.calls = {name: self._instance(name) for name in self.names}
        self.now: Counter[tuple[str, str]] = Counter()
        self.most: Counter[str] = Counter()
        self.done: Counter[tuple[str, str]] = Counter()

    def _instance(self, name: str) -> UserSlots:
        store = self.world.bare
        quotas = UserQuotas(store, Quotas(calls_at_once=8))
        return UserSlots(SlotLeases(store, name), CallLimiter(100, 100), quotas, self.world.clock, self.pace)

    def in_flight(self, user: str) -> int:
        return sum(number for (_, one), number in self.now.items() if one == user)

    @asynccontextmanager
    async def call(self, name: str, user: str, timeout: float = 5.0) -> AsyncIterator[None]:
        async with self.calls[name].slot(user, timeout):
            self.now[name, user] += 1
            self.most[user] = max(self.most[user], self.in_flight(user))
            try:
                yield
            finally:
                self.now[name, user] -= 1
                self.done[name, user] += 1

    async def hold(self, name: str, user: str, seconds: float) -> None:
        async with self.call(name, user):
            await asyncio.sleep(seconds)

    async def busy(self, name: str, user: str, seconds: float, each: float = 0.01) -> None:
        """One caller that makes calls one after another, and comes back when it is told to."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                async with self.call(name, user, 0.5):
                    await asyncio.sleep(each)
            except ModelUnavailable:
                await asyncio.sleep(0.01)


@pytest.fixture
def shares_written(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every operation on the documents of shares."""
    seen: list[str] = []
    for name in ("get", "put"):
        work = getattr(world.bare, name)

        def counted(*args: object, _name: str = name, _work: object = work, **kwargs: object) -> object:
            if Category.SHARE in args:
                seen.append(_name)
            assert callable(_work)
            return _work(*args, **kwargs)

        monkeypatch.setattr(world.bare, name, counted)
    return seen


async def test_over_two_instances_a_user_never_has_more_calls_in_flight_than_their_ceiling(world: World) -> None:
    two = Instances(world, 2, Pace(renew=0.5))
    callers = [two.busy(name, "ada", 3.0) for name in two.names for _ in range(20)]
    await asyncio.gather(*callers)
    assert two.most["ada"] == 8  # all of it was used, and no more
    first, second = (two.done[name, "ada"] for name in two.names)
    assert min(first, second) > 0.15 * max(first, second)  # nobody was starved by the other


async def test_what_an_instance_gives_back_it_does_not_use_while_that_is_being_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = Instances(world, 2, Pace(renew=0.1))
    # The first holds all slots, and gives half of them back while it needs but one.
    await asyncio.gather(*(two.busy("i0", "ada", 0.3) for _ in range(8)))
    write, halted, go_on = world.bare.put, asyncio.Event(), asyncio.Event()

    async def slow(*args: Any, **kwargs: Any) -> str:
        etag = await write(*args, **kwargs)
        leases = json.loads(args[3])["leases"] if args[1] is Category.SHARE else {}
        if leases.get("i0", {}).get("slots") == 4 and not go_on.is_set():
            halted.set()
            await go_on.wait()  # it is written, and the first has not heard of it
        return etag

    monkeypatch.setattr(world.bare, "put", slow)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(two.hold("i0", "ada", 1.0))
        await halted.wait()
        for name in two.names:
            for _ in range(8):
                tasks.create_task(two.busy(name, "ada", 0.5))
        await asyncio.sleep(0.4)
        go_on.set()
    assert two.most["ada"] == 8


async def test_another_users_calls_are_not_in_the_way(world: World) -> None:
    two = Instances(world, 2)
    crowd = asyncio.gather(*(two.busy(name, "ada", 2.0) for name in two.names for _ in range(50)))
    await asyncio.sleep(0.5)
    started = time.monotonic()
    for _ in range(20):
        async with two.call("i1", "bob"):
            await asyncio.sleep(0.005)
    assert time.monotonic() - started < 1.0
    await crowd
    assert two.most["ada"] <= 8


async def test_steady_calls_cost_no_operation_of_the_store(world: World, shares_written: list[str]) -> None:
    one = Instances(world, 1)
    callers = [one.busy("i0", "ada", 2.0, each=0.001) for _ in range(8)]
    await asyncio.gather(*callers)
    calls = sum(one.done.values())
    assert calls > 1_000
    # It grew to the ceiling in a few steps, and then there was nothing to write.
    assert len(shares_written) <= 8, shares_written


async def test_what_is_not_needed_goes_back_with_a_delay(world: World) -> None:
    shares = SlotLeases(world.bare, "looks on")
    one = Instances(world, 1, Pace(renew=0.1))
    await asyncio.gather(*(one.busy("i0", "ada", 0.3) for _ in range(8)))
    assert (await shares.read("ada")).leases["i0"].slots == 8
    async with one.call("i0", "ada"):
        await asyncio.sleep(0.6)
        assert (await shares.read("ada")).leases["i0"].slots == sharing.BLOCK
    await asyncio.sleep(0.4)
    assert (await shares.read("ada")).leases == {}
    async with one.call("i0", "ada"):  # and it begins anew
        assert (await shares.read("ada")).leases["i0"].slots >= 1


async def test_the_lease_of_a_dead_instance_is_taken_over_when_it_has_run_out(world: World) -> None:
    dead = SlotLeases(world.bare, "dead")
    lease = {"wanted": 8, "ceiling": 8, "seconds": sharing.LONGEST, "now": world.clock()}
    assert (await dead.lease("ada", hold=lambda _: 0, **lease)).target == 8  # type: ignore[arg-type]  # by name
    one = Instances(world, 1)
    with pytest.raises(ModelUnavailable) as caught:
        async with one.call("i0", "ada", timeout=0.2):
            pytest.fail("there is no slot")
    assert caught.value.retry_after > 0
    waiting = asyncio.create_task(one.busy("i0", "ada", 3.0))
    world.clock.pass_(sharing.LONGEST)
    await waiting
    assert one.done["i0", "ada"] > 0


@pytest.mark.parametrize("claims", [0.1, 2.0, 12.0, 60.0])
def test_a_dead_workers_slots_come_back_with_its_nodes_and_leases_outlast_late_renewals(claims: float) -> None:
    pace = Pace.of_claims(claims)
    assert pace.lease <= max(claims, sharing.SHORTEST)
    assert pace.lease <= sharing.LONGEST
    assert pace.lease - pace.margin >= 4 * pace.renew


async def test_an_instance_that_cannot_renew_stops_its_calls_before_others_count_on_them(world: World) -> None:
    one = Instances(world, 1, Pace(lease=1.0, renew=0.2, retry=0.05, margin=0.5))
    async with one.call("i0", "ada"):
        await asyncio.sleep(0.7)  # longer than a lease lasts without a renewal

    async def fails(*_: object, **__: object) -> str:
        raise Unavailable("the store is away")

    with pytest.MonkeyPatch.context() as patch:
        begun = time.monotonic()
        patch.setattr(world.bare, "put", fails)
        with pytest.raises(ModelUnavailable, match="could not be renewed"):
            await one.hold("i0", "ada", 5.0)
        assert time.monotonic() - begun < 1.0 - 0.3
        with pytest.raises(ModelUnavailable):
            async with one.call("i0", "ada", timeout=0.1):
                pytest.fail("nothing is leased")
    async with one.call("i0", "ada", timeout=2.0):  # the store is back
        assert one.in_flight("ada") == 1


async def test_a_timeout_of_the_call_itself_is_let_through(world: World) -> None:
    one = Instances(world, 1)
    with pytest.raises(TimeoutError):
        async with one.call("i0", "ada"):
            raise TimeoutError


async def test_a_keeper_that_fails_is_replaced(world: World, caplog: pytest.LogCaptureFixture) -> None:
    one = Instances(world, 1)
    await world.bare.put(_account(), Category.SHARE, "calls", '{"leases": 7}')
    with pytest.raises(ModelUnavailable):
        async with one.call("i0", "ada", timeout=0.2):
            pytest.fail("nothing is leased")
    assert "the share of ada is not kept" in caplog.text
    await world.bare.delete(_account(), Category.SHARE, "calls")
    async with one.call("i0", "ada"):
        assert one.in_flight("ada") == 1


async def test_a_user_has_the_ceiling_of_their_own_document(world: World) -> None:
    quotas = Quotas(calls_at_once=2)
    await Users(world.bare).create(User(user_id="ada", name="Ada", created=world.clock(), quotas=quotas))
    one = Instances(world, 1)
    await asyncio.gather(*(one.busy("i0", user, 0.5) for user in ("ada", "bob") for _ in range(10)))
    assert (one.most["ada"], one.most["bob"]) == (2, 8)


async def test_a_document_that_others_keep_changing_is_given_up_for_now(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def loses(*_: object, **__: object) -> str:
        raise Conflict("another was first")

    monkeypatch.setattr(world.bare, "put", loses)
    with pytest.raises(Conflict, match="contended"):
        await SlotLeases(world.bare, "a").lease(
            "ada", wanted=1, ceiling=8, hold=lambda _: 0, now=world.clock(), seconds=1.0
        )


def _account() -> SpaceKey:
    return SpaceKey.account("ada")
