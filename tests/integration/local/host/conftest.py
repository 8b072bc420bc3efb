"""A host in this process on a state file of its own, and a client for its management addresses."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local.host import Host, HostSettings

APPS = Path(__file__).parent / "apps"
FINISHED = {"Completed", "Failed", "Terminated"}


class Running:
    """A started host and an HTTP session to it."""

    def __init__(self, app: str, state: Path, **overrides: Any) -> None:
        self.root = APPS / app
        self.state = state
        self.overrides = overrides
        self.session = aiohttp.ClientSession()

    async def start(self) -> None:
        settings = HostSettings.load(self.root).model_copy(update=self.overrides)
        self.host = Host(self.root, self.state, settings=settings)
        self.url = await self.host.start()

    async def stop(self) -> None:
        await self.host.stop()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    @property
    def module(self) -> Any:
        """The app's module, for its counters."""
        return sys.modules["function_app"]

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """A request to the app: status, and the body as JSON where it is JSON."""
        async with self.session.request(method, f"{self.url}/{path}", **options) as reply:
            text = await reply.text()
            return reply.status, json.loads(text) if "json" in reply.content_type and text else text

    async def manage(self, method: str, path: str, key: str | None = None, **options: Any) -> tuple[int, Any]:
        """A request to the management addresses."""
        parameters = {"code": key or self.host.key, **options.pop("params", {})}
        return await self.call(method, f"runtime/webhooks/durabletask/{path}", params=parameters, **options)

    async def begin(self, name: str, body: Any = None, instance_id: str = "") -> str:
        """Start an orchestration and return its id."""
        path = f"orchestrators/{name}" + (f"/{instance_id}" if instance_id else "")
        status, reply = await self.manage("POST", path, json=body)
        assert status == 202, reply
        return str(reply["id"])

    async def status(self, instance_id: str) -> dict[str, Any]:
        code, reply = await self.manage("GET", f"instances/{instance_id}")
        assert code in (200, 202), code
        return dict(reply)

    async def until(self, instance_id: str, condition: Callable[[dict[str, Any]], bool], timeout: float = 15) -> Any:
        """Poll the status until it meets the condition."""
        async with asyncio.timeout(timeout):
            while True:
                found = await self.status(instance_id)
                if condition(found):
                    return found
                await asyncio.sleep(0.005)

    async def end(self, instance_id: str, timeout: float = 15) -> dict[str, Any]:
        """The status once the orchestration has ended."""
        return dict(await self.until(instance_id, lambda found: found["runtimeStatus"] in FINISHED, timeout))

    async def output(self, name: str, body: Any = None) -> Any:
        """Run an orchestration to its successful end and return its output."""
        found = await self.end(await self.begin(name, body))
        assert found["runtimeStatus"] == "Completed", found
        return found["output"]

    async def send(self, instance_id: str, name: str, body: Any) -> None:
        status, reply = await self.manage("POST", f"instances/{instance_id}/raiseEvent/{name}", json=body)
        assert status == 202, reply

    async def control(self, instance_id: str, what: str) -> int:
        return (await self.manage("POST", f"instances/{instance_id}/{what}", params={"reason": "told so"}))[0]

    def rows(self, table: str) -> int:
        """How many rows a table of the state file holds, with everything committed."""
        return int(self.host._storage.query(f"SELECT count(*) FROM {table}")[0][0])


Starter = Callable[..., Awaitable[Running]]


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Starter]:
    """Starts a host for an app; ends it with the test."""
    running: list[Running] = []

    async def start(app: str, **overrides: Any) -> Running:
        host = Running(app, tmp_path / f"{app}.db", **overrides)
        running.append(host)
        await host.start()
        return host

    yield start
    for host in running:
        await host.session.close()
        await host.stop()


@pytest.fixture
async def flows(serve: Starter) -> Running:
    """The app of small orchestrations."""
    host = await serve("flows")
    host.module.EFFECTS.clear()
    host.module.SHAPE[:] = ["echo"]
    host.module.GATE[:] = [asyncio.Event()]
    return host
