"""How nodes come to be: the root, a manager's children, the node a router spawns. A transition makes them real."""

from typing import Any

from shared.swarm.budget import Lease, Limits
from shared.swarm.node import ROOT_ID, SwarmNode
from shared.swarm.outcomes import SubDirective
from shared.swarm.statuses import Status

MANAGER_ID = "reasoning.decompose_directive"
ROUTER_ID = "routers.route_action"
ABSORBER_ID = "memory.save_memory"


def root_node(directive: str, limits: Limits, children: int) -> SwarmNode:
    """A swarm's root, always a manager; `children` ordinals are taken by the nodes that absorb the context."""
    taken = tuple(f"{ROOT_ID}.{ordinal}" for ordinal in range(children))
    return SwarmNode(
        node_id=ROOT_ID,
        parent_id=None,
        children_ids=taken,
        next_child=children,
        action_id=MANAGER_ID,
        directive=directive,
        lease=limits.lease,
    )


def absorber(root: SwarmNode, ordinal: int, name: str, context_id: str, lease: Lease) -> SwarmNode:
    """A node that reads one document of the context into memory."""
    return SwarmNode(
        node_id=root.child_id(ordinal),
        parent_id=root.node_id,
        action_id=ABSORBER_ID,
        directive=f"Read {name} into memory.",
        depth=1,
        context_id=context_id,
        lease=lease,
    )


def child_of(manager: SwarmNode, ordinal: int, sub: SubDirective, lease: Lease) -> SwarmNode:
    """A manager's n-th child: a continuation, the node that acts where the plan named its action, or a router."""
    fields: dict[str, Any] = {
        "node_id": manager.child_id(ordinal),
        "parent_id": manager.node_id,
        "directive": sub.directive,
        "depth": manager.depth + 1,
        "generation": manager.generation,
        "lease": lease,
    }
    if sub.continuation:
        carried = {"action_id": MANAGER_ID, "depth": manager.depth, "round": manager.round + 1, "missing": sub.missing}
        return SwarmNode(**{**fields, **carried})
    if sub.action_id is None:
        return SwarmNode(**fields, action_id=ROUTER_ID, status=Status.ROUTING, nodes=0)
    return SwarmNode(**fields, action_id=sub.action_id)


def routed(router: SwarmNode, action_id: str, lease: Lease) -> SwarmNode:
    """The node a router spawns: its directive, its depth, and what the search left of its lease."""
    return SwarmNode(
        node_id=router.child_id(router.next_child),
        parent_id=router.node_id,
        action_id=action_id,
        routed=True,
        directive=router.directive,
        depth=router.depth,
        generation=router.generation,
        waited=router.idle,
        lease=lease,
    )
