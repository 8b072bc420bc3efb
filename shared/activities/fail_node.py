"""`fail_node`: write the failure report of a node whose activity or orchestration failed at host level."""

from shared.errors import Conflict, Unavailable
from shared.node.branches import Below, end_router_above, load_branches
from shared.node.journal import NodeJournal
from shared.runtime.steps import Failure
from shared.services import Services
from shared.store.nodes import HeldNode, Nodes
from shared.swarm.node import NodeRef
from shared.swarm.statuses import Operation, Status
from shared.swarm.transitions import transition

_ATTEMPTS = 5


async def fail_node(services: Services, failure: Failure) -> None:
    """End a node that is still alive as failed, and everything below it first, so that no node is orphaned."""
    nodes = services.nodes(failure.ref.space)
    reason = failure.reason.partition("\n")[0].strip()  # what follows is a traceback, which is not for users
    async with services.unless_deleted(failure.ref.space):
        await _fail(services, failure.ref, nodes, await nodes.load(failure.ref.node_id), reason)


async def _fail(services: Services, ref: NodeRef, nodes: Nodes, held: HeldNode, reason: str) -> None:
    for _ in range(_ATTEMPTS):
        if not held.node.alive:
            break
        for child_id in held.node.children_ids:
            await _fail(services, ref, nodes, await nodes.load(child_id), "the node above it failed")
        try:
            await _end(services, ref, nodes, held, reason)
        except Conflict:  # a late worker moved it: look again
            held = await nodes.load(held.node.node_id)
            continue
        break
    else:
        raise Unavailable(f"node {held.node.node_id} keeps moving")
    await end_router_above(nodes, held.node, services.now())


async def _end(services: Services, ref: NodeRef, nodes: Nodes, held: HeldNode, reason: str) -> None:
    below = Below.of(await load_branches(nodes, held.node, services.now()))
    journal = await NodeJournal.open(services, ref.space, held.node, fresh=False)
    after = transition(
        held.node,
        Operation.NODE_FAILURE,
        Status.FAILED,
        services.now(),
        report=f"Failed: the work on this node was cut off ({reason}).",
        complete=False,
        usage=journal.usage + below.usage,
        nodes=held.node.nodes + below.nodes,
        waited=max(held.node.idle, below.waited),
        claim=None,
    )
    await nodes.commit(held, after)
