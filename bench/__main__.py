"""`python -m bench`: measure, print the tables, and write `results.json` and the tables of `docs/benchmarks.md`."""

import argparse
import asyncio
import json
import os
import platform
import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.plan import REPEATS, Measured, carry_out, full, quick
from bench.processes import ROOT
from bench.report import Results, markdown

_PAGE = ROOT / "docs" / "benchmarks.md"
_RESULTS = Path(__file__).parent / "results.json"
_BLOCK = re.compile(r"(<!-- results -->\n).*(\n<!-- end of results -->)", re.DOTALL)
_VERSIONS = (
    "aiohttp",
    "aiosqlite",
    "azure-functions-durable",
    "langgraph",
    "langgraph-checkpoint-sqlite",
    "openai",
    "pydantic",
    "uvloop",
)


def main() -> int:
    """Parse the command line and measure. The exit status is 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only whether everything runs: 85 nodes, once")
    parser.add_argument("--results", type=Path, help="where results.json goes; by default into bench/, of a full run")
    parser.add_argument(
        "--repeats", type=int, default=REPEATS, help="runs of each workload, of which the median is told"
    )
    arguments = parser.parse_args()
    began = time.monotonic()
    measured, failed = asyncio.run(carry_out(quick() if arguments.quick else full(arguments.repeats)))
    machine = _machine(Results(measured), time.monotonic() - began)
    told = [_stated(machine), *(f"**Failed:** {what}" for what in failed), markdown(Results(measured))]
    tables = "\n\n".join(told)
    print(f"\n{tables}")
    path = arguments.results or (None if arguments.quick else _RESULTS)
    if path is not None:
        path.write_text(_as_json(machine, measured) + "\n")
    if not arguments.quick and arguments.results is None:
        page = _PAGE.read_text()
        _PAGE.write_text(_BLOCK.sub(lambda found: f"{found[1]}\n{tables}\n{found[2]}", page))
    return 1 if failed else 0


def _as_json(machine: dict[str, object], measured: Sequence[Measured]) -> str:
    return json.dumps({"machine": machine, "samples": [m.as_json() for m in measured]}, indent=1)


def _machine(results: Results, seconds: float) -> dict[str, object]:
    versions = {}
    for name in _VERSIONS:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "minutes": round(seconds / 60, 1),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "load": "{:.1f} to {:.1f}".format(*results.load()),
        "versions": versions,
    }


def _stated(machine: dict[str, object]) -> str:
    """One paragraph on what the figures were measured with."""
    versions = machine["versions"]
    assert isinstance(versions, dict)
    named = ", ".join(f"{name} {number}" for name, number in versions.items())
    return (
        f"Measured on {machine['date']} in {machine['minutes']} minutes, {machine['cpus']} cores, Python "
        f"{machine['python']}, {named}. One-minute load before the samples, the benchmark's own included: "
        f"{machine['load']}."
    )


if __name__ == "__main__":
    sys.exit(main())
