"""The systems that are measured, each in a process of its own that is driven from here."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.host import serve_host
from bench.measure import cpu_seconds, peak_memory, reset_peak
from bench.processes import child
from bench.sample import Running, Sample
from bench.workload import Workload

#: Seconds one workload may take.
PATIENCE = 600.0


@dataclass(frozen=True, slots=True)
class System:
    """A system by name, and how it is started."""

    name: str
    #: For a peer, its `module:function` in `bench.peers`; for the host, empty.
    peer: str = ""
    #: Distributions that a peer needs, named with their versions in the results.
    needs: tuple[str, ...] = ()
    #: For the host, what is set beside the defaults.
    settings: dict[str, str] = field(default_factory=dict)

    def missing(self) -> str | None:
        """The first distribution it lacks."""
        for name in self.needs:
            try:
                version(name)
            except PackageNotFoundError:
                return name
        return None

    @asynccontextmanager
    async def started(self, base_url: str | None, folder: Path) -> AsyncIterator[Running]:
        """The system, up and warm; without a `base_url` its calls are answered in its own process."""
        serving = _serve_peer(self.peer, base_url, folder) if self.peer else serve_host(self.settings, base_url, folder)
        async with serving as running:
            for _ in range(2):  # imports, connections, caches
                await running.run(Workload(4, 2))
            yield running


PLANNED = {"SWARMSTAR_ROUTING": "planned", "SWARMSTAR_CHECK_PLANS": "false"}
SWARMSTAR = System("Swarm Star", settings=PLANNED)
SWARMSTAR_FULL = System("Swarm Star, routed and checked")
RAW = System("raw asyncio", peer="raw:run_raw")
RAW_SQLITE = System("raw asyncio + SQLite", peer="raw:run_raw_sqlite")
_LANGGRAPH = ("langgraph", "langgraph-checkpoint-sqlite")
LANGGRAPH = System("LangGraph, AsyncSqliteSaver", peer="langgraph:run_langgraph", needs=_LANGGRAPH)
LANGGRAPH_SYNC = System("LangGraph, AsyncSqliteSaver, sync", peer="langgraph:run_langgraph_sync", needs=_LANGGRAPH)
ALL = (SWARMSTAR, SWARMSTAR_FULL, RAW, RAW_SQLITE, LANGGRAPH, LANGGRAPH_SYNC)


def counted(system: System) -> System:
    """The host with its store operations counted, which costs time."""
    return replace(system, settings={**system.settings, "BENCH_COUNT": "1"})


class _Peer:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def run(self, workload: Workload) -> Sample:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        reset_peak(process.pid)
        before = cpu_seconds(process.pid)
        line = json.dumps({"b": workload.b, "d": workload.d, "latency": workload.latency})
        process.stdin.write(line.encode() + b"\n")
        answer = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
        if not answer:
            raise RuntimeError("the peer ended; its error is above")
        cpu = cpu_seconds(process.pid) - before
        told = json.loads(answer)
        return Sample(cpu=cpu, peak_memory=peak_memory(process.pid), **told)


@asynccontextmanager
async def _serve_peer(peer: str, base_url: str | None, folder: Path) -> AsyncIterator[Running]:
    url = ("--base-url", base_url) if base_url else ()
    async with child(sys.executable, "-m", "bench.peers", peer, "--folder", str(folder), *url) as process:
        yield _Peer(process)
