"""Serve one peer as a process: a workload a line in, what became of it a line out."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path

import uvloop

from bench.measure import bytes_in
from bench.peers.model import Ask, Asked, ask_endpoint, ask_instantly
from bench.workload import Workload

Run = Callable[[Ask, Workload, Path], Awaitable[int]]


async def _serve(run: Run, ask: Ask, folder: Path) -> None:
    for line in iter(sys.stdin.readline, ""):
        with tempfile.TemporaryDirectory(dir=folder) as own:
            asked = Asked(ask)
            began = time.perf_counter()
            nodes = await run(asked, Workload(**json.loads(line)), Path(own))
            seconds = time.perf_counter() - began
            told = {"nodes": nodes, "calls": asked.calls, "seconds": seconds, "bytes": bytes_in(Path(own))}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Parse the command line and serve until the input ends."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("run", metavar="MODULE:FUNCTION")
    parser.add_argument("--base-url", help="without one, calls are answered at once in this process")
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    module, _, function = arguments.run.partition(":")
    run: Run = getattr(import_module(f"bench.peers.{module}"), function)
    uvloop.run(_in_loop(run, arguments.base_url, arguments.folder))


async def _in_loop(run: Run, base_url: str | None, folder: Path) -> None:
    await _serve(run, ask_endpoint(base_url) if base_url else ask_instantly, folder)


if __name__ == "__main__":
    main()
