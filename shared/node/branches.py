"""A node's children as its manager sees them: routers folded into the nodes they spawned."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from shared.actions.context import ChildEnding, ChildReport
from shared.errors import Conflict
from shared.store.nodes import HeldNode, Nodes
from shared.swarm.budget import Lease, spent
from shared.swarm.node import SwarmNode
from shared.swarm.statuses import Operation, Status
from shared.swarm.transitions import transition
from shared.swarm.usage import Usage


@dataclass(slots=True)
class Branch:
    """A child, and the node that acts for it: itself, or what its router spawned (None while it searches)."""

    child: HeldNode
    actor: HeldNode | None

    @property
    def ended(self) -> bool:
        """Whether the child has ended, and so everything below it."""
        return not self.child.node.alive

    @property
    def is_continuation(self) -> bool:
        """Whether it is a manager that carries on its parent's directive."""
        return self.child.node.round > 0 and self.child.node.missing is not None

    def report(self) -> ChildReport:
        """What the branch left for a review."""
        acted = (self.actor or self.child).node
        return ChildReport(
            node_id=acted.node_id,
            directive=acted.directive,
            report=acted.report or "No report.",
            ending=_ending(acted),
        )


def _ending(node: SwarmNode) -> ChildEnding:
    if node.status is Status.TERMINATED:
        return "incomplete" if node.complete is False else "done"
    return "cancelled" if node.status is Status.CANCELLED else "failed"


async def load_branches(nodes: Nodes, parent: SwarmNode, now: datetime) -> list[Branch]:
    """Read all children of a node; a router whose child has ended is ended with it on the way."""
    return list(await asyncio.gather(*(_load(nodes, child_id, now) for child_id in parent.children_ids)))


async def _load(nodes: Nodes, child_id: str, now: datetime) -> Branch:
    child = await nodes.load(child_id)
    if not child.node.is_router:
        return Branch(child, child)
    if not child.node.children_ids:
        return Branch(child, None)
    actor = await nodes.load(child.node.children_ids[0])
    if child.node.alive and not actor.node.alive:
        child = await end_router(nodes, child, actor.node, now)
    return Branch(child, actor)


async def end_router(nodes: Nodes, router: HeldNode, actor: SwarmNode, now: datetime) -> HeldNode:
    """End a router together with its child, with a reference to the child's report; the first writer wins."""
    to = Status.CANCELLED if actor.status is Status.CANCELLED else Status.TERMINATED
    after = transition(
        router.node,
        Operation.TERMINATE,
        to,
        now,
        report_of=actor.node_id,
        complete=actor.complete,
        usage=router.node.usage + actor.usage,
        nodes=actor.nodes,
        waited=actor.waited,
    )
    with suppress(Conflict):
        await nodes.commit(router, after)
        return router
    return await nodes.load(router.node.node_id)


async def end_router_above(nodes: Nodes, actor: SwarmNode, now: datetime) -> None:
    """End the router above a node that has just ended, if there is one."""
    if actor.parent_id is None or not actor.routed:
        return
    parent = await nodes.load(actor.parent_id)
    if parent.node.is_router and parent.node.alive:
        await end_router(nodes, parent, actor, now)


@dataclass(frozen=True, slots=True)
class Below:
    """Sums over a node's ended children: usage, nodes, and seconds waited for the user."""

    usage: Usage = field(default_factory=Usage)
    nodes: int = 0
    waited: float = 0.0

    @classmethod
    def of(cls, branches: Sequence[Branch]) -> "Below":
        """The sums over the children that have ended."""
        ended = [branch.child.node for branch in branches if branch.ended]
        return cls(
            usage=sum((node.usage for node in ended), Usage()),
            nodes=sum(node.nodes for node in ended),
            waited=max((node.waited for node in ended), default=0.0),
        )

    @property
    def lease(self) -> Lease:
        """The part of the node's lease that is gone with them."""
        return spent(self.usage, self.nodes)
