"""The workspace of one swarm: its states, its merges, and the drafts that were not merged.

What a node's worker does with it:

    base = (await workspace.current()).snapshot        # journalled at the begin of a turn
    draft = await workspace.draft(base, entries)        # entries: the journal's, of all turns of the generation
    files = workspace.files(draft)                      # an operation gives an entry: journal it, then `files.apply` it
    merge = await workspace.merge(draft, node)          # `Conflicted`: journal its entry and go on; None: no changes
    ... commit the node with `workspace=merge.seq` ...  # in the changes of its transition
    await workspace.finish(merge)                       # or `withdraw` if the commit raised `Conflict`

A worker that dies anywhere in between leaves what the next one, or any other node's, completes or drops.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from shared.blobs import BlobRef, Blobs
from shared.errors import Conflict, NotFound, Unavailable
from shared.store import Category, Store
from shared.store.documents import Documents
from shared.store.history import History
from shared.types import Clock, SpaceKey, utc_now
from shared.workspace.contents import Contents
from shared.workspace.draft import Draft
from shared.workspace.draft_files import DraftFiles, entry_changes, listed_entry
from shared.workspace.intake import IncomingFile, Intake
from shared.workspace.merge_commit import MergeCommits, MergingNode
from shared.workspace.merge_draft import DraftMerge, kept_conflicts, merge_draft, merged_changes, rebased
from shared.workspace.model import (
    EMPTY,
    ChangeList,
    Current,
    DraftChanges,
    DraftEntry,
    Head,
    KeptDraft,
    Manifest,
    Merge,
    MergedChange,
    PathConflict,
    Snapshot,
)
from shared.workspace.paths import head_id
from shared.workspace.tree import Tree

#: Merges between two manifests, and files of the states that a process remembers.
MAX_SINCE = 24
MAX_CACHED_FILES = 40_000
MAX_CACHED_TREES = 200
_ATTEMPTS = 20
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Conflicted:
    """A draft that does not merge as it is. Nothing was written but contents."""

    conflicts: tuple[PathConflict, ...]
    #: The rebase to journal: what merges is merged, and the draft lies on the state it was merged onto.
    entry: DraftEntry


_TreeKey = tuple[SpaceKey, BlobRef | None, tuple[BlobRef, ...]]


@dataclass
class Trees:
    """States that a process has in memory, by what names them; they never change."""

    _trees: "OrderedDict[_TreeKey, Tree]" = field(default_factory=OrderedDict)
    _files: int = 0

    def get(self, space: SpaceKey, manifest: BlobRef | None, since: tuple[BlobRef, ...]) -> Tree | None:
        """A state that was put, unless it has made room."""
        key = (space, manifest, since)
        if key in self._trees:
            self._trees.move_to_end(key)
        return self._trees.get(key)

    def put(self, space: SpaceKey, snapshot: Snapshot, tree: Tree) -> None:
        """Remember a state."""
        key = (space, snapshot.manifest, snapshot.since)
        if key not in self._trees:
            self._files += len(tree.files)
        self._trees[key] = tree
        while self._files > MAX_CACHED_FILES or len(self._trees) > MAX_CACHED_TREES:
            _, dropped = self._trees.popitem(last=False)
            self._files -= len(dropped.files)


class Workspaces:
    """The workspaces of all swarms, with one memory of states. One for a process."""

    def __init__(self, store: Store, blobs: Blobs, clock: Clock = utc_now) -> None:
        self._store = store
        self._blobs = blobs
        self._clock = clock
        self._trees = Trees()

    def of(self, space: SpaceKey) -> "Workspace":
        """The workspace of a swarm, which need not have one yet."""
        return Workspace(self._store, self._blobs, space, self._clock, self._trees)


class Workspace:
    """The workspace of one swarm."""

    def __init__(self, store: Store, blobs: Blobs, space: SpaceKey, clock: Clock, trees: Trees) -> None:
        self._store = store
        self._space = space
        self._clock = clock
        self._trees = trees
        self.contents = Contents(blobs, space)
        self._commits = MergeCommits(store, space, self.contents, clock)
        self._drafts = Documents(store, Category.WORKSPACE_DRAFT, KeptDraft)

    async def hand_over(self, intake: Intake) -> Merge:
        """Put what the user hands over into an empty workspace, before the root is created with `workspace=merge.seq`.

        May be repeated with the same files. Raises `Conflict` if others were handed over before.
        """
        changes = tuple(MergedChange(path=path, after=intake.files[path]) for path in sorted(intake.files))
        listed = ChangeList(seq=1, node_id="", changes=changes)
        for _ in range(_ATTEMPTS):
            held = await self._commits.caught_up()
            if held.doc.last_seq:
                return await self._handed_over_before(listed)
            merge = await self._keep_merge(EMPTY, Tree(), listed, version=0, conflicts=0, unverified=False)
            try:
                await self._commits.begin(held, merge)
            except Conflict:
                continue
            await self._commits.finish(merge)
            return merge
        raise Unavailable("the workspace keeps changing; try again", retry_after=2.0)

    async def intake(self, files: Iterable[IncomingFile]) -> Intake:
        """Keep the contents of files that are handed over; see `shared.workspace.intake` for what is refused."""
        intake = Intake(self.contents)
        await intake.add_all(files)
        return intake

    async def current(self) -> Current:
        """How the workspace stands: the state of the last merge that is committed, and its size."""
        return (await self._commits.caught_up()).doc

    async def tree(self, snapshot: Snapshot) -> Tree:
        """The files of a state."""
        known = self._trees.get(self._space, snapshot.manifest, snapshot.since)
        if known is None:
            known = await self._load(snapshot)
            self._trees.put(self._space, snapshot, known)
        return known

    async def at(self, seq: int) -> Snapshot:
        """The state after a merge; raises `NotFound`."""
        if seq == 0:
            return EMPTY
        await self._commits.caught_up()
        record = await self._commits.records.find(self._space, str(seq))
        if record is None:
            raise NotFound(f"there is no merge {seq} in this workspace")
        return record.doc.snapshot

    async def at_frame(self, frame: int) -> Snapshot:
        """The state at a frame: after the highest merge that history names at or before it."""
        history, read, seq = History(self._store, self._space), 0, 0
        while read < frame and (events := await history.read(after=read, limit=_PAGE)):
            named = [int(event.changes.get("workspace") or 0) for event in events if event.frame <= frame]
            seq = max([seq, *named])
            read = events[-1].frame
        return await self.at(seq)

    async def head(self, path: str) -> Head | None:
        """The newest version of a path, with one read beside the current document; None if there never was one."""
        await self._commits.caught_up()
        held = await self._commits.heads.find(self._space, head_id(path))
        return held.doc if held is not None and held.doc.path == path else None

    async def merges(
        self, *, after: int = 0, limit: int = 100, cursor: str | None = None
    ) -> tuple[list[Merge], str | None]:
        """The merges in their order, and the next-page cursor."""
        await self._commits.caught_up()
        return await self._commits.records.page(self._space, after=after, limit=limit, cursor=cursor)

    async def draft(self, base: Snapshot, entries: Sequence[DraftEntry] = ()) -> Draft:
        """The draft that a base and the journalled entries since come to."""
        start = max((n for n, entry in enumerate(entries) if entry.rebase is not None), default=None)
        if start is None:
            draft, rest = Draft(base, await self.tree(base)), entries
        else:
            rebase = entries[start]
            assert rebase.rebase is not None
            changes = await entry_changes(self.contents, rebase)
            draft = Draft(rebase.rebase, await self.tree(rebase.rebase), changes, rebase.conflicts)
            rest = entries[start + 1 :]
        for entry in rest:
            draft.apply(await entry_changes(self.contents, entry))
        return draft

    def files(self, draft: Draft) -> DraftFiles:
        """The operations on a draft."""
        return DraftFiles(draft, self.contents)

    async def merge(
        self, draft: Draft, node: MergingNode, *, keep_conflicts: bool = False, unverified: bool = False
    ) -> Merge | Conflicted | None:
        """Merge a draft onto what is current and put it as pending; the node's commit must follow at once.

        None if the draft changes nothing there; with `keep_conflicts` it is never `Conflicted`. Raises `TooLarge` if
        the workspace would be over its bounds, `Unavailable` while another node is at its commit, and `Conflict` if
        the node is not its worker's any more.
        """
        if not draft.changes and not draft.conflicts:
            return None
        for _ in range(_ATTEMPTS):
            held = await self._commits.settled(node)
            onto = await self.tree(held.doc.snapshot)
            merged = await merge_draft(draft, onto, self.contents)
            if merged.conflicts and not keep_conflicts:
                return await self._conflicted(merged, held.doc.snapshot, onto)
            changes = kept_conflicts(merged, onto, node.node_id) if merged.conflicts else merged_changes(merged, onto)
            if not changes:
                return None
            listed = ChangeList(seq=held.doc.last_seq + 1, node_id=node.node_id, changes=tuple(changes))
            merge = await self._keep_merge(
                held.doc.snapshot, onto, listed, node.version, len(merged.conflicts), unverified=unverified
            )
            try:
                await self._commits.begin(held, merge)
            except Conflict:
                continue
            return merge
        raise Unavailable("the workspace keeps changing; try again", retry_after=2.0)

    async def finish(self, merge: Merge) -> None:
        """Complete a merge after its node's commit. May be repeated; whoever merges next does it otherwise."""
        await self._commits.finish(merge)

    async def withdraw(self, merge: Merge) -> None:
        """Drop a merge whose node's commit raised `Conflict`, so that nobody has to wait for it."""
        await self._commits.withdraw(merge)

    async def keep_draft(self, node_id: str, draft: Draft, reason: str) -> KeptDraft:
        """Keep the draft of a node that failed, gave up or was cancelled, named and readable. May be repeated."""
        changes = DraftChanges(changes=tuple(draft.changes[path] for path in sorted(draft.changes)))
        kept = KeptDraft(
            node_id=node_id,
            base=draft.base,
            changes=await self.contents.keep_list(changes),
            reason=reason[:1_000],
            at=self._clock(),
            files=len(draft.changes),
        )
        await self._drafts.write(self._space, node_id, kept)
        return kept

    async def kept_draft(self, node_id: str) -> tuple[KeptDraft, Draft]:
        """A draft that was kept; raises `NotFound`."""
        kept = (await self._drafts.get(self._space, node_id)).doc
        changes = await self.contents.draft_changes(kept.changes)
        return kept, Draft(kept.base, await self.tree(kept.base), changes.changes)

    async def kept_drafts(self, *, limit: int = 100, cursor: str | None = None) -> tuple[list[KeptDraft], str | None]:
        """The drafts that were kept, and the next-page cursor."""
        return await self._drafts.page(self._space, limit=limit, cursor=cursor)

    async def _load(self, snapshot: Snapshot) -> Tree:
        """A state from its manifest and the change lists since, or from the state before it where that is known."""
        if snapshot.since:
            known = self._trees.get(self._space, snapshot.manifest, snapshot.since[:-1])
            if known is not None:
                return known.changed(await self.contents.changes(snapshot.since[-1]))
        manifest = Manifest() if snapshot.manifest is None else await self.contents.manifest(snapshot.manifest)
        return Tree.of(manifest, await asyncio.gather(*(self.contents.changes(ref) for ref in snapshot.since)))

    async def _keep_merge(
        self, onto: Snapshot, tree: Tree, listed: ChangeList, version: int, conflicts: int, *, unverified: bool
    ) -> Merge:
        """Keep everything a merge consists of, so that anybody can complete it."""
        after = tree.changed(listed)
        after.check_bounds()
        changes = await self.contents.keep_list(listed)
        snapshot = Snapshot(seq=listed.seq, manifest=onto.manifest, since=(*onto.since, changes))
        if len(snapshot.since) > MAX_SINCE:
            snapshot = Snapshot(seq=listed.seq, manifest=await self.contents.keep_list(after.manifest))
        self._trees.put(self._space, snapshot, after)
        return Merge(
            seq=listed.seq,
            node_id=listed.node_id,
            version=version,
            onto=onto,
            snapshot=snapshot,
            changes=changes,
            at=self._clock(),
            files=len(after.files),
            size=after.size,
            conflicts=conflicts,
            unverified=unverified,
        )

    async def _handed_over_before(self, listed: ChangeList) -> Merge:
        record = (await self._commits.records.get(self._space, "1")).doc
        before = await self.contents.changes(record.changes)
        if before != listed:
            raise Conflict("files are handed over once, before anything else is merged into the workspace")
        return record

    async def _conflicted(self, merged: DraftMerge, snapshot: Snapshot, onto: Tree) -> Conflicted:
        entry = await listed_entry(self.contents, rebased(merged, onto))
        conflicts = tuple(merged.conflicts[path] for path in sorted(merged.conflicts))
        return Conflicted(conflicts, entry.model_copy(update={"rebase": snapshot, "conflicts": conflicts}))
