"""Due times beside a plain reading of the clock, minute by minute, around every kind of change of clocks."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.schedules.cron import following

#: Zones, and the UTC times a day before their clocks change: by an hour, half an hour, two hours, a day; at midnight.
WINDOWS = (
    ("Europe/Berlin", "2026-03-28 01:00"),
    ("Europe/Berlin", "2026-10-24 01:00"),
    ("America/New_York", "2027-03-13 07:00"),
    ("America/New_York", "2027-11-06 06:00"),
    ("Australia/Lord_Howe", "2026-10-02 15:30"),
    ("Australia/Lord_Howe", "2026-04-03 15:00"),
    ("America/Havana", "2026-03-07 05:00"),
    ("America/Havana", "2026-10-31 05:00"),
    ("Antarctica/Troll", "2026-03-28 01:00"),
    ("Antarctica/Troll", "2026-10-24 01:00"),
    ("America/Caracas", "2016-04-30 07:00"),
    ("Asia/Pyongyang", "2018-05-03 15:00"),
    ("Asia/Pyongyang", "2015-08-13 15:00"),
    ("Pacific/Apia", "2011-12-29 10:00"),
    ("Asia/Kathmandu", "2026-03-28 01:00"),
)
#: Hours that go by time passed, and the hours they name.
PASSED = {"*": 1, "0-23": 1, "*/2": 2, "0-23/3": 3, ",".join(map(str, range(24))): 1}
MINUTE = timedelta(minutes=1)


def listed(numbers: Collection[int]) -> str:
    return ",".join(map(str, sorted(numbers)))


def oracle(
    minutes: Collection[int], hours: Collection[int], passed: bool, zone: ZoneInfo, start: datetime
) -> Iterator[datetime]:
    """Every due time of three days after `start`.

    By time passed, a minute is due whenever the clock shows it. By the clock, it is due when the clock first shows it
    or a later one.
    """
    shown_before = start.astimezone(zone).replace(tzinfo=None)
    for n in range(1, 3 * 24 * 60):
        moment = start + n * MINUTE
        shown = moment.astimezone(zone).replace(tzinfo=None)
        first = shown if passed else shown_before + MINUTE
        if any(at.minute in minutes and at.hour in hours for at in _every_minute(first, shown)):
            yield moment
        shown_before = shown if passed else max(shown_before, shown)


def _every_minute(first: datetime, last: datetime) -> Iterator[datetime]:
    while first <= last:
        yield first
        first += MINUTE


def due_times(cron: str, timezone: str, start: datetime) -> Iterator[datetime]:
    moment, end = start, start + timedelta(days=3)
    while (moment := following(cron, timezone, moment)) < end:
        yield moment


@settings(max_examples=60, deadline=None)
@given(
    window=st.sampled_from(WINDOWS),
    minutes=st.sets(st.integers(0, 59), min_size=1, max_size=3),
    hours=st.one_of(st.sampled_from(sorted(PASSED)), st.sets(st.integers(0, 23), min_size=1, max_size=23)),
)
def test_due_times_are_those_that_the_clock_shows(
    window: tuple[str, str], minutes: set[int], hours: str | set[int]
) -> None:
    timezone, begins = window
    start = datetime.fromisoformat(begins).replace(tzinfo=UTC)
    passed = isinstance(hours, str)
    field, named = (hours, range(0, 24, PASSED[hours])) if isinstance(hours, str) else (listed(hours), hours)
    cron = f"{listed(minutes)} {field} * * *"
    expected = list(oracle(minutes, named, passed, ZoneInfo(timezone), start))
    assert list(due_times(cron, timezone, start)) == expected


@pytest.mark.parametrize(("timezone", "begins"), WINDOWS)
@pytest.mark.parametrize("minute", ["0", "30", "*/20"])
def test_a_full_range_of_hours_is_every_hour(minute: str, timezone: str, begins: str) -> None:
    start = datetime.fromisoformat(begins).replace(tzinfo=UTC)
    every = list(due_times(f"{minute} * * * *", timezone, start))
    assert list(due_times(f"{minute} 0-23 * * *", timezone, start)) == every
    assert list(due_times(f"{minute} {listed(range(24))} * * *", timezone, start)) == every


@pytest.mark.parametrize(
    ("cron", "days"),
    [
        ("0 9 13 * 5", [6, 13, 20, 27]),
        ("0 9 1 * 5", [1, 6, 13, 20, 27]),
        ("0 9 */10 * 5", [1, 6, 11, 13, 20, 21, 27, 31]),
        ("0 9 13 * *", [13]),
        ("0 9 * * 5", [6, 13, 20, 27]),
    ],
)
def test_a_day_that_fits_either_day_field_is_due(cron: str, days: list[int]) -> None:
    """In March 2026, whose 6th is a Friday."""
    moment, found = datetime(2026, 3, 1, tzinfo=UTC), []
    while (moment := following(cron, "UTC", moment)) < datetime(2026, 4, 1, tzinfo=UTC):
        found.append(moment.day)
    assert found == days
