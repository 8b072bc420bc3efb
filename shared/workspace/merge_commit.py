"""Merges of one swarm, one after another, each together with its node's commit.

    contents, change list, manifest -> pending in `workspace_current` (if-etag) -> the node's commit
    -> heads (idempotent by sequence) -> the merge's record (if-absent) -> the pending is cleared (if-etag)

A sequence is given out once, and the node's document names it, so whether a pending's node was committed can be seen.
Whoever finds a pending completes it if so. If not, the node's own worker rewrites its node, which fences any other
writer, and drops it; everybody else waits until it expires, and then does the same.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from shared.errors import Conflict, Unavailable
from shared.store import Category, IfAbsent, IfEtag, Store
from shared.store.documents import Documents
from shared.store.nodes import Nodes
from shared.types import Clock, SpaceKey
from shared.workspace.bounds import IN_FLIGHT
from shared.workspace.contents import Contents
from shared.workspace.model import ChangeList, Current, Head, Merge, MergedChange, Pending
from shared.workspace.paths import head_id

#: The one key of `Current`, which no head has.
CURRENT = "current"
#: How long a node may take from its pending to its commit before others may fence it.
PENDING_FOR = timedelta(seconds=15)
#: Seconds between two looks at a pending that somebody else may still complete, and the number of looks.
PAUSE = 0.1
LOOKS = 30
_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class MergingNode:
    """The node whose worker merges."""

    node_id: str
    #: The version the node will have with the commit of this merge.
    version: int
    #: Rewrite the node under the worker's own etag; raises `Conflict` if it is not the worker's any more.
    fence: Callable[[], Awaitable[None]]


@dataclass(slots=True)
class HeldCurrent:
    """`workspace_current` as it was read; no etag before the first merge."""

    doc: Current
    etag: str | None


class MergeCommits:
    """The documents that merges are made of."""

    def __init__(self, store: Store, space: SpaceKey, contents: Contents, clock: Clock) -> None:
        self._space = space
        self._contents = contents
        self._clock = clock
        self._nodes = Nodes(store, space)
        self._current = Documents(store, Category.WORKSPACE, Current)
        self.heads = Documents(store, Category.WORKSPACE, Head)
        self.records = Documents(store, Category.WORKSPACE_MERGE, Merge)

    async def read(self) -> HeldCurrent:
        """The current document as it is, with whatever is pending."""
        held = await self._current.find(self._space, CURRENT)
        return HeldCurrent(Current(), None) if held is None else HeldCurrent(held.doc, held.etag)

    async def settled(self, by: MergingNode | None = None) -> HeldCurrent:
        """The current document with nothing pending, so that `by` can merge.

        Raises `Unavailable` while another node is at its commit, and `Conflict` if `by` is not its node's worker any
        more.
        """
        for _ in range(LOOKS):
            held = await self.caught_up()
            pending = held.doc.pending
            if pending is None:
                return held
            if by is not None and pending.merge.node_id == by.node_id:
                await by.fence()
                await self._drop_unless_reached(held, pending)
            elif self._clock() >= pending.expires:
                await self._fence(held, pending)
            else:
                await asyncio.sleep(PAUSE)
        raise Unavailable("another node is merging into the workspace; try again", retry_after=2.0)

    async def caught_up(self) -> HeldCurrent:
        """The current document, once a pending whose node was committed is completed."""
        while True:
            held = await self.read()
            pending = held.doc.pending
            if pending is None or not await self._reached(pending.merge):
                return held
            await self._complete(held, pending.merge)

    async def begin(self, held: HeldCurrent, merge: Merge) -> None:
        """Put a merge as pending; raises `Conflict` if another came first."""
        pending = Pending(merge=merge, expires=self._clock() + PENDING_FOR)
        await self._write(held, held.doc.model_copy(update={"pending": pending, "last_seq": merge.seq}))

    async def finish(self, merge: Merge) -> None:
        """Complete a merge whose node was committed. May be repeated, by anybody."""
        held = await self.caught_up()
        pending = held.doc.pending
        if pending is not None and pending.merge.seq == merge.seq:
            raise Conflict(f"node {merge.node_id} was not committed with its merge {merge.seq}")

    async def withdraw(self, merge: Merge) -> None:
        """Drop a pending whose node's commit lost; completes it if it did not."""
        held = await self.caught_up()
        pending = held.doc.pending
        if pending is not None and pending.merge.seq == merge.seq:
            await self._fence(held, pending)

    async def _reached(self, merge: Merge) -> bool:
        """Whether the node was committed with this merge; what was handed over has no node to wait for."""
        if not merge.node_id:
            return True
        node = await self._nodes.find(merge.node_id)
        return node is not None and node.node.workspace == merge.seq

    async def _fence(self, held: HeldCurrent, pending: Pending) -> None:
        """Make sure that the node's old writer cannot commit any more, and drop the pending."""
        node = await self._nodes.find(pending.merge.node_id)
        if node is not None:
            try:
                await self._nodes.rewrite(node, node.node)
            except Conflict:  # it moved just now: whoever called looks again
                return
        await self._drop_unless_reached(held, pending)

    async def _drop_unless_reached(self, held: HeldCurrent, pending: Pending) -> None:
        if await self._reached(pending.merge):
            return
        try:
            await self._write(held, held.doc.model_copy(update={"pending": None}))
        except Conflict:  # somebody else dropped or completed it
            return

    async def _complete(self, held: HeldCurrent, merge: Merge) -> None:
        listed = await self._contents.changes(merge.changes)
        await self._write_heads(listed)
        with suppress(Conflict):  # an earlier try got as far as this
            await self.records.create(self._space, str(merge.seq), merge, seq=merge.seq)
        update = {"pending": None, "snapshot": merge.snapshot, "files": merge.files, "size": merge.size}
        if not merge.node_id:
            update["handed_over"] = merge.snapshot
        try:
            await self._write(held, held.doc.model_copy(update=update))
        except Conflict:  # somebody else completed it
            return

    async def _write(self, held: HeldCurrent, doc: Current) -> None:
        condition = IfAbsent() if held.etag is None else IfEtag(held.etag)
        held.etag = await self._current.put(self._space, CURRENT, doc, condition=condition)
        held.doc = doc

    async def _write_heads(self, listed: ChangeList) -> None:
        # Of two paths with one head, as after a rename from `A` to `a`, the one that is there counts.
        newest: dict[str, MergedChange] = {}
        for change in sorted(listed.changes, key=lambda change: change.after is not None):
            newest[head_id(change.path)] = change
        slots = asyncio.Semaphore(IN_FLIGHT)

        async def write(key: str, change: MergedChange) -> None:
            async with slots:
                await self._write_head(key, change, listed)

        await asyncio.gather(*(write(key, change) for key, change in newest.items()))

    async def _write_head(self, key: str, change: MergedChange, listed: ChangeList) -> None:
        """Write a path's newest version, unless this merge or a later one was there before."""
        head = _head(change, listed, version=1)
        for attempt in range(_ATTEMPTS):
            try:
                if attempt == 0 and change.before is None:
                    await self.heads.create(self._space, key, head, seq=head.seq)
                    return
                held = await self.heads.find(self._space, key)
                if held is None:
                    await self.heads.create(self._space, key, head, seq=head.seq)
                elif held.doc.seq < head.seq:
                    head = _head(change, listed, version=held.doc.version + 1)
                    await self.heads.replace(self._space, key, head, held.etag, seq=head.seq)
            except Conflict:
                continue
            return
        raise Unavailable(f"the head of {change.path!r} keeps changing; try again", retry_after=2.0)


def _head(change: MergedChange, listed: ChangeList, version: int) -> Head:
    after = change.after
    return Head(
        path=change.path,
        sha256=after.sha256 if after else None,
        size=after.size if after else 0,
        executable=bool(after and after.executable),
        version=version,
        node_id=listed.node_id,
        seq=listed.seq,
        deleted=after is None,
    )
