"""Sharing calls in flight among users."""

import asyncio
import time
from contextlib import suppress

import pytest

from shared.errors import ModelUnavailable
from shared.model_calls.limiter import CallLimiter


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(5):
        await asyncio.sleep(0)


class Held:
    """Calls that hold their slot until they are let go, by name in the order they got it."""

    def __init__(self, limiter: CallLimiter) -> None:
        self.limiter = limiter
        self.entered: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self, user: str, *names: str) -> None:
        for name in names:
            self.ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._hold(user, name))
        await settle()

    async def _hold(self, user: str, name: str) -> None:
        async with self.limiter.slot(user):
            self.entered.append(name)
            await self.ends[name].wait()

    async def end(self, *names: str) -> None:
        for name in names:
            self.ends[name].set()
        await settle()

    async def cancel(self, name: str) -> None:
        self.tasks[name].cancel()
        with suppress(asyncio.CancelledError):
            await self.tasks[name]


async def test_one_user_gets_no_more_than_their_share() -> None:
    calls = Held(CallLimiter(per_user=2, overall=10))
    await calls.start("u", "a", "b", "c")
    await calls.start("v", "d")
    assert calls.entered == ["a", "b", "d"]
    await calls.end("a")
    assert calls.entered == ["a", "b", "d", "c"]


async def test_all_together_get_no_more_than_there_is() -> None:
    calls = Held(CallLimiter(per_user=2, overall=3))
    for user in "uvw":
        await calls.start(user, f"{user}1", f"{user}2")
    assert calls.entered == ["u1", "u2", "v1"]
    assert calls.limiter.in_flight == 3
    await calls.end("u1", "u2", "v1")
    assert sorted(calls.entered[3:]) == ["v2", "w1", "w2"]
    await calls.end("v2", "w1", "w2")
    assert calls.limiter.in_flight == 0


async def test_a_thousand_waiters_of_one_user_do_not_delay_the_first_of_another() -> None:
    calls = Held(CallLimiter(per_user=5, overall=5))
    await calls.start("busy", *(f"b{number}" for number in range(1_000)))
    await calls.start("other", "o1", "o2")
    await calls.end("b0")
    assert "o1" not in calls.entered[:5]
    await calls.end("b1")
    assert {"o1"} <= set(calls.entered[5:7])
    await calls.end("b2", "b3")
    assert {"o1", "o2"} <= set(calls.entered[5:9])
    for number in range(1_000):
        calls.ends[f"b{number}"].set()
    await calls.end("o1", "o2")
    await asyncio.gather(*calls.tasks.values())
    assert calls.limiter.in_flight == 0


async def test_who_leaves_the_queue_is_passed_over() -> None:
    calls = Held(CallLimiter(per_user=1, overall=1))
    await calls.start("u", "a", "b", "c")
    await calls.cancel("b")
    await calls.end("a")
    assert calls.entered == ["a", "c"]


async def test_a_slot_given_to_one_who_is_leaving_is_not_lost() -> None:
    calls = Held(CallLimiter(per_user=1, overall=1))
    await calls.start("u", "a", "b", "c")
    calls.ends["a"].set()
    await asyncio.sleep(0)  # a gives its slot to b, whose task has not run since
    await calls.cancel("b")
    await settle()
    assert calls.entered == ["a", "c"]
    await calls.end("c")
    assert calls.limiter.in_flight == 0


async def test_one_cancelled_just_before_the_slot_came_is_passed_over() -> None:
    calls = Held(CallLimiter(per_user=1, overall=1))
    await calls.start("u", "a", "b", "c")
    calls.ends["a"].set()
    calls.tasks["b"].cancel()  # its future is cancelled at once, its task runs after a gave the slot back
    await settle()
    assert calls.entered == ["a", "c"]
    await calls.end("c")
    assert calls.limiter.in_flight == 0


async def test_a_slot_comes_back_when_the_call_fails() -> None:
    limiter = CallLimiter(1, 1)
    with pytest.raises(RuntimeError):
        async with limiter.slot("u"):
            raise RuntimeError
    assert limiter.in_flight == 0


async def test_try_slot_says_later_when_it_waits_too_long() -> None:
    limiter = CallLimiter(1, 1)
    async with limiter.slot("u"):
        with pytest.raises(ModelUnavailable) as caught:
            async with limiter.try_slot("u", timeout=0.02):
                pytest.fail("there is no second slot")
    assert 0 < caught.value.retry_after < 0.02
    async with limiter.try_slot("u", timeout=0.02):
        assert limiter.in_flight == 1
    assert limiter.in_flight == 0


async def test_those_that_waited_too_long_come_back_soon_and_not_all_at_once() -> None:
    limiter = CallLimiter(1, 1)

    async def comes_back() -> float:
        with pytest.raises(ModelUnavailable) as caught:
            async with limiter.try_slot("u", timeout=0.02):
                pytest.fail("there is no second slot")
        return caught.value.retry_after

    async with limiter.slot("u"):
        waits = await asyncio.gather(*(comes_back() for _ in range(20)))
    assert len(set(waits)) == 20
    assert all(0.1 * 0.02 <= wait <= 0.5 * 0.02 for wait in waits)


async def test_try_slot_lets_a_timeout_of_the_call_itself_through() -> None:
    limiter = CallLimiter(1, 1)
    with pytest.raises(TimeoutError):
        async with limiter.try_slot("u"):
            raise TimeoutError


async def test_random_traffic_keeps_to_the_limits_and_leaves_nothing_behind() -> None:
    limiter = CallLimiter(per_user=3, overall=7)
    running = dict.fromkeys("abcd", 0)

    async def call(number: int) -> None:
        user = "abcd"[number % 4]
        async with limiter.slot(user):
            running[user] += 1
            try:
                assert running[user] <= 3
                assert sum(running.values()) <= limiter.in_flight <= 7
                for _ in range(number % 5):
                    await asyncio.sleep(0)
            finally:
                running[user] -= 1

    tasks = [asyncio.create_task(call(number)) for number in range(500)]
    for turn in range(60):
        await asyncio.sleep(0)
        tasks[turn * 37 % 500].cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(end is None or isinstance(end, asyncio.CancelledError) for end in ended)
    assert limiter.in_flight == 0


async def test_cost_does_not_grow_with_the_number_of_waiters() -> None:
    async def seconds_per_call(waiters: int) -> float:
        limiter = CallLimiter(per_user=1, overall=waiters)

        async def call() -> None:
            async with limiter.slot("u"):
                await asyncio.sleep(0)

        started = time.process_time()
        await asyncio.gather(*(call() for _ in range(waiters)))
        return (time.process_time() - started) / waiters

    few = min([await seconds_per_call(200) for _ in range(5)])
    assert await seconds_per_call(10_000) < 10 * few


@pytest.mark.parametrize(("per_user", "overall"), [(0, 1), (1, 0)])
def test_limits_that_let_nothing_through_are_refused(per_user: int, overall: int) -> None:
    with pytest.raises(ValueError, match="below 1"):
        CallLimiter(per_user, overall)


async def test_a_user_may_be_allowed_more_or_less_than_others() -> None:
    calls = Held(CallLimiter(per_user=1, overall=10))
    calls.limiter.allow("u", 0)
    await calls.start("u", "a", "b", "c")
    await calls.start("v", "d")
    assert calls.entered == ["d"]
    calls.limiter.allow("u", 2)
    await settle()
    assert calls.entered == ["d", "a", "b"]
    calls.limiter.allow("u", 1)  # what is in use stays so
    assert calls.limiter.of("u") == 2
    await calls.end("a")
    assert calls.entered == ["d", "a", "b"]
    await calls.end("b")
    assert calls.entered == ["d", "a", "b", "c"]
    calls.limiter.allow("u", None)
    await calls.start("u", "e")
    assert "e" not in calls.entered
    await calls.end("c", "d", "e")
    assert calls.limiter.in_flight == calls.limiter.of("u") == 0


async def test_a_limit_that_is_lowered_holds_for_those_who_are_in_line_already() -> None:
    calls = Held(CallLimiter(per_user=5, overall=1))
    await calls.start("v", "a")
    await calls.start("u", "b")
    calls.limiter.allow("u", 0)
    await calls.end("a")
    assert calls.entered == ["a"]
    calls.limiter.allow("u", 1)
    await settle()
    assert calls.entered == ["a", "b"]
    await calls.end("b")
