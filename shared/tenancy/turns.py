"""How much of one kind of work each user, and all users together, may have under way in one process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.errors import QuotaExceeded


class Turns:
    """Lets a bounded number of jobs of one kind run at once, in the order in which they came.

    Whoever waits longer than the patience allows is refused; without patience at once.
    """

    def __init__(
        self,
        kind: str,
        *,
        each_user: int,
        in_all: int | None = None,
        own_patience: float = 0.0,
        patience: float = 0.0,
        retry_after: float,
    ) -> None:
        """`kind` names the work in errors. Both patiences are in seconds: behind one's own jobs, and behind others'."""
        self._kind = kind
        self._each_user = each_user
        self._in_all = in_all
        self._own_patience = own_patience
        self._patience = patience
        self._retry_after = retry_after
        self._free = None if in_all is None else asyncio.Semaphore(in_all)
        #: Free turns of each user who has jobs, and how many jobs those are.
        self._own: dict[str, tuple[asyncio.Semaphore, int]] = {}

    @asynccontextmanager
    async def take(self, user_id: str) -> AsyncIterator[None]:
        """Hold one turn; raises `QuotaExceeded` with the seconds after which another try makes sense."""
        own, jobs = self._own.get(user_id, (asyncio.Semaphore(self._each_user), 0))
        self._own[user_id] = own, jobs + 1
        try:
            await self._acquire(own, self._own_patience, f"{self._each_user} of yours")
            try:
                if self._free is None:
                    yield
                    return
                await self._acquire(self._free, self._patience, f"{self._in_all} of all users")
                try:
                    yield
                finally:
                    self._free.release()
            finally:
                own.release()
        finally:
            self._leave(user_id)

    def _leave(self, user_id: str) -> None:
        own, jobs = self._own[user_id]
        if jobs > 1:
            self._own[user_id] = own, jobs - 1
        else:
            del self._own[user_id]

    async def _acquire(self, turns: asyncio.Semaphore, patience: float, taken: str) -> None:
        try:
            if turns.locked() and not patience:
                raise TimeoutError
            async with asyncio.timeout(patience or None):
                await turns.acquire()
        except TimeoutError:
            told = f"{self._kind} at once: {taken} run, which is the ceiling. Come back a little later."
            raise QuotaExceeded(told, self._retry_after) from None
