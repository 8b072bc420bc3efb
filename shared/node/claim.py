"""A worker's claim on one node: an if-etag lease in the node's document, renewed by a heartbeat while it works."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

from shared.errors import Conflict, Unavailable
from shared.node.interruption import Interrupted
from shared.services import Services
from shared.store.nodes import HeldNode, Nodes
from shared.swarm.control import Command, Control
from shared.swarm.node import Claim, NodeRef, Standstill, SwarmNode
from shared.swarm.statuses import Operation, Status
from shared.swarm.transitions import transition

T = TypeVar("T")

#: Seconds between two heartbeats, at most: a claim lasts for three of them.
HEARTBEAT = 5.0


class NodeClaim:
    """The document of one node while a worker moves it. Every write of the node goes through here."""

    def __init__(self, services: Services, ref: NodeRef, nodes: Nodes, held: HeldNode) -> None:
        self._services = services
        self._ref = ref
        self._nodes = nodes
        self._held = held
        self._writing = asyncio.Lock()
        self._stopped: Interrupted | None = None

    @property
    def node(self) -> SwarmNode:
        """The node as it was last written."""
        return self._held.node

    @property
    def held(self) -> HeldNode:
        """The node's document with its etag."""
        return self._held

    def foreign_seconds(self) -> float:
        """Return the seconds that another worker's claim still lasts; 0 if the node is free."""
        claim = self.node.claim
        if claim is None or claim.owner == self._services.worker:
            return 0.0
        return max(0.0, (claim.expires - self._services.now()).total_seconds())

    async def move(
        self, operation: Operation, to: Status, *, children: tuple[SwarmNode, ...] = (), **changes: Any
    ) -> None:
        """Commit a transition.

        Going to work claims the node, and so does spawning routers, which search under its claim; any other
        transition releases the claim. Raises `Conflict` if the node changed meanwhile.
        """
        searching = any(child.status is Status.ROUTING for child in children)
        working = searching or to in {Status.ACTING, Status.REVIEWING}
        changes["claim"] = self._new() if working else None
        async with self._writing:
            after = transition(self.node, operation, to, self._services.now(), children=children, **changes)
            await self._nodes.commit(self._held, after, clear=not working)

    async def acquire(self) -> None:
        """Claim the node, such as one whose worker died at work."""
        await self._write(self._new())

    async def ensure(self) -> None:
        """Claim the node unless this process has claimed it already."""
        claim = self.node.claim
        if claim is None or claim.owner != self._services.worker:
            await self.acquire()

    async def release(self) -> None:
        """Release the claim without an outcome; one that was lost already is left alone."""
        if self.node.claim is not None:
            with suppress(Conflict):
                await self._write(None)

    async def stand_still(self, control: Control) -> None:
        """Release the claim of a node that is to pause, and note since when it stands still with its branch.

        While the whole swarm is paused nothing is noted: that time is the control's.
        """
        if control.command is Command.PAUSE or self.node.standstill is not None:
            await self.release()
            return
        now = self._services.now()
        standstill = Standstill(since=now, paused=control.stood(now))
        await self._rewrite(claim=None, standstill=standstill)

    async def go_on(self, control: Control) -> None:
        """Count the time that the node stood still, if it did.

        The wait for answers of a blocked node includes that time already.
        """
        still = self.node.standstill
        if still is None:
            return
        now = self._services.now()
        passed = (now - still.since).total_seconds() - (control.stood(now) - still.paused)
        more = 0.0 if self.node.status is Status.BLOCKED else max(0.0, passed)
        await self._rewrite(standstill=None, stood=self.node.stood + more)

    async def run(self, work: Awaitable[T]) -> T:
        """Await work under a heartbeat; raises `Interrupted` when the user cancels or the claim is lost."""
        worker = asyncio.current_task()
        if worker is None:
            raise RuntimeError("a claim runs work inside a task")
        every = min(HEARTBEAT, self._services.settings.claim_seconds / 3)
        heartbeats: list[asyncio.Task[None]] = []
        loop = asyncio.get_running_loop()
        begin = loop.call_later(every, lambda: heartbeats.append(loop.create_task(self._heartbeat(worker, every))))
        try:
            return await work
        except asyncio.CancelledError:
            if self._stopped is None:
                raise
            worker.uncancel()
            raise self._stopped from None
        finally:
            begin.cancel()
            for heartbeat in heartbeats:
                heartbeat.cancel()

    def _new(self) -> Claim:
        expires = self._services.now() + timedelta(seconds=self._services.settings.claim_seconds)
        return Claim(owner=self._services.worker, expires=expires)

    async def _write(self, claim: Claim | None) -> None:
        await self._rewrite(claim=claim)

    async def _rewrite(self, **bookkeeping: Any) -> None:
        async with self._writing:
            await self._nodes.rewrite(self._held, self.node.evolve(**bookkeeping))

    async def _heartbeat(self, worker: asyncio.Task[Any], every: float) -> None:
        """Renew the claim and watch the control until the work is done; started only for work that takes long."""
        stopped = await self._beat()
        while stopped is None:
            await asyncio.sleep(every)
            stopped = await self._beat()
        self._stopped = stopped
        worker.cancel()

    async def _beat(self) -> Interrupted | None:
        try:
            control = await self._services.control(self._ref.space)
            if control.of(self.node.node_id) is Command.CANCEL:
                return Interrupted(Command.CANCEL)
            if self._must_be_renewed():
                await self.acquire()
        except Conflict:
            return Interrupted(None)
        except Unavailable:  # the next beat tries again; the claim lasts for several
            return None
        return None

    def _must_be_renewed(self) -> bool:
        claim = self.node.claim
        renewed = timedelta(seconds=self._services.settings.claim_seconds * 2 / 3)
        return claim is not None and claim.expires - self._services.now() < renewed
