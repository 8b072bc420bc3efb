"""How much of one kind of work each user, and all users together, may have under way in one process."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.errors import QuotaExceeded


class Turns:
    """Lets a bounded number of jobs of one kind run at once; a user over their own bound is refused, not queued."""

    def __init__(self, kind: str, *, each_user: int, in_all: int, patience: float = 0.0, retry_after: float) -> None:
        """`kind` names the work in errors. Who finds all turns taken waits `patience` seconds for one."""
        self._kind = kind
        self._each_user = each_user
        self._in_all = in_all
        self._patience = patience
        self._retry_after = retry_after
        self._free = asyncio.Semaphore(in_all)
        #: Turns that each user has, or waits for.
        self._taken: Counter[str] = Counter()

    @asynccontextmanager
    async def take(self, user_id: str) -> AsyncIterator[None]:
        """Hold one turn; raises `QuotaExceeded` with the seconds after which another try makes sense."""
        if self._taken[user_id] >= self._each_user:
            raise self._refusal(f"{self._each_user} of yours run, which is the ceiling")
        self._taken[user_id] += 1
        try:
            await self._acquire()
            try:
                yield
            finally:
                self._free.release()
        finally:
            self._taken[user_id] -= 1
            if not self._taken[user_id]:
                del self._taken[user_id]

    async def _acquire(self) -> None:
        if self._free.locked() and not self._patience:
            raise self._refusal(f"{self._in_all} run for all users, which is the ceiling")
        try:
            async with asyncio.timeout(self._patience or None):
                await self._free.acquire()
        except TimeoutError:
            raise self._refusal(f"{self._in_all} run for all users, which is the ceiling") from None

    def _refusal(self, why: str) -> QuotaExceeded:
        return QuotaExceeded(f"{self._kind} at once: {why}. Come back a little later.", self._retry_after)
