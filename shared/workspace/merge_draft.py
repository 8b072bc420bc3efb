"""Merging a draft onto a state of the workspace, path by path. Nothing is written but merged contents."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.workspace.contents import Contents
from shared.workspace.draft import Draft
from shared.workspace.line_merge import merge_lines
from shared.workspace.model import Change, FileContent, KeptSide, MergedChange, PathConflict, WorkspaceFile
from shared.workspace.paths import PathIndex, fold
from shared.workspace.text_file import TextFile
from shared.workspace.tree import Tree

#: Bytes of three texts that are merged on the event loop.
_SMALL = 64 * 1024


@dataclass
class DraftMerge:
    """What a draft comes to on a state."""

    #: Paths whose content changes on that state.
    changes: dict[str, Change] = field(default_factory=dict)
    conflicts: dict[str, PathConflict] = field(default_factory=dict)


async def merge_draft(draft: Draft, onto: Tree, contents: Contents) -> DraftMerge:
    """Merge every change: what only the draft touched is taken, texts that both touched are merged by lines.

    A file that one side deleted and the other changed is a conflict, and so are a binary that both changed, lines that
    both changed, and a path that cannot lie beside one of the state's.
    """
    merge = DraftMerge()
    merge.conflicts.update(draft.conflicts)
    index = onto.index.copy()
    for change in sorted(draft.changes.values(), key=lambda change: (change.after is not None, change.path)):
        if change.path in merge.conflicts:
            continue
        await _merge_path(draft, onto, contents, change, merge)
        if change.path in merge.changes:
            _place(index, onto, change.path, merge)
    for path, conflict in merge.conflicts.items():
        if conflict.ours is not None and conflict.clash is None and (clash := index.clash(path)):
            merge.conflicts[path] = conflict.model_copy(update={"clash": clash})
    return merge


def rebased(merge: DraftMerge, onto: Tree) -> list[Change]:
    """All changes of the draft once it lies on that state; at a conflict it has its own content, where that can lie."""
    changes = dict(merge.changes)
    for path, conflict in merge.conflicts.items():
        there = onto.files.get(path)
        if conflict.clash is None and _content(there) != conflict.ours:
            changes[path] = Change(path=path, before=there.sha256 if there else None, after=conflict.ours)
    return [changes[path].model_copy(update={"carried": True}) for path in sorted(changes)]


async def _merge_path(draft: Draft, onto: Tree, contents: Contents, change: Change, merge: DraftMerge) -> None:
    path, ours = change.path, change.after
    base, theirs = draft.tree.files.get(path), onto.files.get(path)
    was, now = _content(base), _content(theirs)
    if ours == now:
        return
    taken: FileContent | None
    # A file beside which a conflict's other side is kept is not deleted, nor moved away from it, unresolved.
    if was == now and not (ours is None and theirs is not None and theirs.kept):
        taken = ours
    else:
        merged = await _merge_contents(contents, was, ours, now)
        if merged is None:
            merge.conflicts[path] = _conflict(path, ours, theirs, was)
            return
        taken = merged
    if taken != now:
        carried = change.carried or (theirs is not None and (base is None or base.kept != theirs.kept))
        merge.changes[path] = Change(path=path, before=now.sha256 if now else None, after=taken, carried=carried)


def _place(index: PathIndex, onto: Tree, path: str, merge: DraftMerge) -> None:
    """Put a merged path where it belongs, unless something is in its way."""
    after = merge.changes[path].after
    if after is None:
        index.remove(path)
        return
    clash = index.clash(path)
    if clash is None:
        index.add(path)
        return
    del merge.changes[path]
    there = onto.files.get(clash)
    merge.conflicts[path] = PathConflict(
        path=path, ours=after, theirs=_content(there), node_id=there.node_id if there else "", clash=clash
    )


def _conflict(
    path: str, ours: FileContent | None, theirs: WorkspaceFile | None, base: FileContent | None
) -> PathConflict:
    node_id = theirs.node_id if theirs else ""
    return PathConflict(path=path, ours=ours, theirs=_content(theirs), node_id=node_id, base=base)


def _content(file: WorkspaceFile | None) -> FileContent | None:
    return None if file is None else file.content


async def _merge_contents(
    contents: Contents, base: FileContent | None, ours: FileContent | None, theirs: FileContent | None
) -> FileContent | None:
    """The content with both sides' changes; None if they do not merge, which is so without a common origin."""
    if base is None or ours is None or theirs is None:
        return None
    executable = ours.executable if theirs.executable == base.executable else theirs.executable
    for same, other in ((ours, theirs), (theirs, ours)):
        if same.sha256 in (base.sha256, other.sha256):
            return other.model_copy(update={"executable": executable})
    texts = [await contents.text(side) for side in (base, ours, theirs)]
    small = sum(side.size for side in (base, ours, theirs)) <= _SMALL
    merged = _merge_texts(*texts) if small else await asyncio.to_thread(_merge_texts, *texts)
    return None if merged is None else await contents.keep(merged.encode(), executable=executable)


def _merge_texts(base: TextFile | None, ours: TextFile | None, theirs: TextFile | None) -> TextFile | None:
    """The merged text; files in different encodings, or with different marks, do not merge."""
    if base is None or ours is None or theirs is None:
        return None
    if (ours.encoding, ours.mark) != (theirs.encoding, theirs.mark):
        return None
    lines = merge_lines(_lines(base), _lines(ours), _lines(theirs))
    return None if lines is None else TextFile("".join(lines), ours.encoding, ours.mark)


def _lines(text: TextFile) -> list[str]:
    return text.text.splitlines(keepends=True)


def merged_changes(merge: DraftMerge, onto: Tree) -> list[MergedChange]:
    """The changes of a merge without conflicts, as they are kept."""
    return [_merged(change, onto, []) for _, change in sorted(merge.changes.items())]


def kept_conflicts(merge: DraftMerge, onto: Tree, node_id: str) -> list[MergedChange]:
    """The changes of a merge whose conflicts stay: one content lies at the path, the other is kept beside it.

    What the state has stays. Where the path is free, because the file was deleted there, the draft's content is put.
    """
    changes = dict(merge.changes)
    kept: dict[str, list[KeptSide]] = {}
    after = _Placed(onto, changes)
    for conflict in merge.conflicts.values():
        way = after.in_the_way(conflict.path)
        if way is not None:
            side = KeptSide(path=conflict.path, node_id=node_id, content=conflict.ours)
        elif conflict.ours is not None:
            way = conflict.path
            changes[way] = Change(path=way, after=conflict.ours)
            after.add(way)
            side = KeptSide(path=way, node_id=conflict.node_id)
        else:  # both deleted it
            continue
        kept.setdefault(way, []).append(side)
    for path in kept.keys() - changes.keys():
        there = onto.files[path]
        changes[path] = Change(path=path, before=there.sha256, after=there.content)
    return [_merged(change, onto, kept.get(path, [])) for path, change in sorted(changes.items())]


class _Placed:
    """The paths after a merge."""

    def __init__(self, onto: Tree, changes: Mapping[str, Change]) -> None:
        self._paths = {path for path in onto.files if path not in changes}
        self._paths |= {path for path, change in changes.items() if change.after is not None}
        self._index = PathIndex(self._paths)

    def add(self, path: str) -> None:
        self._paths.add(path)
        self._index.add(path)

    def in_the_way(self, path: str) -> str | None:
        """The file that is at a path, or that keeps another from lying there; None if the path is free."""
        if path in self._paths:
            return path
        clash = self._index.clash(path)
        if clash is None or not clash.endswith("/"):
            return clash
        return min(each for each in self._paths if fold(each).startswith(fold(clash)))


def _merged(change: Change, onto: Tree, kept: list[KeptSide]) -> MergedChange:
    there = onto.files.get(change.path)
    before: tuple[KeptSide, ...] = ()
    # Sides that were kept before go when a node that saw them gives the file another content.
    if there is not None and (kept or change.carried or change.after == there.content):
        before = there.kept
    return MergedChange(path=change.path, before=change.before, after=change.after, kept=(*before, *kept))
