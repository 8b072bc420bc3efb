"""When a schedule is due: five cron fields, read in a time zone.

Where clocks are put forward, a time that does not exist is due at the first moment after the gap. Where they are put
back, a time that comes twice is due the first time only, unless the hours are `*` or `*/n`: those go by time passed,
so that `*/15 * * * *` loses no quarter of an hour and gains none.
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
#: Due times that are passed over because they come the second time; no change of clocks is longer than a day.
_MOST_REPEATED = 24 * 60


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
    """The first time it is due after a moment, in UTC."""
    zone = ZoneInfo(timezone)
    every_hour = cron.split()[1].startswith("*")
    due = after.astimezone(zone)
    for _ in range(_MOST_REPEATED):
        found = _next(cron, due)
        if found is None:
            break
        if every_hour or not found.fold:
            return found.astimezone(UTC)
        due = found
    raise ValueError(f"{cron!r} is never due in {timezone}")


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
