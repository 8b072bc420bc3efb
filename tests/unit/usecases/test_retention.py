"""Which times a daily purge goes through, and what it does with a host that is slow."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared import bootstrap
from shared.adapters.filesystem import FilesystemBlobs
from shared.adapters.sqlite import SqliteStore
from shared.config import Settings
from shared.services import Services
from shared.usecases.retention import purge_history

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


class Clock:
    """The time of a test."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, 3, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


class Host:
    """Has an orchestration that ended for every hour of some days, and takes its time over each."""

    def __init__(self, clock: Clock, days: int, each: timedelta = timedelta(0)) -> None:
        self.kept = {clock() - timedelta(hours=hours) for hours in range(24 * days)}
        self.asked: list[tuple[datetime, datetime]] = []
        self._clock = clock
        self._each = each

    async def purge(self, since: datetime, until: datetime) -> int:
        self.asked.append((since, until))
        found = sorted(time for time in self.kept if since <= time <= until)
        within = found if not self._each else found[: int(4 * MINUTE / self._each)]
        self.kept -= set(within)
        self._clock.time += max(self._each * len(within), timedelta(seconds=1))
        if len(within) < len(found):
            raise TimeoutError
        return len(found)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app_of(tmp_path: Path, clock: Clock) -> Callable[[float], Services]:
    def app(days: float) -> Services:
        settings = Settings(history_days=days)
        return Services(
            SqliteStore(tmp_path), FilesystemBlobs(tmp_path), settings, bootstrap.action_space(), clock=clock
        )

    return app


@pytest.mark.parametrize("days", [0.5, 7, 365])
async def test_what_is_older_than_the_window_goes_and_nothing_else(
    app_of: Callable[[float], Services], clock: Clock, days: float
) -> None:
    host, edge = Host(clock, 800), clock() - days * DAY

    assert await purge_history(app_of(days), host) == 24 * (800 - days)
    assert min(host.kept) == edge + timedelta(hours=1)
    assert max(until for _, until in host.asked) == edge


async def test_slices_follow_upon_each_other_from_the_oldest_to_a_last_one_of_a_day(
    app_of: Callable[[float], Services], clock: Clock
) -> None:
    host, now = Host(clock, 1), clock()
    await purge_history(app_of(7), host)

    assert len(host.asked) == 12
    assert all(one[1] == following[0] for one, following in zip(host.asked, host.asked[1:], strict=False))
    assert host.asked[-1] == (now - 8 * DAY, now - 7 * DAY)
    assert now - host.asked[0][0] > 11 * 365 * DAY


async def test_a_slice_that_takes_the_host_too_long_is_halved(
    app_of: Callable[[float], Services], clock: Clock
) -> None:
    host, edge = Host(clock, 9, timedelta(seconds=12)), clock() - 7 * DAY
    await purge_history(app_of(7), host)

    assert min(host.kept) > edge
    assert len(host.asked) == 12 + 2 + 2  # two of them hold a day's worth each


async def test_a_tick_ends_in_time_and_the_next_goes_on(app_of: Callable[[float], Services], clock: Clock) -> None:
    host, edge = Host(clock, 40, timedelta(seconds=4)), clock() - 7 * DAY
    left, ticks = len(host.kept), 0
    while min(host.kept) <= edge:
        began = clock()
        await purge_history(app_of(7), host)
        assert clock() - began < 20 * MINUTE
        assert len(host.kept) < left
        left, ticks, clock.time = len(host.kept), ticks + 1, began
    assert ticks > 1


async def test_a_host_that_cannot_purge_at_all_is_told_of(app_of: Callable[[float], Services], clock: Clock) -> None:
    class Stuck(Host):
        async def purge(self, since: datetime, until: datetime) -> int:
            self.asked.append((since, until))
            raise TimeoutError

    host = Stuck(clock, 1)
    with pytest.raises(TimeoutError, match="could not purge what was created from"):
        await purge_history(app_of(7), host)
    assert len(host.asked) < 30


@pytest.mark.parametrize("days", [0, -1, 365.1])
def test_the_window_has_bounds(days: float) -> None:
    with pytest.raises(ValueError, match="history_days"):
        Settings(history_days=days)
