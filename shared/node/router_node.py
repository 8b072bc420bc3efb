"""A router node: search the action space, and spawn the node that acts or fail naming what is lacking."""

from datetime import datetime
from functools import partial
from typing import Any

from shared.errors import ModelError
from shared.node.interruption import OutOfBudget
from shared.node.journal import NodeJournal
from shared.node.journalled_calls import JournalledCalls
from shared.node.model import NodeModel
from shared.node.session import NodeSession
from shared.spaces.action_space import ActionSpace
from shared.spaces.choosing import model_chooser
from shared.spaces.metadata import ActionMetadata, SpaceEntry
from shared.spaces.router import Route, search
from shared.store.nodes import HeldNode
from shared.swarm.birth import routed
from shared.swarm.budget import spent
from shared.swarm.node import SwarmNode
from shared.swarm.statuses import Operation, Status
from shared.swarm.swarm import Swarm
from shared.swarm.transitions import transition


async def route(session: NodeSession, router: HeldNode) -> None:
    """Search for the action of a router node, and spawn the node that acts or fail; one past its search is left alone.

    It runs under its manager's claim. Raises `Interrupted` and `ModelUnavailable`.
    """
    node, services, swarm = router.node, session.services, session.swarm
    if node.status is not Status.ROUTING:
        return
    journal = await NodeJournal.open(services, session.space, node, fresh=False)
    deadline = swarm.deadline(node.idle)
    model = NodeModel(JournalledCalls(services, session.ref.to(node.node_id), node, journal, deadline))
    space = ActionSpace(services.store, session.space, services.actions)
    accept = partial(may_perform, depth=node.depth, swarm=swarm)
    try:
        found = await search(space, node.directive, model_chooser(model.chooser("route")), accept=accept)
    except OutOfBudget as error:
        lacking = f"Stopped before an action was found: {error.what} ran out."
        found = Route(ending="exhausted", found=None, steps=())
    except ModelError as error:
        lacking, found = f"No action was found: {error}", Route(ending="exhausted", found=None, steps=())
    else:
        lacking = f"There is no action for this. What is lacking is an action that can: {node.directive}"
    await session.nodes.commit(router, _moved(node, found, journal, lacking, session.now()))


def _moved(node: SwarmNode, found: Route, journal: NodeJournal, lacking: str, now: datetime) -> SwarmNode:
    """The router's next version: with the child it found, or failed."""
    changes: dict[str, Any] = {
        "route": tuple(step.model_dump(mode="json") for step in found.steps),
        "usage": journal.usage,
        "claim": None,
    }
    if found.found is None:
        return transition(node, Operation.NODE_FAILURE, Status.FAILED, now, report=lacking, **changes)
    child = routed(node, found.found, node.lease - spent(journal.usage, 0))
    return transition(node, Operation.SPAWN, Status.WAITING, now, children=(child,), **changes)


def may_perform(entry: SpaceEntry, depth: int, swarm: Swarm) -> bool:
    """Whether a node at this depth may perform an action: decompositions end at the swarm's depth."""
    if not isinstance(entry, ActionMetadata):
        return False
    return not entry.is_manager or depth < swarm.limits.depth
