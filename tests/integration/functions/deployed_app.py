"""The app on the embedded host of this process, with the scripted model."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local.host import Host, HostSettings
from shared import bootstrap

ROOT = Path(__file__).parents[3]
KEY = "sk-a-key-that-nobody-may-see"


@dataclass
class Answer:
    """An HTTP response."""

    status: int
    type: str
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Deployed:
    """The running app and a session to it."""

    host: Host
    session: aiohttp.ClientSession

    async def call(self, method: str, path: str, **options: Any) -> Answer:
        """A request to `/api/v1/{path}`."""
        async with self.session.request(method, f"{self.host.url}/api/v1/{path}", **options) as reply:
            return Answer(reply.status, reply.content_type, reply.headers, await reply.read())

    async def create(self, directive: str) -> str:
        """A new swarm; its id."""
        answer = await self.call("POST", "swarms", json={"directive": directive})
        assert answer.status == 202, answer
        return str(answer.json["swarm_id"])

    async def events(self, swarm_id: str, status: str) -> list[dict[str, Any]]:
        """The events of a swarm up to the first that tells of a status."""
        frame, events = 0, []
        for _ in range(60):
            page = (await self.call("GET", f"swarms/{swarm_id}/events?after={frame}&wait=1")).json
            frame = page["frame"]
            events += page["items"]
            if page["ended"] or any(event["status"] == status for event in page["items"]):
                return events
        raise AssertionError(f"no node came to be {status}: {events}")


@asynccontextmanager
async def serving(monkeypatch: pytest.MonkeyPatch, folder: Path, model_url: str) -> AsyncIterator[Deployed]:
    monkeypatch.setenv("SWARMSTAR_SPACES_DIR", str(folder / "spaces"))
    monkeypatch.setenv("SWARMSTAR_MODEL_BASE_URL", model_url)
    monkeypatch.setenv("SWARMSTAR_MODEL_API_KEY", KEY)
    _forget()
    host = Host(ROOT, folder / "host.db", settings=HostSettings.load(ROOT))
    await host.start()
    try:
        async with aiohttp.ClientSession() as session:
            yield Deployed(host, session)
    finally:
        await host.stop()
        for part in (bootstrap.model, bootstrap.store):
            if part.cache_info().currsize:
                await part().close()
        _forget()


def _forget() -> None:
    """The app is wired once in a process; each test here has its own."""
    for part in vars(bootstrap).values():
        if hasattr(part, "cache_clear"):
            part.cache_clear()
