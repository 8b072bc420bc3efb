"""Timer triggers: six-field NCRONTAB schedules or fixed time spans, in UTC."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from croniter import croniter

from local.host.durable.storage import Storage
from local.host.indexing import IndexingError
from local.host.invoke import Invoker, json_datum
from local.host.logs import log, milliseconds
from local.host.settings import expand, parse_timespan

#: A longer wait is made in steps: the wall clock may be set meanwhile.
_LONGEST_WAIT = 60.0


class Schedule:
    """When a timer trigger is due."""

    def __init__(self, function: str, text: str) -> None:
        self._span = parse_timespan(text)
        self._text = text
        if self._span == timedelta(0) or (self._span is None and not _is_ncrontab(text)):
            raise IndexingError(
                f"function {function!r}: the schedule {text!r} is neither six cron fields, seconds first, "
                "nor a time span like 00:05:00"
            )

    def after(self, moment: datetime) -> datetime:
        """The first time it is due after `moment`."""
        if self._span is not None:
            return moment + self._span
        following: datetime = croniter(self._text, moment, ret_type=datetime, second_at_beginning=True).get_next()
        return following


class TimerTriggers:
    """Runs each timer function when it is due, never twice at a time."""

    def __init__(self, invokers: list[Invoker], storage: Storage) -> None:
        self._storage = storage
        self._timers = [(invoker, _schedule(invoker)) for invoker in invokers]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to watch the clock. What came due while no host ran is run at once, marked as past due."""
        kept = {name: (last, following) for name, last, following in self._storage.query("SELECT * FROM schedules")}
        for invoker, schedule in self._timers:
            last, due = kept.get(invoker.function.name, (None, None))
            if not invoker.function.trigger.properties.get("useMonitor", True):
                last, due = None, None
            timer = _Timer(invoker, schedule, self._storage.set_schedule, last, due)
            self._tasks.append(asyncio.get_running_loop().create_task(timer.run()))

    async def stop(self) -> None:
        """Stop watching; a function that runs is cancelled and is past due next time."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2)


class _Timer:
    """One timer function and its place in time."""

    def __init__(
        self,
        invoker: Invoker,
        schedule: Schedule,
        keep: Callable[[str, str | None, str], None],
        last: str | None,
        due: str | None,
    ) -> None:
        self._invoker = invoker
        self._schedule = schedule
        self._keep = keep
        self._last = last
        self._due = datetime.fromisoformat(due) if due else None

    async def run(self) -> None:
        """Wait and call, for ever."""
        now = datetime.now(UTC)
        late = self._due is not None and self._due <= now
        if late or self._invoker.function.trigger.properties.get("runOnStartup", False):
            await self._call(past_due=late)
        self._due = self._schedule.after(datetime.now(UTC))
        while True:
            self._keep(self._invoker.function.name, self._last, self._due.isoformat())
            await _sleep_until(self._due)
            await self._call(past_due=False)
            self._due = self._schedule.after(max(self._due, datetime.now(UTC)))

    async def _call(self, past_due: bool) -> None:
        started, moment = time.monotonic(), datetime.now(UTC)
        status = {
            "Last": self._last or "0001-01-01T00:00:00+00:00",
            "LastUpdated": self._last or "0001-01-01T00:00:00+00:00",
            "Next": self._schedule.after(moment).isoformat(),
        }
        datum = json_datum({"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": past_due})
        name = self._invoker.function.name
        try:
            await self._invoker(datum)
            log.info("%s ended, %s", name, milliseconds(started))
        except Exception:  # noqa: BLE001  a failed run of a timer must not end its schedule
            log.exception("%s failed", name)
        self._last = moment.isoformat()


async def _sleep_until(moment: datetime) -> None:
    while (wait := (moment - datetime.now(UTC)).total_seconds()) > 0:  # noqa: ASYNC110  no event but time
        await asyncio.sleep(min(wait, _LONGEST_WAIT))


def _schedule(invoker: Invoker) -> Schedule:
    return Schedule(invoker.function.name, expand(invoker.function.trigger.properties["schedule"]))


def _is_ncrontab(text: str) -> bool:
    return len(text.split()) == 6 and croniter.is_valid(text, second_at_beginning=True)
