"""When a schedule is due: five cron fields, read in a time zone.

Where clocks are put forward, a time that does not exist is due at the first moment after the gap. Where they are put
back, a time that comes twice is due the first time only. Neither holds where the hours are every hour, or every n-th
from `*` or `0-23`: those go by time passed, so that `*/15 * * * *` loses no quarter of an hour and gains none.
Where both day fields are restricted, a day that fits either of them is due, as in POSIX cron.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

MAX_CRON = 100
MAX_TIMEZONE = 64

_MINUTE = timedelta(minutes=1)
#: Where to look for a first due time, to see that there is one.
_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)
#: `r` and `h` stand for a time of the library's choosing.
_CHOSEN = re.compile(r"(^|[\s,])[rh]", re.IGNORECASE)
#: Years that are searched for a due time. A 29th of February that is a Monday, say, is never further away.
_YEARS = 40
#: Every n-th hour of the whole day, as one part of the field.
_EVERY = re.compile(r"(\*|0-23)(/[0-9]+)?")
#: Longest change of clocks, and the due times it can repeat or leave out.
_LONGEST_CHANGE = timedelta(days=1)
_MOST_CHANGED = 2 * 24 * 60


def check_cron(cron: str) -> str:
    """The fields with single spaces; raises `ValueError` for anything else than five of them."""
    from croniter import croniter  # when it is first needed

    fields = cron.split()
    if len(fields) != 5 or _CHOSEN.search(cron) or not croniter.is_valid(cron):
        raise ValueError("use five cron fields: minute, hour, day of month, month and day of week, such as 0 9 * * 1-5")
    plain = " ".join(fields)
    if _next(plain, _ANY_DAY) is None:
        raise ValueError("these cron fields name no day that there is")
    return plain


def check_timezone(name: str) -> str:
    """The name; raises `ValueError` unless the IANA database has it."""
    if name not in _zones():
        raise ValueError("use the IANA name of a time zone, such as Europe/Berlin or UTC")
    return name


def following(cron: str, timezone: str, after: datetime) -> datetime:
    """Return the first time it is due after a moment, in UTC. Raises `ValueError` if there is none."""
    zone = ZoneInfo(timezone)
    if not _goes_by_time_passed(cron):
        return _first(cron, zone, after, fold=0, in_gaps=True)
    return min(_first(cron, zone, after, fold=fold, in_gaps=False) for fold in (0, 1))


def _goes_by_time_passed(cron: str) -> bool:
    from croniter import croniter  # when it is first needed

    hours = cron.split()[1]
    return croniter.expand(cron)[0][1] == ["*"] or any(_EVERY.fullmatch(part) for part in hours.split(","))


def _first(cron: str, zone: ZoneInfo, after: datetime, *, fold: int, in_gaps: bool) -> datetime:
    """Return the first due time after a moment, where one that comes twice is taken the first or the second time.

    The library reads the fields without a zone. Both readings of local times rise with them, so the first that lies
    after the moment is the one.
    """
    local = after.astimezone(zone)
    repeated = local.replace(fold=0).utcoffset() - local.replace(fold=1).utcoffset()  # type: ignore[operator]
    due = local.replace(tzinfo=None) - max(repeated, timedelta(0)) * fold
    for _ in range(_MOST_CHANGED):
        after_due = _next(cron, due)
        if after_due is None:
            break
        due = after_due
        found = due.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        exists = found.astimezone(zone).replace(tzinfo=None) == due
        if not exists and not in_gaps:
            continue
        found = found if exists else _end_of_gap(zone, found)
        if found > after:
            return found
    raise ValueError(f"{cron!r} is never due in {zone.key}")


def _end_of_gap(zone: ZoneInfo, later: datetime) -> datetime:
    """Return the moment of the last change of clocks up to `later`, which is within a day of it."""
    offset = later.astimezone(zone).utcoffset()
    low, high = 0, int(_LONGEST_CHANGE.total_seconds())
    while high - low > 1:  # seconds before `later` with the new offset, and with the old one
        middle = (low + high) // 2
        if (later - timedelta(seconds=middle)).astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return later - timedelta(seconds=low)


def latest(cron: str, timezone: str, due: datetime, now: datetime) -> datetime:
    """The last time up to now that it was due, where `due` is one of them."""
    if following(cron, timezone, due) > now:
        return due
    low, high = 0, int((now - due) / _MINUTE)
    while low < high:  # the most minutes after `due` from which it is still due up to now
        middle = (low + high + 1) // 2
        if following(cron, timezone, due + middle * _MINUTE) <= now:
            low = middle
        else:
            high = middle - 1
    return following(cron, timezone, due + low * _MINUTE)


def _next(cron: str, after: datetime) -> datetime | None:
    from croniter import CroniterBadDateError, croniter  # when it is first needed

    try:
        found: datetime = croniter(cron, after, ret_type=datetime, max_years_between_matches=_YEARS).get_next()
    except CroniterBadDateError:
        return None
    return found


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(resources.files("tzdata").joinpath("zones").read_text("utf-8").split())
