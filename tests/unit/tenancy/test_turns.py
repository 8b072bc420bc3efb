"""Turns: how much of one kind of work runs at once, of one user and of all."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from shared.errors import QuotaExceeded
from shared.tenancy.turns import Turns


async def test_who_has_no_patience_is_refused_over_their_own_ceiling_and_others_are_not() -> None:
    turns = Turns("polls", each_user=2, in_all=3, retry_after=5.0)
    async with AsyncExitStack() as held:
        for _ in range(2):
            await held.enter_async_context(turns.take("ada"))
        with pytest.raises(QuotaExceeded, match="polls at once: 2 of yours") as refused:
            await held.enter_async_context(turns.take("ada"))
        assert refused.value.retry_after == 5.0
        await held.enter_async_context(turns.take("bob"))
        with pytest.raises(QuotaExceeded, match="3 of all users"):
            await held.enter_async_context(turns.take("carol"))
    async with turns.take("carol"), turns.take("ada"):
        pass
    assert turns._own == {}


async def test_the_patient_wait_in_order_for_their_own_and_take_nobody_elses_turn() -> None:
    turns = Turns("requests", each_user=1, own_patience=10.0, retry_after=1.0)
    began: list[int] = []

    async def job(number: int) -> None:
        async with turns.take("ada"):
            began.append(number)
            await asyncio.sleep(0)

    async with turns.take("ada"):
        waiting = [asyncio.create_task(job(number)) for number in range(5)]
        await asyncio.sleep(0.01)
        async with turns.take("bob"):
            assert began == []
        waiting[1].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert began == [0, 2, 3, 4]
    assert turns._own == {}


async def test_patience_ends() -> None:
    turns = Turns("imports", each_user=1, in_all=1, patience=0.01, retry_after=1.0)
    async with turns.take("ada"):
        with pytest.raises(QuotaExceeded, match="1 of all users"):
            async with turns.take("bob"):
                raise AssertionError("there is no turn")
    async with turns.take("bob"):
        pass
