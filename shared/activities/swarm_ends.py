"""`begin_swarm` and `finish_swarm`: the two ends of a swarm's orchestration."""

from contextlib import suppress
from datetime import UTC, datetime

from shared.errors import Conflict, NotFound
from shared.node.engine import Engine
from shared.runtime.steps import ENDED, Child, Step
from shared.store import Category
from shared.store.catalog import UnfinishedSwarms
from shared.store.documents import Documents
from shared.store.history import History
from shared.store.ledger import spending
from shared.swarm.node import NodeRef, SwarmNode
from shared.swarm.statuses import Status
from shared.swarm.swarm import Swarm, SwarmStatus
from shared.types import SpaceKey

#: Later than any event.
_EVER = datetime.max.replace(tzinfo=UTC)


async def begin_swarm(engine: Engine, root: NodeRef) -> Step:
    """The nodes that absorb the context, which run before the root does."""
    async with engine.unless_deleted(root.space):
        nodes = engine.nodes(root.space)
        held = await nodes.load(root.node_id)
        children = await nodes.load_all(held.node.children_ids)
        absorbers = [child.node for child in children if child.node.context_id is not None and child.node.alive]
        if absorbers:
            return Step(kind="children", children=tuple(Child(node_id=n.node_id, in_one_go=True) for n in absorbers))
    return ENDED


async def finish_swarm(engine: Engine, root: NodeRef) -> None:
    """Close the swarm's document with its root's report, and take it off the sweep's list. May be repeated.

    No node will fill a gap that a dead worker left in the history, and no sweep comes after this: it is sealed here.
    The ledger is settled first, so that who sees the swarm's end finds the room it leaves.
    """
    async with engine.unless_deleted(root.space):
        held = await engine.nodes(root.space).load(root.node_id)
        if held.node.alive:
            raise Conflict("the swarm's root has not ended")
        await History(engine.store, root.space).seal(_EVER, engine.now())
        await engine.ledgers.settle(root.space, spending(held.node.usage), engine.now())
        swarm = await _close(engine, root.space, held.node)
        if swarm.deleted is None:  # else the sweep has to remove it yet
            await UnfinishedSwarms(engine.store).remove(root.space)


async def _close(engine: Engine, space: SpaceKey, root: SwarmNode) -> Swarm:
    """Write the swarm's end into its summary in the user's list, unless it was deleted, and into its document."""
    docs = Documents(engine.store, Category.SWARM, Swarm)
    swarm = (await docs.get(space, "swarm")).doc
    shown = {
        "status": _status(root),
        "ended": swarm.ended or engine.now(),
        "usage": root.usage,
        "nodes": root.nodes,
    }
    with suppress(NotFound):
        account = SpaceKey.account(space.user_id)
        await docs.change(account, space.swarm_id, lambda listed: listed.model_copy(update=shown), seq=swarm.seq)
    return await docs.change(space, "swarm", lambda doc: doc.model_copy(update={**shown, "report": root.report}))


def _status(root: SwarmNode) -> SwarmStatus:
    if root.status is Status.CANCELLED:
        return SwarmStatus.CANCELLED
    if root.status is Status.FAILED:
        return SwarmStatus.FAILED
    return SwarmStatus.COMPLETED if root.complete else SwarmStatus.INCOMPLETE
