"""The tree that is kept up with events."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cli.tree import LiveTree
from cli.wire import EventView

START = datetime(2026, 11, 22, 10, tzinfo=UTC)
DECOMPOSE, ROUTE, WRITE = "reasoning.decompose_directive", "routers.route_action", "coding.write_python"


def event(frame: int, node_id: str, operation: str | None, status: str, /, **changes: Any) -> EventView:
    at = START + timedelta(seconds=frame)
    return EventView(frame=frame, node_id=node_id, operation=operation, status=status, at=at, changes=changes)


def spawn(frame: int, node_id: str, action_id: str, status: str = "acting", /, **fields: Any) -> EventView:
    parent_id = node_id.rpartition(".")[0] or None
    fields = {"parent_id": parent_id, "action_id": action_id, "directive": f"Do {node_id}"} | fields
    return event(frame, node_id, "spawn", status, **fields)


def tree_of(*events: EventView) -> LiveTree:
    tree = LiveTree()
    for one in events:
        tree.apply(one)
    return tree


def lines(tree: LiveTree, most: int | None = None) -> list[str]:
    return [f"{row.guide}{row.node_id} {row.status}" for row in tree.rows(most)]


def test_events_change_the_fields_they_name() -> None:
    tree = tree_of(
        spawn(1, "0", DECOMPOSE),
        event(2, "0", "execute", "waiting", children_ids=["0.0"]),
        event(9, "0", "terminate", "terminated", complete=False),
    )

    (row,) = tree.rows()
    assert (row.status, row.directive, row.note) == ("terminated", "Do 0", "not complete")
    assert row.started == START + timedelta(seconds=1)
    assert row.ended == START + timedelta(seconds=9)


def test_a_router_is_shown_until_it_has_found_what_acts() -> None:
    before = tree_of(spawn(1, "0", DECOMPOSE), spawn(2, "0.0", ROUTE, "routing"), spawn(3, "0.1", ROUTE, "routing"))
    assert lines(before) == ["0 acting", "├─ 0.0 routing", "└─ 0.1 routing"]
    assert before.rows()[1].action == "choosing an action"

    before.apply(spawn(4, "0.0.0", WRITE))
    assert lines(before) == ["0 acting", "├─ 0.0.0 acting", "└─ 0.1 routing"]
    assert before.counts() == {"acting": 2}


def test_children_stand_in_the_order_they_came_even_beyond_ten() -> None:
    spawned = [spawn(2 + number, f"0.{number}", WRITE, seq=5) for number in (10, 2, 1)]

    assert [row.node_id for row in tree_of(spawn(1, "0", DECOMPOSE), *spawned).rows()] == ["0", "0.1", "0.2", "0.10"]


def test_guides_lead_through_every_level() -> None:
    tree = tree_of(
        spawn(1, "0", DECOMPOSE),
        spawn(2, "0.0", DECOMPOSE),
        spawn(3, "0.0.0", WRITE),
        spawn(4, "0.1", DECOMPOSE),
        spawn(5, "0.1.0", WRITE),
    )

    assert [row.guide for row in tree.rows()] == ["", "├─ ", "│  └─ ", "└─ ", "   └─ "]


def test_a_tree_too_long_for_the_screen_hides_what_is_below_ended_nodes() -> None:
    tree = tree_of(
        spawn(1, "0", DECOMPOSE),
        spawn(2, "0.0", DECOMPOSE),
        spawn(3, "0.0.0", WRITE, "terminated"),
        spawn(4, "0.0.1", WRITE, "terminated"),
        spawn(5, "0.1", WRITE),
        event(6, "0.0", "terminate", "terminated"),
    )

    assert len(tree.rows(most=5)) == 5
    assert lines(tree, most=4) == ["0 acting", "├─ 0.0 terminated", "└─ 0.1 acting"]
    assert tree.rows(most=4)[1].hidden == 2


def test_a_round_is_named() -> None:
    assert tree_of(spawn(1, "0", DECOMPOSE, round=1)).rows()[0].note == "round 2"


def test_what_cannot_be_read_is_passed_over() -> None:
    tree = tree_of(
        event(1, "0", "execute", "acting"),
        event(2, "0", None, "acting"),
        spawn(3, "0", DECOMPOSE, round="x"),
        spawn(4, "0", DECOMPOSE),
        event(5, "0", "a new command", "a new status", novelty=1),
    )

    assert lines(tree) == ["0 a new status"]


def test_a_blocked_node_is_noticed() -> None:
    tree = tree_of(spawn(1, "0", DECOMPOSE))
    assert not tree.is_blocked

    tree.apply(event(2, "0", "blocking", "blocked"))
    assert tree.is_blocked
