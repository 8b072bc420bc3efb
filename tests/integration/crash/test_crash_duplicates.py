"""Activities that are delivered twice, late or again, and workers that finish after their claim has gone."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from fault_driver import STALL, Life
from fault_world import SCENARIOS, Scenario, World, copy, create, scenario, undisturbed, verdict

from local.scripted import Reply
from shared.activities.advance_node import advance_node
from shared.runtime.steps import Step
from shared.services import Services
from shared.store import Category
from shared.store.nodes import Nodes
from tests.crash import crash_script

_LEAF = "0.0.0/0.0.0"


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("delivered", ["twice", "lost"])
@pytest.mark.parametrize("kind", SCENARIOS, ids=lambda kind: kind.name)
async def test_every_activity_may_run_twice(kind: Scenario, delivered: str, workers: int, tmp_path: Path) -> None:
    base = await create(tmp_path / "base", kind)
    expected, _ = await undisturbed(base)
    world = await copy(base, tmp_path / "again")
    life, _ = world.life(workers=workers, delivered=delivered)
    assert await life.run(world.root)
    faults = life.errors + await verdict(world, expected)
    await world.store.close()
    assert faults == []
    assert _repeated(world) == []


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("kind", SCENARIOS, ids=lambda kind: kind.name)
async def test_a_copy_that_comes_during_any_call_pays_for_nothing(kind: Scenario, workers: int, tmp_path: Path) -> None:
    base = await create(tmp_path / "base", kind)
    expected, _ = await undisturbed(base)
    world = await copy(base, tmp_path / "again")
    copies = _Copies(world)
    world.watcher = copies.watch
    life, _ = world.life(workers=workers)
    copies.worker = life.workers[-1]
    assert await life.run(world.root)
    told = await asyncio.gather(*copies.delivered)
    faults = life.errors + await verdict(world, expected)
    await world.store.close()
    assert faults == []
    assert _repeated(world) == []
    assert len(told) == world.calls.total()
    if workers == 2:
        assert {step.kind for step in told} == {"later"}


class _Copies:
    """Has the activity that makes a call delivered once more in the middle of the call."""

    worker: Services

    def __init__(self, world: World) -> None:
        self.delivered: list[asyncio.Task[Step]] = []
        self._world = world
        self._user = world.user_at_calls()

    async def watch(self, step: str, times: int) -> Reply | None:
        node = (await self.worker.nodes(self._world.space).load(step.split("/")[0])).node
        works_on = node.parent_id if node.is_router else node.node_id
        copy = asyncio.create_task(advance_node(self.worker, self._world.root.to(works_on or "0")))
        self.delivered.append(copy)
        await asyncio.wait({copy}, timeout=0.02)
        return await self._user(step, times)


@pytest.mark.parametrize("kind", SCENARIOS[:3], ids=lambda kind: kind.name)
async def test_reading_a_node_while_it_works_does_not_take_it_from_its_worker(kind: Scenario, tmp_path: Path) -> None:
    world = await create(tmp_path, kind)
    nodes = Nodes(world.store, world.space)

    async def read_all(_step: str, _times: int) -> None:
        for node in [node async for node in nodes.all()]:
            await nodes.load(node.node_id)

    world.watcher = read_all
    begun = world.clock.time
    assert await _run(world) == []
    await world.store.close()
    assert world.clock.time == begun  # no step came back as `later`


async def test_an_answer_may_come_before_its_node_waits_for_it(tmp_path: Path) -> None:
    base = await create(tmp_path / "base", scenario("quick", crash_script.both("Ask for a", "Clarify b")))
    expected, _ = await undisturbed(base)
    world = await copy(base, tmp_path / "quick")
    life, store = world.life()
    answer, life.user = life.user, _does_nothing

    async def answer_at_once(category: Category) -> None:
        if category is Category.QUESTION:
            await answer(life)

    store.on_put = answer_at_once
    begun = world.clock.time
    assert await life.run(world.root)
    faults = life.errors + await verdict(world, expected)
    await world.store.close()
    assert faults == []
    assert world.clock.time == begun


@pytest.mark.parametrize("step", ["0/0.0.0", "0/0.0.1", "0.0/0.0.0", _LEAF, "0.1.0/0.1.0", "0/0.1.0"])
async def test_a_worker_that_wakes_up_after_everything_has_ended_changes_nothing(step: str, tmp_path: Path) -> None:
    base = await create(tmp_path / "base", scenario("stale", crash_script.both("Write a.md", "Clarify b")))
    expected, _ = await undisturbed(base)
    world = await copy(base, tmp_path / "stale")
    sleeper = _Sleeper(step)
    world.watcher = sleeper.watch
    late, _ = world.life()
    sleeping = asyncio.create_task(late.run(world.root))
    await sleeper.asleep.wait()
    world.clock.time += STALL
    errors = await _run(world)
    sleeper.wake.set()
    assert await sleeping
    errors += late.errors + await verdict(world, expected)
    await world.store.close()
    assert errors == []
    assert _repeated(world) == [step]


@pytest.mark.parametrize("first", ["the sleeper", "its successor"])
async def test_of_two_answers_the_one_in_the_journal_counts(first: str, tmp_path: Path) -> None:
    world = await create(tmp_path, scenario("stale", crash_script.both("Write a.md")))
    sleeper = _Sleeper(_LEAF, Reply("# The sleeper's"))
    world.watcher = sleeper.watch
    late, _ = world.life()
    sleeping = asyncio.create_task(late.run(world.root))
    await sleeper.asleep.wait()
    world.clock.time += STALL
    if first == "the sleeper":
        sleeper.at_second = _wake_and_wait_for_journal(world, sleeper)
    errors = await _run(world)
    sleeper.wake.set()
    assert await sleeping
    ended = await world.ended()
    await world.store.close()
    (journalled,) = [entry.answer for entry in ended.log if entry.node_id == "0.0.0"]
    (artifact,) = ended.artifacts
    assert errors + late.errors == []
    assert ("sleeper" in journalled) == (first == "the sleeper")
    assert artifact.content == journalled + "\n"
    assert journalled in (ended.nodes["0.0.0"].report or "")
    assert _repeated(world) == [_LEAF]


class _Sleeper:
    """Holds up the first call of a step until it is woken, and may give it another answer."""

    def __init__(self, step: str, reply: Reply | None = None) -> None:
        self.asleep = asyncio.Event()
        self.wake = asyncio.Event()
        #: Done while the second call of the step is in flight.
        self.at_second: Callable[[], Awaitable[None]] = _nothing
        self._step = step
        self._reply = reply

    async def watch(self, step: str, times: int) -> Reply | None:
        if step != self._step:
            return None
        if times == 1:
            self.asleep.set()
            await self.wake.wait()
            return self._reply
        await self.at_second()
        return None


async def _does_nothing(_life: Life) -> bool:
    return False


async def _nothing() -> None:
    """The second call is as any other."""


def _wake_and_wait_for_journal(world: World, sleeper: _Sleeper) -> Callable[[], Awaitable[None]]:
    async def at_second() -> None:
        sleeper.wake.set()
        for _ in range(1_000):
            if any(entry.node_id == "0.0.0" for entry in await world.log()):
                return
            await asyncio.sleep(0.002)

    return at_second


async def _run(world: World) -> list[str]:
    """Another process drives the swarm to its end."""
    life, _ = world.life()
    assert await life.run(world.root)
    return life.errors


def _repeated(world: World) -> list[str]:
    return [step for step, times in world.calls.items() if times > 1]
