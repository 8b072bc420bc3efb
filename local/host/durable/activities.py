"""Runs activities, at most so many at a time and fewer while the loop is late, and hands on what becomes of them."""

import asyncio
import contextvars
import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from azure.functions import meta

from local.host.durable.dynamic_concurrency import Pressure
from local.host.durable.model import Instance
from local.host.durable.protocol import clean
from local.host.invoke import Invoker
from local.host.logs import log, milliseconds

_TRACE_LIMIT = 4000


@dataclass(slots=True, eq=False)
class Work:
    """One attempt of an activity, as it is kept in the state file."""

    row: int
    instance: Instance
    generation: int
    task_id: int
    name: str
    input: str | None
    #: Whether an earlier process left it behind, and in how many it was taken up again before this one.
    recovered: bool = False
    crashes: int = 0

    @property
    def key(self) -> str:
        """The same for every delivery of the same attempt, and for no other."""
        return f"{self.instance.instance_id}/{self.instance.execution_id}/{self.task_id}"


@dataclass(frozen=True, slots=True)
class Result:
    """JSON text of what an activity returned, or why it failed."""

    output: str | None = None
    reason: str | None = None
    details: str = ""


class ActivityRunner:
    """Starts work in order of arrival.

    `mark` is awaited before recovered work starts; `done` is called on the loop with each result.
    """

    def __init__(
        self,
        activities: Mapping[str, Invoker],
        limit: int,
        mark: Callable[[Work], Awaitable[None]],
        done: Callable[[Work, Result], None],
    ) -> None:
        self._activities = activities
        self._pressure = Pressure(limit, lambda: len(self._running), self._fill)
        self._mark = mark
        self._done = done
        self._waiting: deque[Work] = deque()
        self._running: set[asyncio.Task[None]] = set()
        # Each activity gets a copy of this one, not of whatever request happened to start it.
        self._context = contextvars.copy_context()

    def knows(self, name: str) -> bool:
        """Whether the app has an activity of that name; case does not count."""
        return name.casefold() in self._activities

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def submit(self, items: Iterable[Work]) -> None:
        """Run these as soon as there is room."""
        self._waiting.extend(items)
        self._fill()

    async def stop(self) -> None:
        """Abandon everything; the work stays in the state file."""
        self._waiting.clear()
        self._pressure.stop()
        running = list(self._running)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=2)

    def _fill(self) -> None:
        loop = asyncio.get_running_loop()
        if self._waiting:
            self._pressure.watch()
        while self._waiting and len(self._running) < self._pressure.room:
            work = self._waiting.popleft()
            if work.instance.finished or work.instance.generation != work.generation:
                continue
            task = loop.create_task(self._run(work), context=self._context.copy())
            self._running.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("the host failed on an activity", exc_info=task.exception())
        self._fill()
        if not self._running:
            self._pressure.stop()

    async def _run(self, work: Work) -> None:
        if work.recovered:
            await self._mark(work)
        started = time.monotonic()
        invoker = self._activities[work.name.casefold()]
        datum = meta.Datum("null" if work.input is None else work.input, "json")
        try:
            answer = await invoker(datum, work.key)
        except Exception as error:  # noqa: BLE001  whatever an activity raises is its result
            log.warning("%s failed in %s: %s", work.name, work.key, type(error).__name__)
            self._done(work, _failure(work.name, error))
        else:
            log.debug("%s ended in %s, %s", work.name, work.key, milliseconds(started))
            self._done(work, Result(answer.value))


def _failure(name: str, error: Exception) -> Result:
    # Two blanks, as on Azure.
    reason = clean(f"Activity function '{name}' failed:  {type(error).__name__}: {error}")
    return Result(reason=reason, details=clean("".join(traceback.format_exception(error))[-_TRACE_LIMIT:]))
