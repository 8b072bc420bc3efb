"""`python -m tests.crash.run --kills 30`: kill the host in the middle of swarms, and compare with undisturbed ones.

With `--store cosmos` state is kept by the emulators, which live on while the host is killed.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from local.dev.stores import Store, kept_in
from tests.crash.crash_host import CLAIM, site
from tests.crash.crash_run import MOMENTS, Findings, disturbed, undisturbed
from tests.crash.crash_script import LATENCY, both, twice

#: Differences that are printed at most.
_SHOWN = 40


def big_swarm() -> dict[str, Any]:
    """About a hundred nodes: managers within managers, two rounds, questions, failures and a context."""
    nested = both("Write n1.md", "Program n2.py")
    managers = [
        both(*(f"{'Program' if n % 3 == 2 else 'Write'} m{m}n{n}.{'py' if n % 3 == 2 else 'md'}" for n in range(8)))
        for m in range(3)
    ]
    mixed = both(
        nested, "Write x1.md", "Break x2.py", "Ponder x3", "Program x4.py", "Write x5.md", "Write x6.md", "Write x7.md"
    )
    rounds = twice(["Write r1.md", "Program r2.py"], ["Write r3.md", "Write r4.md"])
    body = both(*managers, mixed, rounds, "Ask for a title", "Clarify the colour", "Write last.md")
    context = [{"name": f"notes{n}.md", "content": f"Fact number {n}."} for n in range(2)]
    return {"directive": body, "context": context, "limits": {"nodes": 400}}


def small_swarm() -> dict[str, Any]:
    """A dozen nodes of every kind."""
    directive = both("Write a.md", twice(["Program b.py"], ["Write c.md"]), "Ask for d", "Break e.py")
    return {"directive": directive, "context": [{"name": "notes.md", "content": "A fact."}]}


async def crash(
    folder: Path,
    body: dict[str, Any],
    kills: int,
    seed: int,
    *,
    moments: tuple[float, float] = MOMENTS,
    store: Mapping[str, str],
) -> tuple[Findings, float]:
    """What the kills did, and the seconds of the undisturbed run. `store` are the app's settings of its store."""
    async with site(folder / "undisturbed", store) as calm:
        expected, seconds = await undisturbed(calm, body)
    async with site(folder / "disturbed", store) as place:
        return await disturbed(place, body, expected, kills, Random(seed), moments), seconds


def main() -> int:
    """Run, print a short table, and exit with 1 on any difference or broken invariant."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.run", description=__doc__)
    parser.add_argument("--kills", type=int, default=30, metavar="N")
    parser.add_argument("--seed", type=int, help="the moments of the kills; a new one each time unless it is given")
    parser.add_argument("--store", type=Store, choices=list(Store), default=Store.SQLITE)
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else SystemRandom().randrange(10**6)
    _say(f"kill -9 at {arguments.kills} moments on {arguments.store}, seed {seed}")
    _say(f"each {MOMENTS[0]} to {MOMENTS[1]} s into the host's life or after its first model call")
    _say(f"model calls take {LATENCY[0] * 1000:.0f} to {LATENCY[1] * 1000:.0f} ms; claims last {CLAIM:.0f} s")
    with (
        tempfile.TemporaryDirectory(prefix="swarmstar-crash-", ignore_cleanup_errors=True) as folder,
        kept_in(arguments.store) as store,
    ):
        findings, calm = asyncio.run(crash(Path(folder), big_swarm(), arguments.kills, seed, store=store))
    _report(findings, calm)
    return 1 if findings.faults else 0


def _report(findings: Findings, calm: float) -> None:
    swarms = len(findings.swarms)
    rows = {
        "kills": len(findings.kills),
        "swarms": f"{swarms} of {findings.nodes // swarms} nodes",
        "seconds": f"{findings.seconds:.1f}, {calm:.1f} for one undisturbed swarm",
        "model calls": findings.calls,
        "calls made twice": f"{len(findings.repeated)}, each in flight at a kill",
        "longest wait after claims": f"{max(findings.stalls, default=0.0):.1f} s",
        "differences and faults": len(findings.faults),
    }
    for name, value in rows.items():
        _say(f"  {name:<27}{value}")
    for fault in findings.faults[:_SHOWN]:
        _say(f"  - {fault}")
    _say("FAILED" if findings.faults else "Same trees, same reports.")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
