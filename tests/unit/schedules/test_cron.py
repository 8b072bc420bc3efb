"""When schedules are due, above all where clocks are put forward and back."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.schedules.cron import check_cron, check_timezone, following, latest

BERLIN = "Europe/Berlin"


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def dues(cron: str, timezone: str, start: str, count: int) -> list[str]:
    moment, found = at(start), []
    for _ in range(count):
        moment = following(cron, timezone, moment)
        found.append(f"{moment:%m-%d %H:%M}")
    return found


def test_due_times_are_those_of_the_time_zone() -> None:
    assert dues("0 9 * * 1-5", BERLIN, "2026-11-20 08:00", 3) == ["11-23 08:00", "11-24 08:00", "11-25 08:00"]
    assert dues("0 9 * * *", BERLIN, "2026-07-01 00:00", 1) == ["07-01 07:00"]
    assert dues("0 9 * * *", "America/New_York", "2026-07-01 00:00", 1) == ["07-01 13:00"]
    assert dues("30 5 * * *", "Asia/Kolkata", "2026-07-01 00:00", 2) == ["07-02 00:00", "07-03 00:00"]


def test_a_due_time_is_not_due_again_at_itself() -> None:
    assert following("*/5 * * * *", "UTC", at("2026-11-22 10:05")) == at("2026-11-22 10:10")
    assert following("*/5 * * * *", "UTC", at("2026-11-22 10:04:59.999")) == at("2026-11-22 10:05")


def test_a_time_that_does_not_exist_is_due_at_the_first_moment_after() -> None:
    # On 29 March 2026 the clocks of Berlin go from 02:00 to 03:00, at 01:00 UTC.
    assert dues("30 2 * * *", BERLIN, "2026-03-28 12:00", 3) == ["03-29 01:00", "03-30 00:30", "03-31 00:30"]
    assert dues("0 3 * * *", BERLIN, "2026-03-28 12:00", 2) == ["03-29 01:00", "03-30 01:00"]
    assert dues("0 * * * *", BERLIN, "2026-03-28 23:30", 3) == ["03-29 00:00", "03-29 01:00", "03-29 02:00"]


def test_a_time_that_comes_twice_is_due_once() -> None:
    # On 25 October 2026 they go from 03:00 to 02:00, at 01:00 UTC.
    assert dues("30 2 * * *", BERLIN, "2026-10-24 12:00", 2) == ["10-25 00:30", "10-26 01:30"]
    assert dues("0,30 1-3 * * *", BERLIN, "2026-10-24 23:10", 5) == [
        *("10-24 23:30", "10-25 00:00", "10-25 00:30", "10-25 02:00", "10-25 02:30")
    ]


def test_what_goes_by_time_passed_is_due_in_both_hours() -> None:
    quarters = dues("*/30 * * * *", BERLIN, "2026-10-24 23:50", 6)
    assert quarters == ["10-25 00:00", "10-25 00:30", "10-25 01:00", "10-25 01:30", "10-25 02:00", "10-25 02:30"]
    assert dues("5 */2 * * *", BERLIN, "2026-10-24 23:50", 3) == ["10-25 00:05", "10-25 01:05", "10-25 03:05"]


@pytest.mark.parametrize("timezone", [BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])
@pytest.mark.parametrize("cron", ["17 2 * * *", "*/20 * * * *", "45 1,2,3 * * 0", "0 0 1 * *"])
def test_every_due_time_of_a_year_fits_its_fields(cron: str, timezone: str) -> None:
    """Against the plain reading of the fields, except where a time does not exist or comes twice."""
    zone, moment, seen = ZoneInfo(timezone), at("2026-01-01 00:00"), 0
    hours = {"*": set(range(24)), "2": {2}, "1,2,3": {1, 2, 3}, "0": {0}}[cron.split()[1]]
    minutes = {"17": {17}, "*/20": {0, 20, 40}, "45": {45}, "0": {0}}[cron.split()[0]]
    end = at("2026-01-20 00:00") if cron.startswith("*") else at("2027-01-01 00:00")
    while (due := following(cron, timezone, moment)) < end:
        assert due > moment
        local = due.astimezone(zone)
        gap = (due - timedelta(minutes=1)).astimezone(zone).utcoffset() != local.utcoffset()
        assert gap or (local.hour in hours and local.minute in minutes), local
        moment, seen = due, seen + 1
    assert seen >= {"17": 364, "*/20": 1_300, "45": 150, "0": 11}[cron.split()[0]]


@pytest.mark.parametrize("cron", ["* * * * *", "30 2 * * *", "0 */7 * * *", "0 9 * * 1", "0 0 1 * *", "* 3 1 * *"])
@pytest.mark.parametrize("late", [0, 1, 61, 3_000, 86_400 * 3, 86_400 * 45])
def test_the_latest_due_time_is_the_last_of_those_that_passed(cron: str, late: int) -> None:
    due = following(cron, BERLIN, at("2026-03-01 00:00"))
    now = due + timedelta(seconds=late)
    expected = due
    if cron[1:] != " * * * *" or late < 86_400:
        while (after := following(cron, BERLIN, expected)) <= now:
            expected = after
    else:
        expected = now.replace(second=0)
    assert latest(cron, BERLIN, due, now) == expected


NO_CRON = (
    *("", "* * * *", "* * * * * *", "@daily", "60 * * * *", "* * * * 8", "0 0 30 2 *", "0 0 31 4 *", "x * * * *"),
    *("R * * * *", "0 H * * *", "0 0 * * r", "*/0 * * * *", "1-r * * * *", "0 0,r(1-2) * * *", "\u0663 * * * *"),
)


@pytest.mark.parametrize("cron", NO_CRON)
def test_what_is_no_cron_is_refused(cron: str) -> None:
    with pytest.raises(ValueError, match="cron fields"):
        check_cron(cron)


@pytest.mark.parametrize("cron", ["* * * * *", "0 0 29 2 *", "0 9 * * mon-fri", "0 0 L * *", "0 0 * mar,apr fri#2"])
def test_cron_is_kept_with_single_spaces(cron: str) -> None:
    assert check_cron("  " + cron.replace(" ", "   ")) == cron


@pytest.mark.parametrize(
    "name", ["", "Nowhere/Land", "europe/berlin", "Europe", "../../etc/passwd", "localtime", "/etc/localtime", "UTC "]
)
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="IANA"):
        check_timezone(name)


def test_every_time_zone_can_be_read() -> None:
    for name in (BERLIN, "UTC", "Etc/GMT+5", "America/Argentina/Buenos_Aires"):
        following("0 9 * * *", check_timezone(name), at("2026-01-01 00:00"))
