"""Raw asyncio: what the workload costs without any orchestration, and with every node kept in SQLite."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.peers.group_commit import GroupCommit
from bench.peers.model import Ask
from bench.workload import Place, Workload, place_of

#: Makes a node's state durable: id, status, directive and report.
Keep = Callable[[str, str, str, str], Awaitable[None]]


async def run_raw(ask: Ask, workload: Workload, folder: Path) -> int:
    """Run the tree in memory; how many nodes there were."""
    del folder
    return await _node(ask, _keep_nothing, workload.root.directive)


async def run_raw_sqlite(ask: Ask, workload: Workload, folder: Path) -> int:
    """Run the tree with every node kept at its birth and at its end, many in one commit."""
    async with GroupCommit(folder / "nodes.db") as kept:
        return await _node(ask, kept.keep, workload.root.directive)


async def _keep_nothing(node_id: str, status: str, directive: str, report: str) -> None:
    del node_id, status, directive, report


async def _node(ask: Ask, keep: Keep, directive: str) -> int:
    _, nodes = await _report(ask, keep, directive)
    return nodes


async def _report(ask: Ask, keep: Keep, directive: str) -> tuple[str, int]:
    place = place_of(directive)
    await keep(place.node_id, "acting", directive, "")
    report, below = await (_manage if not place.is_leaf else _write)(ask, keep, place)
    await keep(place.node_id, "terminated", directive, report)
    return report, below + 1


async def _write(ask: Ask, keep: Keep, place: Place) -> tuple[str, int]:
    del keep
    return await ask("write", place, []), 0


async def _manage(ask: Ask, keep: Keep, place: Place) -> tuple[str, int]:
    plan = json.loads(await ask("plan", place, []))["sub_directives"]
    done = await asyncio.gather(*(_report(ask, keep, directive) for directive in plan))
    review = json.loads(await ask("review", place, [report for report, _ in done]))
    return review["report"], sum(nodes for _, nodes in done)
