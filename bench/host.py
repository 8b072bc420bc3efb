"""This project as the benchmark meets it: the whole embedded host as a process, driven over HTTP."""

import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from bench.measure import bytes_in, cpu_seconds, peak_memory, reset_peak
from bench.processes import ROOT, child, listening
from bench.sample import Sample
from bench.workload import MARKER, Workload

_KEY = "benchmark-key-of-the-host"
_APP = ROOT / "bench" / "app"
#: Larger than any frame, so that a request for the events after it waits for the end of the swarm.
_NEVER = 2**53 - 1
#: What a swarm may use: more than any workload does, and enough for equal shares down the tree.
_LIMITS = {
    "nodes": 20_000,
    "fan_out": 32,
    "depth": 8,
    "calls": 200_000,
    "tokens": 1_000_000_000,
    "cost_usd": 10_000,
    "wall_seconds": 3_600,
}
_ENVIRONMENT = {
    "SWARMSTAR_LOCAL_USER": "bench",
    "SWARMSTAR_MODEL_API_KEY": "none",
    "SWARMSTAR_HOST_KEY": _KEY,
    "SWARMSTAR_FAN_OUT": "32",
    # The peers have no bound on calls in flight.
    "SWARMSTAR_USER_CALLS": "5000",
    "SWARMSTAR_ALL_CALLS": "5000",
    "TASKHUB_NAME": "bench",
}


class HostRun:
    """The embedded host, up."""

    def __init__(self, pid: int, url: str, session: aiohttp.ClientSession, folder: Path) -> None:
        self._pid = pid
        self._url = url
        self._session = session
        self._folder = folder

    async def run(self, workload: Workload) -> Sample:
        """Submit a swarm that grows into the workload, and wait for its end. Raises `RuntimeError` for another tree."""
        before = await self._state()
        reset_peak(self._pid)
        began, cpu = time.time(), cpu_seconds(self._pid)
        swarm = await self._ended(workload)
        cpu = cpu_seconds(self._pid) - cpu
        peak = peak_memory(self._pid)
        after = await self._state()
        await self._check(workload, swarm)
        return Sample(
            seconds=datetime.fromisoformat(swarm["ended"]).timestamp() - began,
            cpu=cpu,
            calls=swarm["usage"]["calls"],
            nodes=swarm["nodes"],
            peak_memory=peak,
            bytes=bytes_in(self._folder / "spaces" / f"bench_{swarm['swarm_id']}"),
            extra={name: after[name] - before.get(name, 0) for name in after},
        )

    async def _ended(self, workload: Workload) -> dict[str, Any]:
        new = {"directive": workload.root.directive, "limits": _LIMITS}
        async with self._session.post(f"{self._url}/api/v1/swarms", json=new) as response:
            swarm_id = (await response.json())["swarm_id"]
        address = f"/api/v1/swarms/{swarm_id}"
        while not (await self._get(f"{address}/events?after={_NEVER}&wait=25"))["ended"]:
            pass
        swarm: dict[str, Any] = {"status": "running"}
        while swarm["status"] == "running":
            swarm = await self._get(address)
        return swarm

    async def _check(self, workload: Workload, swarm: dict[str, Any]) -> None:
        nodes = await self._nodes(f"/api/v1/swarms/{swarm['swarm_id']}/tree?limit=1000")
        acted = [node for node in nodes if not node["action_id"].startswith("routers.")]
        levels = Counter(node["depth"] for node in acted)
        wanted = {level: workload.b**level for level in range(workload.d + 1)}
        if levels != wanted or swarm["status"] != "completed" or swarm["nodes"] != workload.nodes:
            raise RuntimeError(f"the tree is not {workload.shape}: {dict(levels)}, {swarm['status']}")

    async def _nodes(self, address: str) -> list[dict[str, Any]]:
        page = await self._get(address)
        nodes = list(page["nodes"])
        while page["cursor"] is not None:
            page = await self._get(f"{address}&cursor={quote(page['cursor'])}")
            nodes += page["nodes"]
        return nodes

    async def _state(self) -> dict[str, float]:
        """Counters of the host, and of the store where it counts."""
        host = await self._get(f"/admin/host/status?code={_KEY}")
        store = await self._get("/bench/counts")
        kept = ("turns", "commits", "history_events_total", "history_bytes_total", "activities_total")
        return {**{name: float(host[name]) for name in kept}, **{f"store_{name}": n for name, n in store.items()}}

    async def _get(self, path: str) -> Any:
        async with self._session.get(f"{self._url}{path}") as response:
            if response.status != 200:
                raise RuntimeError(f"{path} answered {response.status}: {await response.text()}")
            return await response.json()


@asynccontextmanager
async def serve_host(settings: dict[str, str], base_url: str | None, folder: Path) -> AsyncIterator[HostRun]:
    """The host in its own process. At the end of the block its files must hold no content in Durable's history."""
    state = folder / "host.db"
    model = {"SWARMSTAR_MODEL_BASE_URL": base_url} if base_url else {"BENCH_INSTANT_MODEL": "1"}
    env = {**_ENVIRONMENT, **settings, **model, "SWARMSTAR_SPACES_DIR": str(folder / "spaces")}
    command = ("-m", "local.host", "--root", str(_APP), "--port", "0", "--state", str(state), "--log-level", "WARNING")
    async with child(sys.executable, *command, env=env) as process:
        url = await listening(process)
        async with aiohttp.ClientSession() as session:
            yield HostRun(process.pid, url, session, folder)
    _check_history(state)


def _check_history(state: Path) -> None:
    """Raise `RuntimeError` if a directive or a report got into the host's own files."""
    for path in state.parent.glob(f"{state.name}*"):
        if MARKER.encode() in path.read_bytes():
            raise RuntimeError(f"{path.name} holds content of a directive or a report")
