"""A worker's hold on one node: the claim in its document, kept alive while it works, and given up with its outcome."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

from shared.errors import Conflict, Unavailable
from shared.node.engine import Engine
from shared.node.interruption import Interrupted
from shared.store.nodes import HeldNode, Nodes
from shared.swarm.control import Command
from shared.swarm.node import Claim, NodeRef, SwarmNode
from shared.swarm.statuses import Operation, Status
from shared.swarm.transitions import transition

T = TypeVar("T")

#: Seconds between two looks at the user's control while a call is in flight, at most: a claim gets three of them.
PULSE = 5.0


class Hold:
    """One node while a worker moves it. Every write of the node goes through here."""

    def __init__(self, engine: Engine, ref: NodeRef, nodes: Nodes, held: HeldNode) -> None:
        self.engine = engine
        self.ref = ref
        self.nodes = nodes
        self._held = held
        self._writing = asyncio.Lock()
        self._stopped: Interrupted | None = None

    @property
    def node(self) -> SwarmNode:
        """The node as it was last written."""
        return self._held.node

    def claim(self) -> Claim:
        """A claim of this process from now on."""
        expires = self.engine.now() + timedelta(seconds=self.engine.settings.claim_seconds)
        return Claim(owner=self.engine.worker, expires=expires)

    def foreign_seconds(self) -> float:
        """How many seconds somebody else's claim on the node still lasts; 0 if it is free."""
        claim = self.node.claim
        if claim is None or claim.owner == self.engine.worker:
            return 0.0
        return max(0.0, (claim.expires - self.engine.now()).total_seconds())

    async def move(
        self, operation: Operation, to: Status, *, children: tuple[SwarmNode, ...] = (), **changes: Any
    ) -> None:
        """Make a transition. Going to work claims the node, and so does spawning routers, which search under its claim;
        any other transition gives the claim up.

        Raises `Conflict` if the node changed meanwhile.
        """
        searching = any(child.status is Status.ROUTING for child in children)
        working = searching or to in {Status.ACTING, Status.REVIEWING}
        changes["claim"] = self.claim() if working else None
        async with self._writing:
            after = transition(self.node, operation, to, self.engine.now(), children=children, **changes)
            await self.nodes.commit(self._held, after, clear=not working)

    async def take(self) -> None:
        """Claim a node that is already at work, such as one whose worker died."""
        await self._mark(self.claim())

    async def keep(self) -> None:
        """Claim the node unless this process has claimed it already."""
        claim = self.node.claim
        if claim is None or claim.owner != self.engine.worker:
            await self.take()

    async def release(self) -> None:
        """Give the claim up without an outcome; one that was lost already is somebody else's."""
        if self.node.claim is not None:
            with suppress(Conflict):
                await self._mark(None)

    async def _mark(self, claim: Claim | None) -> None:
        async with self._writing:
            await self.nodes.rewrite(self._held, self.node.evolve(claim=claim))

    async def run(self, work: Awaitable[T]) -> T:
        """Do work while the claim is kept alive; raises `Interrupted` when the user cancels or the claim is lost."""
        worker = asyncio.current_task()
        if worker is None:
            raise RuntimeError("a hold runs inside a task")
        every = min(PULSE, self.engine.settings.claim_seconds / 3)
        pulses: list[asyncio.Task[None]] = []
        loop = asyncio.get_running_loop()
        begin = loop.call_later(every, lambda: pulses.append(loop.create_task(self._pulse(worker, every))))
        try:
            return await work
        except asyncio.CancelledError:
            if self._stopped is None:
                raise
            worker.uncancel()
            raise self._stopped from None
        finally:
            begin.cancel()
            for pulse in pulses:
                pulse.cancel()

    async def _pulse(self, worker: asyncio.Task[Any], every: float) -> None:
        """Renew the claim and watch the control until the work is done; started only for work that takes long."""
        stopped = await self._beat()
        while stopped is None:
            await asyncio.sleep(every)
            stopped = await self._beat()
        self._stopped = stopped
        worker.cancel()

    async def _beat(self) -> Interrupted | None:
        try:
            control = await self.engine.control(self.ref.space)
            if control.of(self.node.node_id) is Command.CANCEL:
                return Interrupted(Command.CANCEL)
            if self._claim_is_old():
                await self.take()
        except Conflict:
            return Interrupted(None)
        except Unavailable:  # the next beat tries again; the claim lasts for several
            return None
        return None

    def _claim_is_old(self) -> bool:
        claim = self.node.claim
        renewed = timedelta(seconds=self.engine.settings.claim_seconds * 2 / 3)
        return claim is not None and claim.expires - self.engine.now() < renewed
