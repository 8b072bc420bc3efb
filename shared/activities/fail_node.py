"""`fail_node`: write the failure report of a node whose activity or orchestration failed at host level."""

from shared.errors import Conflict, Unavailable
from shared.node.children import Below, load_branches, settle_parent
from shared.node.engine import Engine
from shared.node.journal import NodeJournal
from shared.runtime.steps import Failure
from shared.store.nodes import HeldNode, Nodes
from shared.swarm.node import NodeRef
from shared.swarm.statuses import Operation, Status
from shared.swarm.transitions import transition

_ATTEMPTS = 5


async def fail_node(engine: Engine, failure: Failure) -> None:
    """End a node that is still alive as failed, and everything below it first, so that no node is orphaned."""
    nodes = engine.nodes(failure.ref.space)
    reason = failure.reason.partition("\n")[0].strip()  # what follows is a traceback, which is not for users
    async with engine.unless_deleted(failure.ref.space):
        await _fail(engine, failure.ref, nodes, await nodes.load(failure.ref.node_id), reason)


async def _fail(engine: Engine, ref: NodeRef, nodes: Nodes, held: HeldNode, reason: str) -> None:
    for _ in range(_ATTEMPTS):
        if not held.node.alive:
            break
        for child_id in held.node.children_ids:
            await _fail(engine, ref, nodes, await nodes.load(child_id), "the node above it failed")
        try:
            await _end(engine, ref, nodes, held, reason)
        except Conflict:  # a late worker moved it: look again
            held = await nodes.load(held.node.node_id)
            continue
        break
    else:
        raise Unavailable(f"node {held.node.node_id} keeps moving")
    await settle_parent(engine, nodes, held.node)


async def _end(engine: Engine, ref: NodeRef, nodes: Nodes, held: HeldNode, reason: str) -> None:
    below = Below.of(await load_branches(engine, nodes, held.node))
    journal = await NodeJournal.open(engine.store, ref.space, held.node, fresh=False)
    after = transition(
        held.node,
        Operation.NODE_FAILURE,
        Status.FAILED,
        engine.now(),
        report=f"Failed: the work on this node was cut off ({reason}).",
        complete=False,
        usage=journal.usage + below.usage,
        nodes=held.node.nodes + below.nodes,
        waited=max(held.node.waited, below.waited),
        claim=None,
    )
    await nodes.commit(held, after)
