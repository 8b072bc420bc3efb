"""Deadlines by the wall clock."""

import asyncio
import time

from local.host.durable.timer_queue import Alarms


async def test_alarms_ring_in_order_and_not_early():
    alarms, rung = Alarms(), []
    now = time.time()
    for key, delay in ((1, 0.06), (2, 0.02), (3, 0.04), (4, -1)):
        alarms.set(key, now + delay, lambda key=key: rung.append((key, time.time() - now)))
    assert rung == []
    await asyncio.sleep(0.12)
    assert [key for key, _ in rung] == [4, 2, 3, 1]
    assert rung[-1][1] >= 0.06


async def test_a_cancelled_alarm_stays_silent_and_the_next_one_rings():
    alarms, rung = Alarms(), []
    alarms.set(1, time.time() + 0.01, lambda: rung.append(1))
    alarms.set(2, time.time() + 0.03, lambda: rung.append(2))
    alarms.cancel(1)
    await asyncio.sleep(0.08)
    assert rung == [2]


async def test_an_alarm_may_be_set_while_another_rings():
    alarms, rung = Alarms(), []
    alarms.set(1, time.time(), lambda: alarms.set(2, time.time(), lambda: rung.append(2)))
    await asyncio.sleep(0.05)
    assert rung == [2]


async def test_stopped_alarms_are_silent():
    alarms, rung = Alarms(), []
    alarms.set(1, time.time() + 0.01, lambda: rung.append(1))
    alarms.stop()
    await asyncio.sleep(0.03)
    assert rung == []
