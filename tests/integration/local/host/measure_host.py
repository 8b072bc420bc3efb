"""Measures the host alone: a tree of 111 orchestrators over 1,000 activities that do nothing.

    python tests/integration/local/host/measure_host.py [RUNS]

Prints, for each run in one process, activities a second, CPU time an activity (user and system, client included),
commits, and what an activity costs in history events, history bytes and bytes written to the state file.
"""

import asyncio
import gc
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

sys.path.insert(0, str(Path(__file__).parents[4]))

from local.host import Host
from local.host.logs import configure

APP = Path(__file__).parent / "apps" / "fanout"


async def measure(runs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "host.db"
        host = Host(APP, state)
        url = await host.start()
        # As `python -m local.host` does.
        gc.freeze()
        gc.set_threshold(20_000, 50, 50)
        async with aiohttp.ClientSession() as session:
            for _ in range(runs):
                sys.stdout.write(await run(host, session, url, state) + "\n")
        await host.stop()


async def run(host: Host, session: aiohttp.ClientSession, url: str, state: Path) -> str:
    before, wal_before = host.stats(), state.with_name("host.db-wal").stat().st_size
    wall, cpu = time.perf_counter(), time.process_time()
    async with session.post(f"{url}/trees/2/10") as reply:
        assert reply.status == 200, await reply.text()
    while host.stats()["running"]:  # noqa: ASYNC110  outside the loop there is nothing to wait for
        await asyncio.sleep(0.005)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    grown = {name: value - before[name] for name, value in host.stats().items()}
    count = grown["activities_total"]
    written = state.with_name("host.db-wal").stat().st_size - wal_before
    return (
        f"{count / wall:6.0f} activities/s  {cpu / count * 1000:.3f} ms CPU each  {grown['commits']} commits  "
        f"{grown['turns']} turns  {grown['history_events_total'] / count:.2f} events and "
        f"{grown['history_bytes_total'] / count:.0f} history bytes each  {written / count:.0f} WAL bytes each"
    )


if __name__ == "__main__":
    configure("WARNING")
    try:
        import uvloop
    except ImportError:
        asyncio.run(measure(int(sys.argv[1]) if sys.argv[1:] else 5))
    else:
        uvloop.run(measure(int(sys.argv[1]) if sys.argv[1:] else 5))
