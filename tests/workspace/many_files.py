"""`python -m tests.workspace.many_files --files 5000`: a workspace of many files, in and out, with time and memory.

Every line is one thing that a user or a node does: how long it took, how much of that on a processor, and by how much
the process's peak of memory grew, so that what an earlier line needed is not counted again. Exits with 1 if anything
comes out otherwise than it went in.
"""

import argparse
import asyncio
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli.project_folder import read_folder
from local.dev.stores import Store as Kept
from local.dev.stores import kept_in
from shared.blobs import Blobs
from shared.config import Settings
from shared.store import Store
from shared.store.nodes import Nodes
from shared.swarm.budget import Lease
from shared.swarm.node import SwarmNode
from shared.swarm.statuses import Operation, Status
from shared.swarm.transitions import transition
from shared.types import SpaceKey, utc_now
from shared.workspace.merge_commit import MergingNode
from shared.workspace.model import FileContent, Merge
from shared.workspace.state_diff import patch_pieces
from shared.workspace.workspace import Workspace, Workspaces
from shared.workspace.zip_intake import ZipIntake
from shared.workspace.zip_output import zip_pieces

SPACE = SpaceKey("many", "files")
_FOLDERS = 50
#: The first folders after the very first, each of which has a text also in a small project.
_TEXTS = 19


class Counted:
    """Passes every call on to a store or to blobs, and counts them by name."""

    def __init__(self, port: Any) -> None:
        self._port = port
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        self.calls[name] += 1
        method: Callable[..., Any] = getattr(self._port, name)
        return method


@dataclass
class Measured:
    """What was done, how long it took and what it needed."""

    rows: list[tuple[str, float, float, float]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    #: Calls of the ports in one node's step: base, edit, merge, commit.
    step_calls: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        before, began, busy = _peak(), time.perf_counter(), time.process_time()
        yield
        took = time.perf_counter() - began, time.process_time() - busy
        self.rows.append((name, *took, _peak() - before))

    def expect(self, what: str, *, holds: bool) -> None:
        if not holds:
            self.faults.append(what)


def _peak() -> float:
    """The peak of this process's memory so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def make_project(folder: Path, files: int, size: int) -> dict[str, bytes]:
    """Write a project of so many files of about so many bytes; one in twenty is binary."""
    made: dict[str, bytes] = {}
    chosen = random.Random(1)
    for number in range(files):
        path = f"pkg{number % _FOLDERS}/part{number % 7}/file_{number}.{'bin' if number % 20 == 0 else 'py'}"
        line = f"value_{number} = {chosen.randrange(10**9)}\n".encode()
        content = b"\0" + chosen.randbytes(size) if number % 20 == 0 else line * (size // len(line) + 1)
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        made[path] = content
    return made


async def run(store: Store, blobs: Blobs, folder: Path, files: int, size: int) -> Measured:
    """Hand a project over, let nodes work on it, and take it out again."""
    measured = Measured()
    made = await asyncio.to_thread(make_project, folder / "project", files, size)
    counted = Counted(store), Counted(blobs)
    workspaces = Workspaces(counted[0], counted[1])  # type: ignore[arg-type]
    workspace = workspaces.of(SPACE)
    with measured.measure("the CLI reads the folder"):
        project = await asyncio.to_thread(read_folder, folder / "project")
    with measured.measure("contents are kept"):
        intake = await workspace.intake(project.contents())
    with measured.measure("they are handed over"):
        handed = await workspace.hand_over(intake)
    measured.expect("all files are handed over", holds=handed.files == files)
    node = await _node(store)
    with measured.measure("a node edits one file and merges, in a new process"):
        for port in counted:
            port.calls.clear()
        await _step(Workspaces(counted[0], counted[1]).of(SPACE), Nodes(store, SPACE), node, 0)  # type: ignore[arg-type]
        measured.step_calls = counted[0].calls + counted[1].calls
    with measured.measure("a hundred more do, in one process"):
        for number in range(1, 101):
            await _step(workspace, Nodes(store, SPACE), node, number)
    await _take_out(workspaces.of(SPACE), folder, measured, made)
    return measured


async def _take_out(workspace: Workspace, folder: Path, measured: Measured, made: dict[str, bytes]) -> None:
    current = await workspace.current()
    trees = [await workspace.tree(snapshot) for snapshot in (current.handed_over, current.snapshot)]
    draft = workspace.files(await workspace.draft(current.snapshot))
    with measured.measure("a search reads every file"):
        found = await draft.search("value_1 = ", limit=5)
    measured.expect("the search found its line", holds=len(found) == 5 or len(made) < 100)
    with measured.measure("the files come out as a zip file"):
        size = await _save(folder / "out.zip", zip_pieces(trees[0].files, workspace.contents))
    with measured.measure("the zip file is read again"), (folder / "out.zip").open("rb") as file:
        taken = await asyncio.to_thread(lambda: {one.path: one.content for one in ZipIntake(file)})
    measured.expect("the zip file holds what was handed over", holds=size > 0 and taken == made)
    with measured.measure("the patch of what the nodes changed"):
        await _save(folder / "changes.patch", patch_pieces(trees[0].files, trees[1].files, workspace.contents))
    with measured.measure("the patch that makes all files anew"):
        nothing: dict[str, FileContent] = {}
        await _save(folder / "all.patch", patch_pieces(nothing, trees[1].files, workspace.contents))


async def _save(target: Path, pieces: AsyncIterator[bytes]) -> int:
    size = 0
    with target.open("wb") as file:
        async for piece in pieces:
            size += file.write(piece)
    return size


async def _node(store: Store) -> str:
    node = SwarmNode(node_id="0", parent_id=None, action_id="a", directive="d", lease=Lease(nodes=1), workspace=1)
    await Nodes(store, SPACE).create(node.evolve(status=Status.ACTING))
    return node.node_id


async def _step(workspace: Workspace, nodes: Nodes, node_id: str, number: int) -> None:
    """What a node's end does: it edits a file of its draft, merges, commits, and is at work again."""
    held = await nodes.load(node_id)
    base = (await workspace.current()).snapshot
    files = workspace.files(await workspace.draft(base))
    path = files.files(f"pkg{number % _TEXTS + 1}", "*.py")[0][0]
    await files.apply(await files.append(path, f"changed = {number}\n"))
    merge = await workspace.merge(files.draft, MergingNode(node_id, held.node.version + 1, _no_fence))
    assert isinstance(merge, Merge)
    after = transition(held.node, Operation.SPAWN, Status.WAITING, utc_now(), workspace=merge.seq)
    await nodes.commit(held, after)
    await workspace.finish(merge)
    await nodes.rewrite(held, held.node.evolve(status=Status.ACTING))


async def _no_fence() -> None:
    raise AssertionError("nothing of this node is pending")


def main() -> int:
    """Measure, print a table, and exit with 1 on any difference."""
    parser = argparse.ArgumentParser(prog="python -m tests.workspace.many_files", description=__doc__)
    parser.add_argument("--files", type=int, default=5_000)
    parser.add_argument("--size", type=int, default=4_000, help="bytes of each file, about")
    parser.add_argument("--store", type=Kept, choices=list(Kept), default=Kept.SQLITE)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="swarmstar-files-") as name, kept_in(given.store) as settings:
        os.environ.update(settings, SWARMSTAR_SPACES_DIR=str(Path(name) / "spaces"))
        measured = asyncio.run(_wired(lambda store, blobs: run(store, blobs, Path(name), given.files, given.size)))
    _say(f"{given.files} files of about {given.size} bytes on {given.store}; before it {_START:.0f} MiB of memory")
    for row, seconds, busy, memory in measured.rows:
        _say(f"  {row:<52}{seconds:8.2f} s{busy:8.2f} s busy{memory:+6.0f} MiB")
    _say(f"  calls of the stores in one node's step: {dict(sorted(measured.step_calls.items()))}")
    for fault in measured.faults:
        _say(f"  - not so: {fault}")
    return 1 if measured.faults else 0


async def _wired(work: Callable[[Store, Blobs], Awaitable[Measured]]) -> Measured:
    from shared import bootstrap  # it reads the settings that were set above

    store, blobs = bootstrap.store(), bootstrap.blobs()
    assert Settings().spaces_dir == bootstrap.settings().spaces_dir
    try:
        return await work(store, blobs)
    finally:
        await store.close()
        await blobs.close()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


_START = _peak()

if __name__ == "__main__":
    sys.exit(main())
