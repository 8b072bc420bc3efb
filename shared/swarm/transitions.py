"""The table of a node's transitions, and the one function that makes them.

A transition is a new version of the node that carries an outbox: the events that tell of it and the children it
planned. Nothing else changes a node.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.errors import IllegalTransition
from shared.swarm.node import BOOKKEEPING, Outbox, SwarmEvent, SwarmNode
from shared.swarm.statuses import Operation, Status

_ENDS = {Status.TERMINATED, Status.CANCELLED}

#: What a node may do in a status, and the statuses that can come of it.
TABLE: dict[tuple[Status, Operation], frozenset[Status]] = {
    (Status.PENDING, Operation.EXECUTE): frozenset({Status.ACTING}),
    (Status.ACTING, Operation.SPAWN): frozenset({Status.WAITING}),
    (Status.ACTING, Operation.BLOCKING): frozenset({Status.BLOCKED}),
    (Status.BLOCKED, Operation.USER_COMMUNICATION): frozenset({Status.ACTING}),
    (Status.WAITING, Operation.EXECUTE): frozenset({Status.REVIEWING}),
    (Status.REVIEWING, Operation.SPAWN): frozenset({Status.WAITING}),
    (Status.ROUTING, Operation.SPAWN): frozenset({Status.WAITING}),
    (Status.ACTING, Operation.TERMINATE): frozenset(_ENDS),
    (Status.REVIEWING, Operation.TERMINATE): frozenset(_ENDS),
    (Status.WAITING, Operation.TERMINATE): frozenset(_ENDS),
    (Status.PENDING, Operation.TERMINATE): frozenset({Status.CANCELLED}),
    (Status.BLOCKED, Operation.TERMINATE): frozenset({Status.CANCELLED}),
    (Status.ROUTING, Operation.TERMINATE): frozenset({Status.CANCELLED}),
    **{(status, Operation.NODE_FAILURE): frozenset({Status.FAILED}) for status in Status if not status.ended},
}


def check(node_id: str, status: Status, operation: Operation, to: Status) -> None:
    """Raise `IllegalTransition` unless the table has this move."""
    if to not in TABLE.get((status, operation), frozenset()):
        raise IllegalTransition(f"node {node_id} is {status}: it cannot {operation} to {to}")


def spawned(child: SwarmNode, at: datetime) -> SwarmEvent:
    """The event that tells of a node's birth; it holds the whole node."""
    return SwarmEvent(
        node_id=child.node_id,
        version=child.version,
        operation=Operation.SPAWN,
        status=child.status,
        at=at,
        changes=child.model_dump(mode="json", exclude=set(BOOKKEEPING), exclude_defaults=True),
    )


def transition(
    node: SwarmNode,
    operation: Operation,
    to: Status,
    at: datetime,
    *,
    children: Sequence[SwarmNode] = (),
    **changes: Any,
) -> SwarmNode:
    """The node's next version, with the outbox that tells of it. Raises `IllegalTransition`."""
    check(node.node_id, node.status, operation, to)
    if children:
        changes["children_ids"] = (*node.children_ids, *(child.node_id for child in children))
        changes["next_child"] = node.next_child + len(children)
    after = node.evolve(status=to, version=node.version + 1, **changes)
    told = after.model_dump(mode="json", include=set(changes) - BOOKKEEPING)
    event = SwarmEvent(node_id=node.node_id, version=after.version, operation=operation, status=to, at=at, changes=told)
    outbox = Outbox(events=(event, *(spawned(child, at) for child in children)), children=tuple(children))
    return after.evolve(outbox=outbox)
