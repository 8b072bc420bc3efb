"""Fair shares of a sandbox: every user's runs wait in a queue of their own, and free slots go round the queues."""

from collections import Counter
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Protocol

from shared.errors import Unavailable
from shared.sandbox.port import RunRequest, RunResult, Sandbox, Traits

#: Seconds a run waits for its turn before its caller had better come again.
WAIT = 30.0
#: Runs of one user that may be waiting or running.
QUEUE = 32


class Slots(Protocol):
    """Slots that are shared out among users."""

    def try_slot(self, user_id: str, timeout: float) -> AbstractAsyncContextManager[None]:
        """Hold a slot; raises `Unavailable` when there is none within `timeout` seconds."""
        ...


class SharedSandbox:
    """A sandbox whose runs each hold one slot of their user; cancelling a run that waits takes it out of the queue."""

    def __init__(self, sandbox: Sandbox, slots: Slots, *, wait: float = WAIT, queue: int = QUEUE) -> None:
        self._sandbox = sandbox
        self._slots = slots
        self._wait = wait
        self._queue = queue
        self._present: Counter[str] = Counter()

    @property
    def traits(self) -> Traits:
        """The engine behind it."""
        return self._sandbox.traits

    async def run(self, request: RunRequest) -> RunResult:
        """Wait for a slot, then run; raises `Unavailable` over the queue's bounds."""
        user_id = request.space.user_id
        if self._present[user_id] >= self._queue:
            raise Unavailable(
                f"{self._queue} of your runs are waiting or running already; try again when one has ended"
            )
        self._present[user_id] += 1
        try:
            return await self._in_slot(user_id, request)
        finally:
            self._present[user_id] -= 1
            if not self._present[user_id]:
                del self._present[user_id]

    async def _in_slot(self, user_id: str, request: RunRequest) -> RunResult:
        async with AsyncExitStack() as held:
            try:
                await held.enter_async_context(self._slots.try_slot(user_id, self._wait))
            except Unavailable as busy:
                raise Unavailable("the sandbox is busy with other runs; try again later", busy.retry_after) from None
            return await self._sandbox.run(request)

    async def close(self) -> None:
        """Close the sandbox."""
        await self._sandbox.close()
