"""How many activities may run at once while the loop keeps up, and while it does not.

Requests, turns and activities share one loop. Activities that mostly wait for a model cost it little, and hundreds
may run; but when their answers come faster than the loop can work them off, each further one only makes everybody
wait longer. So the room for new activities shrinks while the loop is late and grows again when it is not, as on Azure
with dynamic concurrency.
"""

import asyncio
import time
from collections.abc import Callable

#: Seconds between two looks, and by how much the loop may be late at one.
BEAT = 0.05
LATE = 0.025
#: Room that stays however late the loop is; what is left, of what is in use, and what comes back at each look.
FLOOR = 16
SHRINK = 0.9
GROW = 1


class Pressure:
    """Room for activities, by how late the loop is.

    `running` tells how many there are, and `more` is called when there may be more.
    """

    def __init__(self, limit: int, running: Callable[[], int], more: Callable[[], None]) -> None:
        self._limit = limit
        self._running = running
        self._more = more
        self._room = float(limit)
        self._due = 0.0
        self._beat: asyncio.TimerHandle | None = None

    @property
    def room(self) -> int:
        """How many activities may run at once now."""
        return int(self._room)

    def watch(self) -> None:
        """Look from now on, until `stop`; may be called again."""
        if self._beat is None:
            self._set()

    def stop(self) -> None:
        """Look no more, and give all the room there is."""
        if self._beat is not None:
            self._beat.cancel()
        self._beat, self._room = None, float(self._limit)

    def _set(self) -> None:
        self._due = time.monotonic() + BEAT
        self._beat = asyncio.get_running_loop().call_later(BEAT, self._look)

    def _look(self) -> None:
        late = time.monotonic() - self._due
        self._set()
        self.heed(late)

    def heed(self, late: float) -> None:
        """Change the room by how many seconds the loop is late."""
        if late > LATE:
            self._room = max(min(self._room, self._running()) * SHRINK, min(FLOOR, self._limit))
        elif self._room < self._limit:
            self._room = min(self._room + GROW, self._limit)
            self._more()
