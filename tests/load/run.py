"""`python -m tests.load.run --users 50 --swarms 4`: many users' swarms at once; exits with 1 on any difference.

Every text of a swarm bears its mark, so that whatever crosses from one user to another is seen: by the model, in the
answers to each user's key, and in the store. Meanwhile a steady client asks for what a user interface shows.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from local.dev.stores import Store, kept_in
from tests.load.load_client import RATE
from tests.load.load_model import LATENCY
from tests.load.load_run import Findings, Load, run

#: Differences that are printed at most.
_SHOWN = 40


def main() -> int:
    """Run, print what it took, and exit with 1 on any difference."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.run", description=__doc__)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--swarms", type=int, default=4, help="of each user, all at once")
    parser.add_argument("--latency", type=float, nargs=2, default=LATENCY, metavar=("LOW", "HIGH"))
    parser.add_argument("--store", type=Store, choices=list(Store), default=Store.SQLITE)
    given = parser.parse_args()
    low, high = given.latency
    _say(f"{given.users} users with {given.swarms} swarms each at once, on {given.store}")
    _say(f"model calls take {low * 1000:.0f} to {high * 1000:.0f} ms; users look on {RATE:.0f} times a second")
    with (
        tempfile.TemporaryDirectory(prefix="swarmstar-load-", ignore_cleanup_errors=True) as folder,
        kept_in(given.store) as store,
    ):
        findings = asyncio.run(run(Path(folder), Load(given.users, given.swarms, (low, high), store=store)))
    _report(findings, given.users * given.swarms)
    return 1 if findings.faults else 0


def _report(findings: Findings, swarms: int) -> None:
    rows = {
        "swarms": f"{swarms}, and one before them alone",
        "nodes": f"{findings.nodes}, routers among them",
        "model calls": findings.calls,
        "seconds": f"{findings.seconds:.1f}, {findings.alone:.1f} for one alone",
        "nodes a second": f"{findings.nodes * swarms / (swarms + 1) / findings.seconds:.0f}",
        "the host's peak memory": "unknown" if findings.peak is None else f"{findings.peak:.0f} MiB",
        "the host's processor time": "unknown" if findings.cpu is None else f"{findings.cpu:.1f} s",
        "differences and faults": len(findings.faults),
    }
    for name, value in rows.items():
        _say(f"  {name:<27}{value}")
    _say(f"  {'milliseconds':<27}{'idle: p50    p95    p99    max':>38}{'busy: p50    p95    p99    max':>38}")
    kinds = {kind: (findings.idle.seconds.get(kind, []), times) for kind, times in findings.busy.seconds.items()}
    for kind, (idle, busy) in {**kinds, "create, all at once": ([], findings.creating)}.items():
        _say(f"  {kind:<27}{_times(idle):>38}{_times(busy):>38}")
    for fault in findings.faults[:_SHOWN]:
        _say(f"  - {fault}")
    _say("FAILED" if findings.faults else "Nothing crossed; same trees, same reports, right bills.")


def _times(seconds: list[float]) -> str:
    if not seconds:
        return ""
    ordered = sorted(seconds)
    shown = [ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.95, 0.99, 1.0)]
    return "".join(f"{one * 1000:7.0f}" for one in shown)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
