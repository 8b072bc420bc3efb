"""Carries requests from event loops to worker threads and their results back, many at a time.

Requests of one space wait in its lane. A worker takes all that wait there and runs them as one transaction, so
that the more meet the less each costs; results return to their loop together. No request has a task or a thread
of its own.
"""

import asyncio
import queue
import sqlite3
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from shared.adapters.sqlite.requests import Drop, Request, Result
from shared.adapters.sqlite.space import SpaceFile
from shared.errors import Unavailable
from shared.types import SpaceKey

#: The most requests and characters one transaction takes in.
MAX_BATCH = 512
MAX_BATCH_CHARACTERS = 16_000_000
#: The most requests that may wait in one lane.
MAX_WAITING = 100_000
#: How often a batch is tried against a busy file, each time for `folder.PATIENCE` seconds at most.
ATTEMPTS = 3

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}

T = TypeVar("T")


class _Bridge:
    """One event loop's side of the traffic."""

    __slots__ = ("arrived", "delivering", "loop", "waking")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        #: Whether `Dispatcher._wake` is on its way in this loop, and `deliver`.
        self.waking = False
        self.delivering = False
        self.arrived: deque[tuple[asyncio.Future[Any], Result]] = deque()

    def deliver(self) -> None:
        """Hand out what has arrived; runs in the loop."""
        self.delivering = False  # first, so that what arrives from here on calls again
        arrived = self.arrived
        while arrived:
            future, result = arrived.popleft()
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)


#: A request, and where its result goes.
_Entry = tuple[Request[Any], asyncio.Future[Any], _Bridge]


class _Lane:
    """The requests that wait for one space, and its file."""

    __slots__ = ("file", "queued", "running", "space", "waiting")

    def __init__(self, space: SpaceKey, file: SpaceFile) -> None:
        self.space = space
        self.file = file
        self.waiting: deque[_Entry] = deque()
        #: Whether a worker has it or will come to it.
        self.queued = False
        #: Whether a worker has it.
        self.running = False

    def take(self) -> list[_Entry]:
        """The next batch, in order; a drop is a batch of its own."""
        batch: list[_Entry] = []
        characters = 0
        while self.waiting and len(batch) < MAX_BATCH and characters < MAX_BATCH_CHARACTERS:
            request = self.waiting[0][0]
            is_drop = isinstance(request, Drop)
            if is_drop and batch:
                break
            batch.append(self.waiting.popleft())
            characters += request.weight()
            if is_drop:
                break
        return batch


class Dispatcher:
    """Lanes, the workers that serve them, and the bound on open files."""

    def __init__(self, open_file: Callable[[SpaceKey], SpaceFile], *, workers: int, max_open: int) -> None:
        self._new_file = open_file
        self._max_workers = workers
        self._max_open = max(max_open, workers)
        #: Lanes with work or an open file, the longest unused first.
        self._lanes: OrderedDict[SpaceKey, _Lane] = OrderedDict()
        #: Guards the lanes and their fields.
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._ready: queue.SimpleQueue[_Lane | None] = queue.SimpleQueue()
        self._to_wake: list[_Lane] = []
        self._workers: list[threading.Thread] = []
        #: How many lanes are `queued`, and so how many workers could be of use.
        self._queued = 0
        self._bridge: _Bridge | None = None
        self._closed = False

    def submit(self, space: SpaceKey, request: Request[T]) -> "asyncio.Future[T]":
        """Put a request into its lane; what is submitted in one turn of the loop sets off together.

        The future may raise what the request raises, or `Unavailable`.
        """
        loop = asyncio.get_running_loop()
        bridge = self._bridge
        if bridge is None or bridge.loop is not loop:
            bridge = self._bridge = _Bridge(loop)
        future: asyncio.Future[T] = loop.create_future()
        with self._lock:
            self._lane(space).waiting.append((request, future, bridge))
        if not bridge.waking:
            bridge.waking = True
            loop.call_soon(self._wake, bridge)
        return future

    def close(self) -> None:
        """Finish every request that was submitted, end the workers and close every file. Blocks."""
        with self._lock:
            self._closed = True
        self._wake(None)
        with self._idle:
            self._idle.wait_for(lambda: self._queued == 0)
            workers, self._workers = self._workers, []
            lanes = list(self._lanes.values())
            self._lanes.clear()
        for _ in workers:
            self._ready.put(None)
        for worker in workers:
            worker.join()
        for lane in lanes:
            lane.file.close()

    def _lane(self, space: SpaceKey) -> _Lane:
        """The lane of a space, told to wake; called with the lock."""
        if self._closed:
            raise Unavailable("the store is closed")
        lane = self._lanes.get(space)
        if lane is None:
            lane = self._lanes[space] = _Lane(space, self._new_file(space))
        if len(lane.waiting) >= MAX_WAITING:
            raise Unavailable("too much is waiting for this space", retry_after=1.0)
        if not lane.queued:
            lane.queued = True
            self._queued += 1
            self._to_wake.append(lane)
        return lane

    def _wake(self, bridge: _Bridge | None) -> None:
        """Hand the lanes with new work to the workers."""
        if bridge is not None:
            bridge.waking = False
        with self._lock:
            lanes, self._to_wake = self._to_wake, []
            while len(self._workers) < min(self._max_workers, self._queued):
                worker = threading.Thread(target=self._work, name="sqlite-store", daemon=True)
                self._workers.append(worker)
                worker.start()
        for lane in lanes:
            self._ready.put(lane)

    def _work(self) -> None:
        while (lane := self._ready.get()) is not None:
            with self._lock:
                lane.running = True
                entries = lane.take()
                spare = None if lane.file.is_open else self._file_over_bound()
            if spare is not None:
                spare.close()
            _deliver(entries, _run(lane.file, [entry[0] for entry in entries]))
            self._put_back(lane)

    def _file_over_bound(self) -> SpaceFile | None:
        """The longest unused open file, taken out of its lane, if one more would be too many; called with the lock."""
        in_use = [lane for lane in self._lanes.values() if lane.running or lane.file.is_open]
        if len(in_use) <= self._max_open:
            return None
        lane = next(lane for lane in in_use if not lane.running)
        file, lane.file = lane.file, self._new_file(lane.space)
        if not lane.queued:
            del self._lanes[lane.space]
        return file

    def _put_back(self, lane: _Lane) -> None:
        with self._idle:
            lane.running = False
            if lane.waiting:
                self._ready.put(lane)
                return
            lane.queued = False
            self._queued -= 1
            if lane.file.is_open:
                self._lanes.move_to_end(lane.space)
            else:
                del self._lanes[lane.space]
            if self._closed:
                self._idle.notify_all()


def _run(file: SpaceFile, requests: list[Request[object]]) -> list[Result]:
    """Run one batch, again if the file was busy; a failure of the file is the result of each request."""
    for _ in range(ATTEMPTS):
        try:
            return file.run(requests)
        except (sqlite3.Error, OSError) as error:
            failure = error
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _BUSY:
                break
        except Exception as error:  # noqa: BLE001 - a worker outlives every batch; its callers get the error
            return [error] * len(requests)
    reason = getattr(failure, "sqlite_errorname", None) or type(failure).__name__
    return [_unavailable(failure, reason) for _ in requests]


def _unavailable(cause: Exception, reason: str) -> Unavailable:
    """The error for a caller, who may see it: no path, no statement."""
    error = Unavailable(f"the store cannot serve now ({reason})", retry_after=1.0)
    error.__cause__ = cause
    return error


def _deliver(entries: list[_Entry], results: list[Result]) -> None:
    bridges = set()
    for (_, future, bridge), result in zip(entries, results, strict=True):
        bridge.arrived.append((future, result))
        bridges.add(bridge)
    for bridge in bridges:
        if not bridge.delivering:
            bridge.delivering = True
            with suppress(RuntimeError):  # the loop is closed and nobody waits there any more
                bridge.loop.call_soon_threadsafe(bridge.deliver)
