"""The processes of a crash test, each in a folder of its own: the scripted model, the host that is killed, its user."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

from shared.adapters.sqlite.folder import make_folder
from shared.types import SpaceKey
from tests.crash.crash_store import Keeping, leftovers

ROOT = Path(__file__).resolve().parents[2]
USER = "local"
#: Seconds a worker's claim lasts, much shorter than the default so that a run of many kills is short.
CLAIM = 2.0
#: Seconds a process may take to start.
_START = 30.0
#: Seconds between two looks of the user.
_LOOK = 0.1
#: Seconds between two looks at the log of calls.
_GLANCE = 0.02


class Process:
    """One of the repo's servers as a process; its log is a file beside its data."""

    def __init__(self, log: Path, *arguments: str, **environment: str) -> None:
        self._log = log
        self._arguments = arguments
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("SWARMSTAR_")} | environment
        self._process: asyncio.subprocess.Process | None = None
        self.url = ""

    async def start(self) -> None:
        """Start, and wait until it listens."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", *self._arguments),
                cwd=ROOT,
                env=self._environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        async with asyncio.timeout(_START):
            line = (await self._process.stdout.readline()).decode()
        if not line.startswith("Listening on "):
            raise RuntimeError(f"{self._arguments[0]} did not start; see {self._log}")
        self.url = line.removeprefix("Listening on ").strip()

    async def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal and wait until the process is gone."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.send_signal(number)
        try:
            async with asyncio.timeout(_START):
                await process.wait()
        except TimeoutError:
            process.kill()
            raise

    @property
    def pid(self) -> int | None:
        """Its id while it runs."""
        return self._process.pid if self._process is not None and self.alive else None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.returncode is None


class Site:
    """A deployment in a folder: model, host, spaces, and a user's view of them."""

    def __init__(
        self, folder: Path, session: aiohttp.ClientSession, model: Process, calls: Path, store: Mapping[str, str]
    ) -> None:
        self.folder = folder
        self.kept = Keeping(folder / "spaces", store)
        self.state = folder / "host.db"
        self.model = model
        self._calls = calls
        self._session = session
        self.host = Process(
            folder / "host.log",
            *("local.host", "--root", str(ROOT), "--no-local-settings", "--port", "0"),
            *("--state", str(self.state), "--log-level", "WARNING"),
            SWARMSTAR_MODEL_BASE_URL=f"{model.url}/v1",
            SWARMSTAR_MODEL_API_KEY="scripted",
            SWARMSTAR_LOCAL_USER=USER,
            SWARMSTAR_SPACES_DIR=str(self.kept.spaces),
            SWARMSTAR_CLAIM_SECONDS=str(CLAIM),
            SWARMSTAR_SWEEP_AFTER="1",
            TASKHUB_NAME="crash",
            **store,
        )

    def calls(self) -> list[str]:
        """The step keys that reached the model so far, in the order of their arrival."""
        if not self._calls.exists():
            return []
        return [json.loads(line)["step"] for line in self._calls.read_text().splitlines()]

    async def create(self, body: dict[str, Any]) -> str:
        """Hand a directive in; the swarm's id."""
        return str((await self._ask("POST", "swarms", body))["swarm_id"])

    async def attend(self, swarm_id: str) -> None:
        """Be the user until the swarm has ended: answer what it asks, and come back when the host does not answer."""
        while True:
            with suppress(aiohttp.ClientError, OSError, TimeoutError):
                if (await self._ask("GET", f"swarms/{swarm_id}"))["status"] != "running":
                    return
                await self._answer(swarm_id)
            await asyncio.sleep(_LOOK)

    async def _answer(self, swarm_id: str) -> None:
        for question in (await self._ask("GET", f"swarms/{swarm_id}/questions"))["items"]:
            if question["state"] == "open":
                place = f"swarms/{swarm_id}/questions/{question['question_id']}/answer"
                await self._ask("POST", place, {"answer": f"Answer to {question['question']}"})

    async def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        async with self._session.request(method, f"{self.host.url}/api/v1/{path}", json=body) as reply:
            reply.raise_for_status()
            return dict(await reply.json())

    async def journalled(self, swarm_id: str) -> set[str]:
        """The step keys whose model calls are written down, as a kill left them."""
        return await self.kept.journalled(SpaceKey(USER, swarm_id), self.folder / "seen")

    def leftovers(self) -> list[str]:
        """What the host still has to do or did not do well, in words."""
        return leftovers(self.state, self.folder / "seen")

    async def next_call(self) -> None:
        """Wait until the model gets a call."""
        size = self._calls.stat().st_size
        for _ in range(int(_START / _GLANCE)):
            if self._calls.stat().st_size > size:
                return
            await asyncio.sleep(_GLANCE)


@asynccontextmanager
async def site(folder: Path, store: Mapping[str, str]) -> AsyncIterator[Site]:
    """A site whose model runs; its host is started by whoever uses it. All processes end with it.

    `store` are the app's settings of a store that outlives the host, or nothing for files in the folder.
    """
    make_folder(folder)
    calls = folder / "calls.jsonl"
    rules = "tests.crash.crash_script:slow_rule"
    model = Process(folder / "model.log", "local.scripted", "--rules", rules, "--log", str(calls))
    await model.start()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        place = Site(folder, session, model, calls, store)
        try:
            yield place
        finally:
            await place.host.end(signal.SIGKILL)
            await model.end()
