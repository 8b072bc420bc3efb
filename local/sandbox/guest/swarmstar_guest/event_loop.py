"""An asyncio event loop without sockets: timers, tasks and calls to threads."""

import asyncio
import asyncio.base_events
import asyncio.events
import asyncio.runners
from collections.abc import Callable
from typing import Any

from swarmstar_guest.threads import run_pending, sleep

_run = asyncio.run


class _Timers:
    """What the loop waits with: there is nothing to wait for but time."""

    def select(self, timeout: float | None = None) -> list[Any]:
        """Wait; raises `RuntimeError` where nothing can end the wait."""
        if run_pending():
            return []
        if timeout is None:
            raise RuntimeError("the event loop waits for ever: the sandbox has no sockets and no other threads")
        sleep(max(timeout, 0))
        return []

    def close(self) -> None:
        """Nothing is open."""

    def get_map(self) -> dict[Any, Any]:
        """Nothing is watched."""
        return {}


class SandboxLoop(asyncio.base_events.BaseEventLoop):
    """The one event loop of the sandbox."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _Timers()

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """Run the call at once."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """There is none."""


class _Policy(asyncio.events._BaseDefaultEventLoopPolicy):
    _loop_factory = SandboxLoop


def install() -> None:
    """Make it the default loop; called again for each program, since making the component replaced parts of asyncio."""
    asyncio.SelectorEventLoop = asyncio.DefaultEventLoop = SandboxLoop
    asyncio.new_event_loop = asyncio.events.new_event_loop = SandboxLoop
    asyncio.run = asyncio.runners.run = _run
    asyncio.events._event_loop_policy = _Policy()
    asyncio.events._set_running_loop(None)
