"""What a workspace does on every pair of stores."""

import asyncio
import hashlib
from datetime import timedelta

import pytest

from shared.errors import Conflict, InvalidInput, NotFound, TooLarge, Unavailable
from shared.store import Category
from shared.store.history import History
from shared.swarm.statuses import Operation, Status
from shared.swarm.transitions import transition
from shared.workspace import bounds, merge_commit
from shared.workspace.draft_files import FileLines
from shared.workspace.intake import IncomingFile
from shared.workspace.merge_commit import MergingNode
from shared.workspace.model import EMPTY, DraftEntry
from shared.workspace.state_diff import differences
from shared.workspace.workspace import Conflicted
from tests.integration.workspace.workspace_world import SPACE, Worker, WorkspaceWorld

PROJECT = {
    "shop/__init__.py": b"",
    "shop/stock.py": b"one\r\ntwo\r\nthree\r\nfour\r\nfive\r\n",
    "README.md": "\ufeff# Größe\n".encode(),
    "logo.png": b"\x89PNG\0\1\2",
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge_commit, "PAUSE", 0.0)


async def test_what_was_handed_over_lies_there_byte_for_byte(any_world: WorkspaceWorld) -> None:
    merge = await any_world.hand_over(PROJECT)
    assert await any_world.files() == PROJECT
    assert await any_world.hand_over(PROJECT) == merge
    with pytest.raises(Conflict, match="handed over once"):
        await any_world.hand_over({"other.txt": b"x"})
    current = await any_world.workspace.current()
    assert (current.files, current.size) == (4, sum(map(len, PROJECT.values())))
    assert current.handed_over == current.snapshot == merge.snapshot
    head = await any_world.workspace.head("shop/stock.py")
    assert head is not None
    assert (head.version, head.seq, head.sha256) == (1, 1, hashlib.sha256(PROJECT["shop/stock.py"]).hexdigest())
    assert await any_world.workspace.head("SHOP/stock.py") is None
    stored = await any_world.store.get(SPACE, Category.WORKSPACE, "current")
    assert stored is not None
    assert stored.seq == 0  # a scan of heads after sequence 0 does not meet it


async def test_nodes_change_files_one_after_another_and_every_state_stays(any_world: WorkspaceWorld) -> None:
    handed = await any_world.hand_over(PROJECT)
    first, second, third = await any_world.create_nodes(3, workspace=handed.seq)
    await Worker(any_world, first, [("edit", "shop/stock.py", "two\nthree", "2\n3"), ("delete", "logo.png")]).run()
    await Worker(any_world, second, [("move", "shop", "store"), ("append", "README.md", "more\n")]).run()
    await Worker(any_world, third, [("write", "logo.png", "text now\n")]).run()
    after = {
        "store/__init__.py": b"",
        "store/stock.py": b"one\r\n2\r\n3\r\nfour\r\nfive\r\n",
        "README.md": "\ufeff# Größe\nmore\n".encode(),
        "logo.png": b"text now\n",
    }
    assert await any_world.files() == after
    workspace = any_world.workspace
    merges, cursor = await workspace.merges()
    assert [(merge.seq, merge.node_id) for merge in merges] == [(1, ""), (2, first), (3, second), (4, third)]
    assert cursor is None
    head = await workspace.head("logo.png")
    assert head is not None
    assert (head.version, head.deleted, head.node_id) == (3, False, third)
    gone = await workspace.head("shop/stock.py")
    assert gone is not None
    assert (gone.version, gone.deleted, gone.sha256) == (3, True, None)
    heads = await any_world.store.scan(SPACE, Category.WORKSPACE, after=0)
    assert len(heads.items) == 6
    old = await workspace.tree(await workspace.at(2))
    assert sorted(old.files) == ["README.md", "shop/__init__.py", "shop/stock.py"]
    assert await any_world.history_faults() == []


async def test_the_workspace_at_a_frame_is_what_history_names(any_world: WorkspaceWorld) -> None:
    handed = await any_world.hand_over({"a": b"1"})
    first, second = await any_world.create_nodes(2, workspace=handed.seq)
    await Worker(any_world, first, [("write", "b", "2")]).run()
    await Worker(any_world, second, [("delete", "a")]).run()
    events = await History(any_world.store, SPACE).read_all()
    workspace = any_world.workspace
    states = [sorted((await workspace.tree(await workspace.at_frame(frame))).files) for frame in range(len(events) + 1)]
    assert states[0] == []
    assert states[1] == ["a"]
    assert states[-1] == ["b"]
    merged = [event.frame for event in events if event.changes.get("workspace")]
    assert len(merged) == 3
    assert states[merged[1] - 1] == ["a"]
    assert states[merged[1]] == ["a", "b"]


async def test_two_nodes_that_edit_one_file_are_merged(any_world: WorkspaceWorld) -> None:
    handed = await any_world.hand_over(PROJECT)
    first, second = await any_world.create_nodes(2, workspace=handed.seq)
    # Both begin from the same base.
    draft = await any_world.workspace.draft(handed.snapshot)
    files = any_world.workspace.files(draft)
    await files.apply(await files.edit("shop/stock.py", "five", "5"))
    await Worker(any_world, first, [("edit", "shop/stock.py", "one", "1")]).run()
    held = await any_world.nodes.load(second)

    async def fence() -> None:
        await any_world.nodes.rewrite(held, held.node)

    merge = await any_world.workspace.merge(draft, MergingNode(second, 1, fence))
    assert merge is not None
    assert not isinstance(merge, Conflicted)
    after = transition(held.node, Operation.EXECUTE, Status.ACTING, any_world.clock(), workspace=merge.seq)
    await any_world.nodes.commit(held, after)
    await any_world.workspace.finish(merge)
    await any_world.workspace.finish(merge)
    assert (await any_world.files())["shop/stock.py"] == b"1\r\ntwo\r\nthree\r\nfour\r\n5\r\n"


async def conflicting(world: WorkspaceWorld, ours: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[str, Conflicted]:
    """A second node whose draft conflicts with what the first merged."""
    handed = await world.hand_over(PROJECT)
    first, second = await world.create_nodes(2, workspace=handed.seq)
    files = world.workspace.files(await world.workspace.draft(handed.snapshot))
    await files.apply(await getattr(files, ours[0])(*ours[1:]))
    await Worker(world, first, [theirs]).run()
    conflicted = await world.workspace.merge(files.draft, MergingNode(second, 1, _never))
    assert isinstance(conflicted, Conflicted)
    return second, conflicted


async def _never() -> None:
    raise AssertionError("nothing of this node is pending")


async def test_a_conflict_comes_back_with_both_contents_and_is_resolved_by_touching_it(
    any_world: WorkspaceWorld,
) -> None:
    node, conflicted = await conflicting(
        any_world, ("edit", "shop/stock.py", "two", "mine"), ("edit", "shop/stock.py", "two", "theirs")
    )
    (conflict,) = conflicted.conflicts
    contents = any_world.workspace.contents
    assert conflict.ours is not None
    assert conflict.theirs is not None
    assert b"mine" in await contents.read(conflict.ours)
    assert b"theirs" in await contents.read(conflict.theirs)
    assert (conflict.path, conflict.node_id) == ("shop/stock.py", "0.0")
    entry = DraftEntry.model_validate_json(conflicted.entry.model_dump_json())
    draft = await any_world.workspace.draft(EMPTY, [entry])
    assert draft.conflicts
    again = await any_world.workspace.merge(draft, MergingNode(node, 1, _never))
    assert isinstance(again, Conflicted)
    files = any_world.workspace.files(draft)
    await files.apply(await files.edit("shop/stock.py", "mine", "both"))
    merge = await any_world.workspace.merge(draft, MergingNode(node, 1, _never))
    assert merge is not None
    assert not isinstance(merge, Conflicted)
    assert merge.conflicts == 0


@pytest.mark.parametrize(
    ("ours", "theirs", "at_path", "beside"),
    [
        (("edit", "shop/stock.py", "two", "mine"), ("edit", "shop/stock.py", "two", "theirs"), b"theirs", b"mine"),
        (("delete", "shop/stock.py"), ("edit", "shop/stock.py", "two", "theirs"), b"theirs", None),
        (("edit", "shop/stock.py", "two", "mine"), ("delete", "shop/stock.py"), b"mine", None),
        (("write", "new.txt", "mine"), ("write", "new.txt", "theirs"), b"theirs", b"mine"),
        (("write", "new.txt", "mine"), ("write", "NEW.txt", "theirs"), b"theirs", b"mine"),
        (("write", "new", "mine"), ("write", "new/a.txt", "theirs"), b"theirs", b"mine"),
        (("write", "new/a.txt", "mine"), ("write", "new", "theirs"), b"theirs", b"mine"),
        (("write_bytes", "logo.png", b"\0mine"), ("write_bytes", "logo.png", b"\0theirs"), b"theirs", b"mine"),
    ],
)
async def test_a_conflict_that_stays_keeps_both_contents(
    local_world: WorkspaceWorld, ours: tuple[str, ...], theirs: tuple[str, ...], at_path: bytes, beside: bytes | None
) -> None:
    node, conflicted = await conflicting(local_world, ours, theirs)
    workspace = local_world.workspace
    held = await local_world.nodes.load(node)
    draft = await workspace.draft(EMPTY, [conflicted.entry])
    merge = await workspace.merge(draft, MergingNode(node, 1, _never), keep_conflicts=True)
    assert merge is not None
    assert not isinstance(merge, Conflicted)
    assert merge.conflicts == 1
    after = transition(held.node, Operation.EXECUTE, Status.ACTING, local_world.clock(), workspace=merge.seq)
    await local_world.nodes.commit(held, after)
    await workspace.finish(merge)
    tree = await workspace.tree(merge.snapshot)
    (file,) = [file for file in tree.files.values() if file.kept]
    (kept,) = file.kept
    assert at_path in await workspace.contents.read(file)
    assert kept.path == ours[1]
    if beside is None:
        assert kept.content is None
    else:
        assert kept.content is not None
        assert beside in await workspace.contents.read(kept.content)
    # The next node that sees it and changes the file resolves it.
    fresh = await workspace.draft(merge.snapshot)
    files = workspace.files(fresh)
    await files.apply(await files.write_bytes(file.path, b"\0resolved"))
    resolved = await workspace.merge(fresh, MergingNode("0", 99, _never))
    assert resolved is not None
    assert not isinstance(resolved, Conflicted)
    assert not (await workspace.tree(resolved.snapshot)).files[file.path].kept


async def test_a_merge_whose_node_was_not_committed_is_dropped_when_it_expires(any_world: WorkspaceWorld) -> None:
    first, second = await any_world.create_nodes(2)
    slow = await any_world.nodes.load(first)
    files = any_world.workspace.files(await any_world.workspace.draft(EMPTY))
    await files.apply(await files.write("a", "slow"))
    merge = await any_world.workspace.merge(files.draft, MergingNode(first, 1, _never))
    assert merge is not None
    assert not isinstance(merge, Conflicted)
    with pytest.raises(Unavailable, match="another node is merging"):
        await Worker(any_world, second, [("write", "b", "quick")]).run()
    assert await any_world.files() == {}
    any_world.clock.pass_seconds(merge_commit.PENDING_FOR.total_seconds())
    await Worker(any_world, second, [("write", "b", "quick")]).run()
    assert await any_world.files() == {"b": b"quick"}
    # The slow one's commit is fenced, and it cannot bring its merge in afterwards.
    after = transition(slow.node, Operation.EXECUTE, Status.ACTING, any_world.clock(), workspace=merge.seq)
    with pytest.raises(Conflict):
        await any_world.nodes.commit(slow, after)
    await any_world.workspace.withdraw(merge)
    await any_world.workspace.finish(merge)
    assert await any_world.files() == {"b": b"quick"}
    current = await any_world.workspace.current()
    assert (current.snapshot.seq, current.last_seq) == (2, 2)


async def test_a_merge_whose_node_was_committed_is_completed_by_whoever_comes(any_world: WorkspaceWorld) -> None:
    first, second = await any_world.create_nodes(2)
    held = await any_world.nodes.load(first)
    files = any_world.workspace.files(await any_world.workspace.draft(EMPTY))
    await files.apply(await files.write("a", "mine"))
    merge = await any_world.workspace.merge(files.draft, MergingNode(first, 1, _never))
    assert merge is not None
    assert not isinstance(merge, Conflicted)
    with pytest.raises(Conflict, match="was not committed"):
        await any_world.workspace.finish(merge)
    after = transition(held.node, Operation.EXECUTE, Status.ACTING, any_world.clock(), workspace=merge.seq)
    await any_world.nodes.commit(held, after)
    await any_world.workspace.withdraw(merge)  # it completes what was committed
    assert await any_world.files() == {"a": b"mine"}
    await Worker(any_world, second, [("write", "b", "too")]).run()
    assert sorted(await any_world.files()) == ["a", "b"]


async def test_a_node_that_lost_its_claim_cannot_drop_its_successors_merge(any_world: WorkspaceWorld) -> None:
    (node,) = await any_world.create_nodes(1)
    old = await any_world.nodes.load(node)
    await any_world.nodes.rewrite(await any_world.nodes.load(node), old.node)  # its successor took the node

    async def fence() -> None:
        await any_world.nodes.rewrite(old, old.node)

    files = any_world.workspace.files(await any_world.workspace.draft(EMPTY))
    await files.apply(await files.write("a", "mine"))
    merge = await any_world.workspace.merge(files.draft, MergingNode(node, 1, _never))
    assert merge is not None
    with pytest.raises(Conflict):
        await any_world.workspace.merge(files.draft, MergingNode(node, 1, fence))
    held = await any_world.commits_current()
    assert held.pending is not None


async def test_merges_of_many_nodes_at_once_are_serial(
    any_world: WorkspaceWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge_commit, "PAUSE", 0.02)
    monkeypatch.setattr(merge_commit, "LOOKS", 500)
    handed = await any_world.hand_over({"list.txt": b"".join(b"%d\n" % n for n in range(40))})
    nodes = await any_world.create_nodes(8, workspace=handed.seq)
    await asyncio.gather(
        *(
            Worker(any_world, node, [("edit", "list.txt", f"\n{n * 4 + 3}\n", f"\nnode {n}\n")]).run()
            for n, node in enumerate(nodes)
        )
    )
    lines = (await any_world.files())["list.txt"].decode().split()
    assert len(lines) == 48
    merges, _ = await any_world.workspace.merges()
    assert sorted(merge.node_id for merge in merges) == ["", *nodes]
    assert [merge.onto.seq for merge in merges] == [0, *[merge.seq for merge in merges[:-1]]]


async def test_a_draft_that_is_not_merged_stays_readable(any_world: WorkspaceWorld) -> None:
    handed = await any_world.hand_over(PROJECT)
    files = any_world.workspace.files(await any_world.workspace.draft(handed.snapshot))
    await files.apply(await files.write("half.py", "half\n"))
    await files.apply(await files.delete("logo.png"))
    kept = await any_world.workspace.keep_draft("0.3", files.draft, "cancelled")
    assert await any_world.workspace.kept_drafts() == ([kept], None)
    again, draft = await any_world.workspace.kept_draft("0.3")
    assert again == kept
    assert sorted(draft.paths()) == ["README.md", "half.py", "shop/__init__.py", "shop/stock.py"]
    assert await any_world.workspace.contents.read(draft.get("half.py")) == b"half\n"
    with pytest.raises(NotFound):
        await any_world.workspace.kept_draft("0.4")
    assert await any_world.files() == PROJECT


async def test_the_bytes_of_a_workspace_are_counted(any_world: WorkspaceWorld) -> None:
    await any_world.hand_over(PROJECT)
    content = sum(len(content) for content in set(PROJECT.values()))
    stored = await any_world.blobs.stored(SPACE)
    assert content < stored < content + 2_000  # and one list of changes


async def test_manifests_are_written_seldom_and_states_read_the_same(local_world: WorkspaceWorld) -> None:
    nodes = await local_world.create_nodes(60)
    for number, node in enumerate(nodes):
        await Worker(local_world, node, [("write", f"f{number % 7}", str(number)), ("delete", f"f{number % 5}")]).run()
    merges, _ = await local_world.workspace.merges()
    assert len({merge.snapshot.manifest for merge in merges}) == 3
    fresh = WorkspaceWorld(local_world.store, local_world.blobs)  # it has no state in memory
    for merge in merges[::7]:
        known = await local_world.workspace.tree(merge.snapshot)
        read = await fresh.workspace.tree(merge.snapshot)
        assert read.files == known.files
        assert (len(read.files), read.size) == (merge.files, merge.size)
    first, last = merges[0], merges[-1]
    trees = [await fresh.workspace.tree(merge.snapshot) for merge in (first, last)]
    assert [difference.path for difference in differences(trees[0].files, trees[1].files)]


async def test_bounds_hold_for_drafts_and_what_is_handed_over(
    local_world: WorkspaceWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.workspace.tree.MAX_FILES", 4)
    monkeypatch.setattr("shared.workspace.tree.MAX_BYTES", 100)
    with pytest.raises(TooLarge, match="4 files"):
        await local_world.workspace.intake([IncomingFile(f"f{n}", b"") for n in range(5)])
    with pytest.raises(TooLarge, match="100 bytes"):
        await local_world.workspace.intake([IncomingFile("f", b"x" * 101)])
    with pytest.raises(TooLarge, match=str(bounds.MAX_TEXT)):
        await local_world.workspace.contents.keep(b"x" * (bounds.MAX_TEXT + 1))
    await local_world.workspace.contents.keep(b"\0" * (bounds.MAX_TEXT + 1))
    handed = await local_world.hand_over({"a": b"", "b": b"", "c": b"", "d": b"x" * 90})
    files = local_world.workspace.files(await local_world.workspace.draft(handed.snapshot))
    with pytest.raises(TooLarge, match="4 files"):
        await files.write("e", "")
    with pytest.raises(TooLarge, match="100 bytes"):
        await files.write("a", "x" * 11)
    await files.apply(await files.delete("d"))
    await files.apply(await files.write("e", "x" * 100))
    assert files.draft.find("e") is not None


async def test_a_merge_over_the_bounds_is_refused_and_blocks_nobody(
    local_world: WorkspaceWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await local_world.create_nodes(2)
    files = local_world.workspace.files(await local_world.workspace.draft(EMPTY))
    await files.apply(await files.write("mine", "x" * 60))
    await Worker(local_world, first, [("write", "theirs", "y" * 60)]).run()
    monkeypatch.setattr("shared.workspace.tree.MAX_BYTES", 100)
    with pytest.raises(TooLarge):
        await local_world.workspace.merge(files.draft, MergingNode(second, 1, _never))
    assert (await local_world.commits_current()).pending is None


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([("../x", b"")], "climbs"),
        ([("a", b""), ("a", b"")], "twice"),
        ([("a", b""), ("A", b"")], "clashes"),
        ([("a", b""), ("a/b", b"")], "clashes"),
        ([("con.txt", b"")], "reserved"),
    ],
)
async def test_what_no_workspace_can_have_is_refused_by_name(
    local_world: WorkspaceWorld, files: list[tuple[str, bytes]], why: str
) -> None:
    with pytest.raises(InvalidInput, match=why):
        await local_world.workspace.intake([IncomingFile(*file) for file in files])


async def test_caches_are_left_out_and_named(local_world: WorkspaceWorld) -> None:
    intake = await local_world.workspace.intake(
        [IncomingFile("a.py", b""), IncomingFile("__pycache__/a.pyc", b"\0"), IncomingFile(".git/HEAD", b"x")]
    )
    assert sorted(intake.files) == ["a.py"]
    assert [left.path for left in intake.left_out] == ["__pycache__/a.pyc", ".git/HEAD"]


async def test_a_draft_is_read_and_searched_as_a_model_does(local_world: WorkspaceWorld) -> None:
    handed = await local_world.hand_over(PROJECT)
    files = local_world.workspace.files(await local_world.workspace.draft(handed.snapshot))
    assert await files.read("shop/stock.py", 2, 3) == FileLines("shop/stock.py", 2, ("two", "three"), 5)
    assert await files.read("README.md") == FileLines("README.md", 1, ("# Größe",), 1)
    assert (await files.read("shop/__init__.py")).lines == ()
    assert [path for path, _ in files.files("shop")] == ["shop/__init__.py", "shop/stock.py"]
    assert [path for path, _ in files.files(pattern="*.md")] == ["README.md"]
    assert [path for path, _ in files.files(pattern="shop/*.py")] == ["shop/__init__.py", "shop/stock.py"]
    found = await files.search("t(wo|hree)", is_regex=True)
    assert [(line.path, line.line, line.text) for line in found] == [
        ("shop/stock.py", 2, "two"),
        ("shop/stock.py", 3, "three"),
    ]
    assert [line.text for line in await files.search("GRÖSSE", ignore_case=True)] == []
    assert [line.text for line in await files.search("größe", ignore_case=True)] == ["# Größe"]
    assert len(await files.search("o", limit=2)) == 2
    for wrong, why in [("(", "no regular expression"), ("", "nothing to search")]:
        with pytest.raises(InvalidInput, match=why):
            await files.search(wrong, is_regex=True)
    with pytest.raises(InvalidInput, match="binary"):
        await files.read("logo.png")
    with pytest.raises(NotFound, match=r"there is shop/stock\.py"):
        await files.read("stock.py")
    with pytest.raises(NotFound, match="it is a folder"):
        await files.read("shop")


async def test_a_pattern_that_never_ends_is_stopped(
    local_world: WorkspaceWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.workspace.draft_files.SEARCH_SECONDS", 0.2)
    handed = await local_world.hand_over({"a.txt": b"a" * 5_000 + b"!"})
    files = local_world.workspace.files(await local_world.workspace.draft(handed.snapshot))
    with pytest.raises(InvalidInput, match="make the pattern"):
        await files.search("(a|a|aa)+$", is_regex=True)


async def test_a_run_hands_back_what_it_changed(local_world: WorkspaceWorld) -> None:
    handed = await local_world.hand_over(PROJECT)
    files = local_world.workspace.files(await local_world.workspace.draft(handed.snapshot))
    many = {f"out/{n}.txt": b"%d" % n for n in range(300)}
    entry = await files.take_over({**many, "logo.png": None, "README.md": PROJECT["README.md"]})
    assert entry.listed is not None
    assert len(entry.model_dump_json()) < 500
    await files.apply(entry)
    assert len(files.draft.changes) == 301
    with pytest.raises(InvalidInput, match="is not kept"):
        await files.take_over({"__pycache__/x.pyc": b"\0"})
    again = await local_world.workspace.draft(handed.snapshot, [entry])
    assert list(again.paths()) == list(files.draft.paths())


async def test_operations_that_cannot_be_done_say_what_to_do(local_world: WorkspaceWorld) -> None:
    handed = await local_world.hand_over(PROJECT)
    files = local_world.workspace.files(await local_world.workspace.draft(handed.snapshot))
    refused = [
        (files.write("shop", "x"), "clashes with 'shop/'"),
        (files.write("SHOP/new.py", "x"), "clashes"),
        (files.write("shop/__init__.py", ""), "nothing was changed"),
        (files.move("README.md", "logo.png"), "already"),
        (files.move("shop", "shop/inner"), "into itself"),
        (files.append("logo.png", "x"), "binary"),
        (files.edit("README.md", "nothing like it", "x"), "not in the file"),
        (files.revert("README.md"), "did not change"),
    ]
    for operation, why in refused:
        with pytest.raises(InvalidInput, match=why):
            await operation
    for missing in (files.move("no", "x"), files.delete("no"), files.edit("no", "a", "b"), files.delete("")):
        with pytest.raises(NotFound):
            await missing
    assert not files.draft.changes
    await files.apply(await files.move("README.md", "readme.md"))
    await files.apply(await files.delete("shop"))
    assert list(files.draft.paths()) == ["logo.png", "readme.md"]
    await files.apply(await files.revert("shop/stock.py"))
    assert files.draft.find("shop/stock.py") is not None


async def test_a_late_completion_of_an_earlier_merge_leaves_later_heads(local_world: WorkspaceWorld) -> None:
    first, second = await local_world.create_nodes(2)
    await Worker(local_world, first, [("write", "a", "1")]).run()
    await Worker(local_world, second, [("write", "a", "2"), ("write", "b", "2")]).run()
    before = await local_world.store.scan(SPACE, Category.WORKSPACE)
    for merge in (await local_world.workspace.merges())[0]:
        await local_world.complete_again(merge)
    after = await local_world.store.scan(SPACE, Category.WORKSPACE)
    assert after == before
    local_world.clock.pass_seconds(timedelta(days=1).total_seconds())
