"""Calls back when durable timers are due, by the wall clock."""

import asyncio
import heapq
import time
from collections.abc import Callable

#: A longer wait is made in steps: the wall clock may be set meanwhile.
_LONGEST_WAIT = 60.0


class Alarms:
    """A heap of deadlines, in Unix seconds, with one loop timer for the earliest."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []
        self._calls: dict[int, Callable[[], None]] = {}
        self._handle: asyncio.TimerHandle | None = None

    def set(self, key: int, due: float, call: Callable[[], None]) -> None:
        """Call back once `due` is reached; at once, but not within this call, if it is past."""
        self._calls[key] = call
        heapq.heappush(self._heap, (due, key))
        if self._heap[0][1] == key:
            self._arm()

    def cancel(self, key: int) -> None:
        """Forget a deadline. Does nothing if it has passed."""
        self._calls.pop(key, None)

    def stop(self) -> None:
        """Call nobody back any more."""
        self._calls.clear()
        self._heap.clear()
        if self._handle is not None:
            self._handle.cancel()

    def _arm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        wait = min(max(self._heap[0][0] - time.time(), 0.0), _LONGEST_WAIT)
        self._handle = asyncio.get_running_loop().call_later(wait, self._ring)

    def _ring(self) -> None:
        self._handle = None
        now = time.time()
        while self._heap and (self._heap[0][0] <= now or self._heap[0][1] not in self._calls):
            call = self._calls.pop(heapq.heappop(self._heap)[1], None)
            if call is not None:
                call()
        if self._heap and self._handle is None:
            self._arm()
