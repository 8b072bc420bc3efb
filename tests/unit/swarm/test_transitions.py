"""The transition table and what a transition writes."""

from datetime import UTC, datetime

import pytest

from shared.errors import IllegalTransition
from shared.swarm.birth import child_of, root_node, routed
from shared.swarm.budget import Lease, Limits
from shared.swarm.node import SwarmNode
from shared.swarm.outcomes import SubDirective
from shared.swarm.statuses import Operation, Status
from shared.swarm.transitions import TABLE, transition

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PART = Lease(nodes=5, calls=10, tokens=10_000, cost_usd=1)


def node(status: Status = Status.PENDING) -> SwarmNode:
    return root_node("do it", Limits(), 0).evolve(status=status)


def test_a_move_makes_the_next_version_and_tells_of_it() -> None:
    after = transition(node(), Operation.EXECUTE, Status.ACTING, NOW)
    assert (after.status, after.version) == (Status.ACTING, 1)
    assert after.outbox is not None
    (event,) = after.outbox.events
    assert (event.node_id, event.version, event.operation, event.status) == ("0", 1, Operation.EXECUTE, Status.ACTING)
    assert event.frame == 0


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("operation", list(Operation))
@pytest.mark.parametrize("to", list(Status))
def test_only_moves_of_the_table_are_made(status: Status, operation: Operation, to: Status) -> None:
    if to in TABLE.get((status, operation), ()):
        assert transition(node(status), operation, to, NOW).status is to
    else:
        with pytest.raises(IllegalTransition):
            transition(node(status), operation, to, NOW)


@pytest.mark.parametrize("status", [s for s in Status if s.ended])
def test_a_node_that_ended_never_moves(status: Status) -> None:
    assert not [key for key in TABLE if key[0] is status]


def test_every_status_of_a_living_node_can_fail_and_can_be_cancelled() -> None:
    for status in (s for s in Status if not s.ended):
        assert Status.FAILED in TABLE[status, Operation.NODE_FAILURE]
        assert Status.CANCELLED in TABLE[status, Operation.TERMINATE]


def test_children_get_ordinals_that_are_never_reused() -> None:
    manager = node(Status.ACTING)
    first = tuple(child_of(manager, n, SubDirective(directive=f"part {n}"), PART) for n in range(2))
    waiting = transition(manager, Operation.SPAWN, Status.WAITING, NOW, children=first)
    assert (waiting.children_ids, waiting.next_child) == (("0.0", "0.1"), 2)
    reviewing = transition(waiting, Operation.EXECUTE, Status.REVIEWING, NOW)
    more = SubDirective(directive="do it", continuation=True, missing="the rest")
    again = child_of(reviewing, reviewing.next_child, more, PART)
    assert again.node_id == "0.2"
    after = transition(reviewing, Operation.SPAWN, Status.WAITING, NOW, children=(again,))
    assert after.children_ids == ("0.0", "0.1", "0.2")


def test_the_outbox_holds_the_children_and_the_event_of_each_birth() -> None:
    manager = node(Status.ACTING)
    child = child_of(manager, 0, SubDirective(directive="part"), PART)
    outbox = transition(manager, Operation.SPAWN, Status.WAITING, NOW, children=(child,)).outbox
    assert outbox is not None
    assert outbox.children == (child,)
    assert [event.node_id for event in outbox.events] == ["0", "0.0"]
    assert outbox.events[1].changes["directive"] == "part"


def test_history_is_told_nothing_of_bookkeeping() -> None:
    after = transition(node(), Operation.EXECUTE, Status.ACTING, NOW, claim=None, turn=1)
    assert after.outbox is not None
    assert after.outbox.events[0].changes == {"turn": 1}


def test_a_router_counts_neither_as_a_node_nor_in_depth() -> None:
    manager = node(Status.ACTING)
    router = child_of(manager, 0, SubDirective(directive="part"), PART)
    assert (router.is_router, router.status, router.nodes, router.depth) == (True, Status.ROUTING, 0, 1)
    actor = routed(router, "writing.write_document", PART)
    assert (actor.node_id, actor.depth, actor.nodes, actor.directive) == ("0.0.0", 1, 1, "part")


def test_a_continuation_goes_on_at_the_same_depth_one_round_later() -> None:
    manager = node(Status.REVIEWING)
    again = child_of(manager, 3, SubDirective(directive="do it", continuation=True, missing="the rest"), PART)
    assert (again.depth, again.round, again.missing, again.directive) == (0, 1, "the rest", "do it")
