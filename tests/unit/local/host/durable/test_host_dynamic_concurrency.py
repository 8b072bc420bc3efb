"""Room for activities while the loop keeps up and while it does not."""

import asyncio
import time

from local.host.durable.dynamic_concurrency import BEAT, FLOOR, LATE, Pressure


def test_room_shrinks_to_its_floor_while_the_loop_is_late_and_comes_back() -> None:
    called: list[int] = []
    running = 150
    pressure = Pressure(200, lambda: running, lambda: called.append(pressure.room))
    assert pressure.room == 200
    pressure.heed(2 * LATE)
    assert pressure.room == 135
    for _ in range(50):
        pressure.heed(2 * LATE)
    assert pressure.room == FLOOR
    assert called == []
    pressure.heed(0.0)
    assert called == [pressure.room]
    assert pressure.room > FLOOR
    for _ in range(200):
        pressure.heed(0.0)
    assert pressure.room == 200


def test_a_limit_below_the_floor_stays() -> None:
    pressure = Pressure(3, lambda: 3, lambda: None)
    for _ in range(50):
        pressure.heed(1.0)
    assert pressure.room == 3


async def test_a_loop_that_is_held_up_is_noticed_until_it_stops_looking() -> None:
    pressure = Pressure(200, lambda: 200, lambda: None)
    pressure.watch()
    for _ in range(5):
        time.sleep(BEAT + 2 * LATE)  # noqa: ASYNC251  holds the loop up on purpose
        await asyncio.sleep(0.001)
    assert pressure.room < 200
    pressure.stop()
    assert pressure.room == 200
