"""`finish_swarm`: close a swarm whose root has ended."""

from contextlib import suppress
from datetime import UTC, datetime

from shared.errors import Conflict, NotFound
from shared.services import Services
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


async def finish_swarm(services: Services, root: NodeRef) -> None:
    """Close the swarm's document with its root's report, and take it off the sweep's list. May be repeated.

    No node will fill a gap that a dead worker left in the history, and no sweep comes after this: it is sealed here.
    The ledger is settled first, so that who sees the swarm's end finds the room it leaves.
    """
    async with services.unless_deleted(root.space):
        held = await services.nodes(root.space).load(root.node_id)
        if held.node.alive:
            raise Conflict("the swarm's root has not ended")
        await History(services.store, root.space).seal(_EVER, services.now())
        await services.ledgers.settle(root.space, spending(held.node.usage), services.now())
        swarm = await _close(services, root.space, held.node)
        if swarm.deleted is None:  # else the sweep has to remove it yet
            await UnfinishedSwarms(services.store).remove(root.space)


async def _close(services: Services, space: SpaceKey, root: SwarmNode) -> Swarm:
    """Write the swarm's end into its summary in the user's list, unless it was deleted, and into its document."""
    docs = Documents(services.store, Category.SWARM, Swarm)
    swarm = (await docs.get(space, "swarm")).doc
    shown = {
        "status": _status(root),
        "ended": swarm.ended or services.now(),
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
