"""`begin_swarm` and `finish_swarm`: the two ends of a swarm's orchestration."""

from datetime import UTC, datetime

from shared.activities.engine import Engine
from shared.errors import Conflict, NotFound
from shared.runtime.steps import ENDED, Child, Step
from shared.store import Category
from shared.store.catalog import UnfinishedSwarms
from shared.store.documents import Documents
from shared.store.history import History
from shared.swarm.node import NodeRef, SwarmNode
from shared.swarm.statuses import Status
from shared.swarm.swarm import Swarm, SwarmStatus
from shared.types import SpaceKey

#: Later than any event.
_EVER = datetime.max.replace(tzinfo=UTC)


async def begin_swarm(engine: Engine, root: NodeRef) -> Step:
    """The nodes that absorb the context, which run before the root does."""
    nodes = engine.nodes(root.space)
    held = await nodes.load(root.node_id)
    children = await nodes.load_all(held.node.children_ids)
    absorbers = [child.node for child in children if child.node.context_id is not None and child.node.alive]
    if not absorbers:
        return ENDED
    return Step(kind="children", children=tuple(Child(node_id=n.node_id, in_one_go=True) for n in absorbers))


async def finish_swarm(engine: Engine, root: NodeRef) -> None:
    """Close the swarm's document with its root's report, and take it off the sweep's list. May be repeated.

    No node will fill a gap that a dead worker left in the history, and no sweep comes after this: it is sealed here.
    """
    held = await engine.nodes(root.space).load(root.node_id)
    if held.node.alive:
        raise Conflict("the swarm's root has not ended")
    await History(engine.store, root.space).seal(_EVER, engine.now())
    await _close(engine, root.space, held.node)
    await UnfinishedSwarms(engine.store).remove(root.space)


async def _close(engine: Engine, space: SpaceKey, root: SwarmNode) -> None:
    docs = Documents(engine.store, Category.SWARM, Swarm)
    swarm = await docs.get(space, "swarm")
    closed = swarm.doc.model_copy(
        update={
            "status": _status(root),
            "ended": swarm.doc.ended or engine.now(),
            "usage": root.usage,
            "nodes": root.nodes,
            "report": root.report,
        }
    )
    await docs.write(space, "swarm", closed)
    account = SpaceKey.account(space.user_id)
    try:
        listed = await docs.get(account, space.swarm_id)
    except NotFound:
        return
    summary = listed.doc.model_copy(update={"status": closed.status, "ended": closed.ended})
    await docs.write(account, space.swarm_id, summary, seq=closed.seq)


def _status(root: SwarmNode) -> SwarmStatus:
    if root.status is Status.CANCELLED:
        return SwarmStatus.CANCELLED
    if root.status is Status.FAILED:
        return SwarmStatus.FAILED
    return SwarmStatus.COMPLETED if root.complete else SwarmStatus.INCOMPLETE
