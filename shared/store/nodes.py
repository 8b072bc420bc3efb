"""Node documents and their outboxes: how a transition is committed and completes itself after a crash.

    reserve frames -> write the node if-etag, with its outbox -> write the outbox out if-absent -> clear it

A crash leaves either nothing or an outbox in the node's document, which whoever loads the node finishes first.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from shared.errors import Conflict, NotFound
from shared.store.documents import Documents
from shared.store.history import History
from shared.store.port import Category, IfAbsent, IfEtag, Store
from shared.swarm.node import Outbox, SwarmEvent, SwarmNode
from shared.types import SpaceKey


@dataclass(slots=True)
class HeldNode:
    """A node as it was last read or written, with its etag."""

    node: SwarmNode
    etag: str
    #: Whether the outbox in the document is known to be written out.
    flushed: bool = True


class Nodes:
    """The nodes of one swarm space."""

    def __init__(self, store: Store, space: SpaceKey) -> None:
        self._store = store
        self._space = space
        self._history = History(store, space)

    async def find(self, node_id: str) -> HeldNode | None:
        """The node with its outbox finished, or None."""
        held = await self.peek(node_id)
        if held is None or held.node.outbox is None:
            return held
        return await self._finish(held)

    async def peek(self, node_id: str) -> HeldNode | None:
        """The node as it was last written, or None: its outbox is left to whoever works on it."""
        stored = await self._store.get(self._space, Category.SWARM_STATE, node_id)
        return None if stored is None else HeldNode(SwarmNode.model_validate_json(stored.value), stored.etag)

    async def load(self, node_id: str) -> HeldNode:
        """The node with its outbox finished; raises `NotFound`."""
        held = await self.find(node_id)
        if held is None:
            raise NotFound(f"there is no node {node_id!r}")
        return held

    async def load_all(self, node_ids: tuple[str, ...]) -> list[HeldNode]:
        """Several nodes at once, in the order of their ids."""
        return list(await asyncio.gather(*(self.load(node_id) for node_id in node_ids)))

    async def all(self) -> AsyncIterator[SwarmNode]:
        """Every node as it was last written, in the order in which they came to be."""
        documents = Documents(self._store, Category.SWARM_STATE, SwarmNode)
        async for node in documents.all(self._space):
            yield node

    async def create(self, node: SwarmNode) -> None:
        """Write a swarm's first node with the outbox of its birth; raises `Conflict` if there is one."""
        numbered = await self._number(node)
        etag = await self._write(numbered, IfAbsent())
        await self._finish(HeldNode(numbered, etag, flushed=False))

    async def commit(self, held: HeldNode, after: SwarmNode, *, clear: bool = True) -> None:
        """Make a transition durable and update `held`; raises `Conflict`, with nothing done, if the node had changed.

        Without `clear` the outbox, though written out, stays in the document until the next write of the node:
        one write less where that is sure to follow.
        """
        if held.node.outbox is not None and not held.flushed:
            await self._flush(held)
        numbered = await self._number(after)
        held.etag = await self._write_or_seal(numbered, held.etag)
        held.node, held.flushed = numbered, False
        await self._flush(held)
        if clear:
            await self._clear_or_reload(held)

    async def rewrite(self, held: HeldNode, after: SwarmNode) -> None:
        """Change bookkeeping of a node, such as its claim, without a transition; raises `Conflict`."""
        outbox = None if held.flushed else held.node.outbox
        after = after.evolve(outbox=outbox)
        held.etag = await self._write(after, IfEtag(held.etag))
        held.node = after

    async def _finish(self, held: HeldNode) -> HeldNode:
        held.flushed = False
        try:
            await self._flush(held)
            # A claimed node's worker drops the outbox with its next write; doing it here would make that write lose.
            if held.node.claim is None:
                await self._clear(held)
        except Conflict:  # somebody else finished it or moved the node on: read what they left
            return await self.load(held.node.node_id)
        return held

    async def _number(self, node: SwarmNode) -> SwarmNode:
        """Reserve a frame for each event that has none."""
        if node.outbox is None:
            return node
        unnumbered = sum(event.frame == 0 for event in node.outbox.events)
        frame = await self._history.reserve(unnumbered)
        events: list[SwarmEvent] = []
        for event in node.outbox.events:
            fresh = event.frame == 0
            events.append(event.model_copy(update={"frame": frame}) if fresh else event)
            frame += fresh
        frames = {event.node_id: event.frame for event in events}
        children = tuple(child.evolve(seq=frames[child.node_id]) for child in node.outbox.children)
        seq = node.seq or frames.get(node.node_id, 0)
        return node.evolve(seq=seq, outbox=Outbox(events=tuple(events), children=children))

    async def _flush(self, held: HeldNode) -> None:
        outbox = held.node.outbox
        if outbox is None:
            return
        while sealed := await self._history.append(outbox.events):
            again = tuple(e.model_copy(update={"frame": 0}) if e.frame in sealed else e for e in outbox.events)
            node = await self._number(held.node.evolve(outbox=Outbox(events=again, children=outbox.children)))
            held.etag = await self._write_or_seal(node, held.etag)
            held.node = node
            outbox = node.outbox or Outbox()
        if outbox.children:
            await asyncio.gather(*(self._write_child(child) for child in outbox.children))
        held.flushed = True

    async def _write_child(self, child: SwarmNode) -> None:
        try:
            await self._write(child, IfAbsent())
        except Conflict:  # an earlier try got as far as this, and the child may have moved on since
            return

    async def _clear_or_reload(self, held: HeldNode) -> None:
        """Drop the outbox of a transition that is committed, or read what a reader who did so first has left."""
        try:
            await self._clear(held)
        except Conflict:
            newer = await self.load(held.node.node_id)
            held.node, held.etag, held.flushed = newer.node, newer.etag, newer.flushed

    async def _clear(self, held: HeldNode) -> None:
        after = held.node.evolve(outbox=None)
        held.etag = await self._write(after, IfEtag(held.etag))
        held.node = after

    async def _write_or_seal(self, node: SwarmNode, etag: str) -> str:
        """Write a node whose events were numbered; if that loses, nobody fills those frames, and readers must not wait.

        Frames of events that are already written are not touched.
        """
        try:
            return await self._write(node, IfEtag(etag))
        except Conflict:
            await self._history.forgo(node.outbox.events if node.outbox else ())
            raise

    async def _write(self, node: SwarmNode, condition: IfAbsent | IfEtag) -> str:
        return await self._store.put(
            self._space,
            Category.SWARM_STATE,
            node.node_id,
            node.model_dump_json(exclude_defaults=True),
            seq=node.seq,
            condition=condition,
        )
