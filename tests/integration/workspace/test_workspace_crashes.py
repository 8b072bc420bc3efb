"""Workers that die between any two writes, or lose their node, in any interleaving: no content is lost.

What must hold at the end, whatever happened: every node's merge that history names is there and no other; the files
are what the merges come to one after another, and so are the heads; every line that a node wrote and nobody took away
is in a file, or beside one as the other side of a conflict; every content that was ever named is still readable.
"""

import asyncio
import shutil
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.adapters.filesystem import FilesystemBlobs
from shared.adapters.sqlite import SqliteStore
from shared.blobs import Blobs
from shared.errors import Conflict, Unavailable
from shared.store import Category, Store, Stored
from shared.store.history import History
from shared.swarm.history import replay
from shared.workspace import merge_commit
from shared.workspace.draft import Draft
from shared.workspace.model import EMPTY, ChangeList, FileContent, Head
from shared.workspace.paths import PathIndex, head_id
from shared.workspace.tree import Tree
from tests.integration.workspace.workspace_memory import (
    Died,
    Life,
    LivingBlobs,
    LivingStore,
    MemoryBlobs,
    MemoryStore,
    Turns,
)
from tests.integration.workspace.workspace_world import SPACE, Clock, Step, Worker, WorkspaceWorld

BASE = {
    "a.txt": b"".join(b"base a%d\n" % n for n in range(9)),
    "dir/b.txt": b"".join(b"base b%d\r\n" % n for n in range(9)),
    "c.bin": b"\0base c",
}
#: Lives after which a node is given up by the test; every life but the first few is undisturbed.
LIVES = 60


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge_commit, "PAUSE", 0.0)
    monkeypatch.setattr(merge_commit, "LOOKS", 4)


async def lives(world: WorkspaceWorld, node: str, steps: list[Step], deaths: list[Life], turns: Turns | None) -> None:
    """Let a node's workers live one after another until it has ended."""
    for number in range(LIVES):
        life = deaths[number] if number < len(deaths) else Life(turns=turns)
        store, blobs = LivingStore(world.store, life), LivingBlobs(world.blobs, life)
        worker = Worker(WorkspaceWorld(store, blobs, world.clock), node, steps, f"{node}/{number}")
        with suppress(Died, Conflict, Unavailable):
            await worker.run()
            return
        world.clock.pass_seconds(4)
    raise AssertionError(f"{node} did not end")


async def faults(world: WorkspaceWorld) -> list[str]:
    """Everything that is wrong with how a workspace ended."""
    workspace = WorkspaceWorld(world.store, world.blobs, world.clock).workspace
    current = await workspace.current()
    merges, _ = await workspace.merges(limit=1_000)
    listed = [await workspace.contents.changes(merge.changes) for merge in merges]
    # A worker that died between reserving a frame and its commit left a gap, which the sweep seals.
    later = world.clock() + timedelta(hours=1)
    await History(world.store, SPACE).seal(later, later)
    found = await world.history_faults()
    events = await History(world.store, SPACE).read_all()
    named = {
        (int(e.changes["workspace"]), e.node_id) for e in events if e.changes.get("workspace") and e.node_id != "0"
    }
    if named != {(merge.seq, merge.node_id) for merge in merges if merge.node_id}:
        found.append(f"history names the merges {sorted(named)}, and there are {[merge.seq for merge in merges]}")
    if [merge.onto.seq for merge in merges] != [0, *[merge.seq for merge in merges]][:-1]:
        found.append("a merge is not onto the one before it")
    frames = [
        e.frame for e in sorted(events, key=lambda e: int(e.changes.get("workspace", 0))) if "workspace" in e.changes
    ]
    if frames != sorted(frames):
        found.append("merges and frames are not in one order")
    tree = Tree()
    for changes in listed:
        tree = tree.changed(changes)
    shown = await workspace.tree(current.snapshot)
    if current.pending or tree.files != shown.files or await workspace.at_frame(len(events)) != current.snapshot:
        found.append("the files are not what the merges come to")
    PathIndex(tree.files)  # raises if two of them clash
    found += await _head_faults(world, tree, listed)
    return found + await _content_faults(world, listed)


async def _head_faults(world: WorkspaceWorld, tree: Tree, listed: list[ChangeList]) -> list[str]:
    heads = {item.key: Head.model_validate_json(item.value) for item in (await _heads(world))}
    found = []
    for path, file in tree.files.items():
        head = heads.get(head_id(path))
        if head is None or (head.path, head.sha256, head.deleted) != (path, file.sha256, False):
            found.append(f"the head of {path} is {head}")
    live = {head_id(path) for path in tree.files}
    found += [
        f"the head of {head.path} says it is there" for key, head in heads.items() if (key not in live) != head.deleted
    ]
    for key, head in heads.items():
        changed = [changes.seq for changes in listed if key in {head_id(change.path) for change in changes.changes}]
        if (head.version, head.seq) != (len(changed), changed[-1]):
            found.append(f"the head of {head.path} has version {head.version} of {head.seq} after {changed}")
    return found


async def _heads(world: WorkspaceWorld) -> list[Stored]:
    return list((await world.store.scan(SPACE, Category.WORKSPACE, after=0, limit=1_000)).items)


async def _content_faults(world: WorkspaceWorld, listed: list[ChangeList]) -> list[str]:
    contents = world.workspace.contents
    found = []
    for change in (change for changes in listed for change in changes.changes):
        for content in (change.after, *(side.content for side in change.kept)):
            if content is not None and len(await contents.read(content)) != content.size:
                found.append(f"{change.path} has lost its content")
    return found


async def lost_lines(world: WorkspaceWorld, scripts: dict[str, list[Step]]) -> set[str]:
    """Lines that nodes wrote, that no node removed, and that are nowhere to be found."""
    workspace = world.workspace
    tree = await workspace.tree((await workspace.current()).snapshot)
    there: set[bytes] = set()
    for file in tree.files.values():
        for content in (file.content, *(side.content for side in file.kept)):
            there |= set((await workspace.contents.read(content)).splitlines()) if content else set()
    written: dict[str, set[bytes]] = {}
    for node in scripts:
        written[node] = await _left_by(world, node)
    removed = {line for node in scripts for line in await _removed_by(world, node)}
    return {line.decode() for lines in written.values() for line in lines - there - removed}


async def _draft(world: WorkspaceWorld, node: str, steps: int) -> Draft:
    """The draft that a node's journal comes to, without the rebases of its end."""
    worker = Worker(world, node, [])
    entries = [await worker.find(number) for number in range(steps + 1)]
    return await world.workspace.draft(EMPTY, [entry for entry in entries if entry])


async def _lines(world: WorkspaceWorld, content: FileContent | None) -> set[bytes]:
    return set() if content is None else set((await world.workspace.contents.read(content)).splitlines())


async def _left_by(world: WorkspaceWorld, node: str) -> set[bytes]:
    """The lines that a node's draft has and its base does not."""
    draft = await _draft(world, node, STEPS)
    base = set().union(*[await _lines(world, file) for file in draft.tree.files.values()])
    return set().union(*[await _lines(world, change.after) for change in draft.changes.values()]) - base


async def _removed_by(world: WorkspaceWorld, node: str) -> set[bytes]:
    """The lines that a node's base has and its draft does not, which it took away knowingly."""
    draft = await _draft(world, node, STEPS)
    base = set().union(*[await _lines(world, file) for file in draft.tree.files.values()])
    for path in draft.changes.keys() & draft.tree.files.keys():  # and the sides it saw beside a file that it changed
        base |= set().union(*[await _lines(world, side.content) for side in draft.tree.files[path].kept])
    return base - set().union(*[await _lines(world, draft.find(path)) for path in draft.paths()])


STEPS = 4
PATHS = st.sampled_from(["a.txt", "A.txt", "dir/b.txt", "dir", "dir2/b.txt", "new.txt", "new.txt/x", "c.bin"])
OLD = st.sampled_from([f"base {letter}{n}" for letter in "ab" for n in range(9)])


@st.composite
def scripts(draw: st.DrawFn) -> dict[str, list[Step]]:
    """What two to four nodes do; every line that one writes says who wrote it when."""
    made: dict[str, list[Step]] = {}
    for node in range(draw(st.integers(2, 4))):
        steps: list[Step] = []
        for number in range(STEPS):
            line = f"node {node} step {number}"
            steps.append(
                draw(
                    st.one_of(
                        st.builds(lambda path, line=line: ("append", path, f"{line}\n"), PATHS),
                        st.builds(lambda path, line=line: ("write", path, f"{line}\n"), PATHS),
                        st.builds(lambda path, old, line=line: ("edit", path, old, line), PATHS, OLD),
                        st.builds(lambda path, to: ("move", path, to), PATHS, PATHS),
                        st.builds(lambda path: ("delete", path), PATHS),
                    )
                )
            )
        made[f"0.{node}"] = steps
    return made


DEATHS = st.lists(st.tuples(st.integers(1, 30), st.booleans()), max_size=3)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
@given(scripts(), st.data())
def test_no_interleaving_and_no_death_loses_content(script: dict[str, list[Step]], data: st.DataObject) -> None:
    deaths = {node: data.draw(DEATHS, f"deaths of {node}") for node in script}
    order = data.draw(st.randoms(use_true_random=False), "order")

    async def run() -> None:
        world = WorkspaceWorld(MemoryStore(), MemoryBlobs(), Clock())
        handed = await world.hand_over(BASE)
        await world.create_nodes(len(script), workspace=handed.seq)
        turns = Turns()
        tasks = [
            asyncio.create_task(
                lives(world, node, steps, [Life(n, after=after, turns=turns) for n, after in deaths[node]], turns)
            )
            for node, steps in script.items()
        ]
        await turns.run(tasks, order.randrange)
        await asyncio.gather(*tasks)
        assert await faults(world) == []
        assert await lost_lines(world, script) == set()

    asyncio.run(run())


#: Two that merge by lines, two that conflict, one that moves what another edits, one that adds.
SCRIPT: dict[str, list[Step]] = {
    "0.0": [("edit", "a.txt", "base a1", "node 0"), ("append", "new.txt", "node 0 adds\n"), ("delete", "c.bin"), ()],
    "0.1": [("edit", "a.txt", "base a7", "node 1"), ("edit", "dir/b.txt", "base b4", "node 1 too"), (), ()],
    "0.2": [("edit", "a.txt", "base a7", "node 2"), ("write", "new.txt", "node 2 adds\n"), (), ()],
    "0.3": [("move", "dir", "dir2"), ("write", "new.txt/x", "node 3 adds\n"), (), ()],
}


def open_world(folder: Path) -> tuple[Store, Blobs]:
    return SqliteStore(folder / "spaces"), FilesystemBlobs(folder / "spaces")


async def side_by_side(world: WorkspaceWorld, dying: str = "", life: Life | None = None) -> None:
    """All nodes begin from the same base; one of them may die once, and the others go on before it does."""
    script = {node: [step for step in steps if step] for node, steps in SCRIPT.items()}
    for node in script:  # the base of each is journalled first
        worker = Worker(world, node, [])
        await worker.journal(0, worker.base)
    if life is not None:
        dead = WorkspaceWorld(LivingStore(world.store, life), LivingBlobs(world.blobs, life), world.clock)
        with suppress(Died):
            await Worker(dead, dying, script[dying], "dies").run()
    for node in sorted(script, key=lambda node: node == dying):
        await lives(world, node, script[node], [], None)


@pytest.mark.parametrize("node", sorted(SCRIPT))
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_death_at_any_write_loses_nothing_on_files(node: str, after: bool, tmp_path: Path) -> None:
    base = tmp_path / "base"
    store, blobs = open_world(base)
    world = WorkspaceWorld(store, blobs)
    handed = await world.hand_over(BASE)
    await world.create_nodes(len(SCRIPT), workspace=handed.seq)
    await store.close()
    deadly, died = 1, True
    while died:
        folder = tmp_path / str(deadly)
        shutil.copytree(base, folder)
        store, blobs = open_world(folder)
        world, life = WorkspaceWorld(store, blobs), Life(deadly, after=after)
        await side_by_side(world, node, life)
        found, lost = await faults(world), await lost_lines(world, SCRIPT)
        await store.close()
        shutil.rmtree(folder)
        assert (deadly, found, lost) == (deadly, [], set())
        died = life.dead
        deadly += 1
    assert deadly > 15


async def test_a_death_while_files_are_handed_over_leaves_all_of_them_or_none(tmp_path: Path) -> None:
    outcomes = []
    for deadly in range(1, 12):
        store, blobs = open_world(tmp_path / str(deadly))
        world, life = WorkspaceWorld(store, blobs), Life(deadly)
        dying = WorkspaceWorld(LivingStore(store, life), LivingBlobs(blobs, life), world.clock)
        with suppress(Died):
            await dying.hand_over(BASE)
        left = await world.files()
        assert left in ({}, BASE)
        await world.hand_over(BASE)
        assert await world.files() == BASE
        await store.close()
        outcomes.append(bool(left))
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {False, True}


async def test_the_state_at_a_frame_needs_no_more_than_history(tmp_path: Path) -> None:
    store, blobs = open_world(tmp_path)
    world = WorkspaceWorld(store, blobs)
    handed = await world.hand_over(BASE)
    await world.create_nodes(len(SCRIPT), workspace=handed.seq)
    await side_by_side(world)
    events = await History(store, SPACE).read_all()
    for frame in range(0, len(events) + 1, 3):
        highest = max([node.workspace for node in replay(events, frame).values()], default=0)
        assert (await world.workspace.at_frame(frame)).seq == highest
    await store.close()
