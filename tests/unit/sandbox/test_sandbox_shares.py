"""One user's runs do not starve another's."""

import asyncio
from contextlib import suppress
from types import MappingProxyType

import pytest

from shared.errors import Unavailable
from shared.model_calls.limiter import CallLimiter
from shared.sandbox import RunRequest, RunResult, Traits, Used
from shared.sandbox.shares import SharedSandbox
from shared.types import SpaceKey

TRAITS = Traits("held", "none", {}, threads=False, other_programs=False, compiled_packages=False)
DONE = RunResult(0, None, "", "", False, MappingProxyType({}), frozenset(), (), (), Used(0.0), TRAITS)


class HeldSandbox:
    """Runs end when they are let go; remembers whose began and whose were cancelled."""

    traits = TRAITS

    def __init__(self) -> None:
        self.began: list[str] = []
        self.cancelled: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}

    async def run(self, request: RunRequest) -> RunResult:
        self.began.append(request.session)
        self.ends[request.session] = asyncio.Event()
        try:
            await self.ends[request.session].wait()
        except asyncio.CancelledError:
            self.cancelled.append(request.session)
            raise
        return DONE

    async def close(self) -> None:
        """Nothing is held."""


def start(shared: SharedSandbox, user: str, *names: str) -> list[asyncio.Task[RunResult]]:
    return [
        asyncio.create_task(shared.run(RunRequest(SpaceKey(user, "s"), name, ("python",))), name=name) for name in names
    ]


async def settle() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


async def end_all(tasks: list[asyncio.Task[RunResult]]) -> None:
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError, Unavailable):
            await task


async def test_a_second_user_comes_before_the_rest_of_the_first() -> None:
    held = HeldSandbox()
    shared = SharedSandbox(held, CallLimiter(2, 2))
    tasks = start(shared, "a", "a1", "a2", "a3", "a4")
    await settle()
    tasks += start(shared, "b", "b1")
    await settle()
    assert held.began == ["a1", "a2"]
    held.ends["a1"].set()
    await settle()
    held.ends["a2"].set()
    await settle()
    assert held.began == ["a1", "a2", "b1", "a3"]
    await end_all(tasks)


async def test_a_cancel_reaches_the_program_and_frees_the_slot() -> None:
    held = HeldSandbox()
    shared = SharedSandbox(held, CallLimiter(1, 1))
    tasks = start(shared, "a", "a1", "a2", "a3")
    await settle()
    await end_all(tasks[1:2])
    await end_all(tasks[:1])
    await settle()
    assert (held.began, held.cancelled) == (["a1", "a3"], ["a1"])
    await end_all(tasks)


async def test_the_queue_of_a_user_is_bounded() -> None:
    shared = SharedSandbox(HeldSandbox(), CallLimiter(1, 1), queue=2)
    tasks = start(shared, "a", "a1", "a2")
    await settle()
    with pytest.raises(Unavailable, match="2 of your runs are waiting or running"):
        await shared.run(RunRequest(SpaceKey("a", "s"), "a3", ("python",)))
    await end_all(tasks)
    tasks = start(shared, "a", "a4")
    await settle()
    assert not tasks[0].done()
    await end_all(tasks)


async def test_who_waits_too_long_is_told_to_come_again() -> None:
    shared = SharedSandbox(HeldSandbox(), CallLimiter(1, 1), wait=0.01)
    tasks = start(shared, "a", "a1")
    await settle()
    with pytest.raises(Unavailable, match="busy with other runs") as caught:
        await shared.run(RunRequest(SpaceKey("b", "s"), "b1", ("python",)))
    assert caught.value.retry_after > 0
    await end_all(tasks)
