"""Rebuilding the tree from history, and the checker of its invariants."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.swarm.birth import child_of, root_node
from shared.swarm.budget import Lease, Limits
from shared.swarm.history import replay, violations
from shared.swarm.node import SwarmEvent, SwarmNode
from shared.swarm.outcomes import SubDirective
from shared.swarm.statuses import Operation, Status
from shared.swarm.transitions import spawned, transition
from shared.swarm.usage import Usage

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROOT = root_node("do it", Limits(), 0)


class Story:
    """Makes moves and numbers their events, as a store would."""

    def __init__(self) -> None:
        self.nodes: dict[str, SwarmNode] = {"0": ROOT}
        self.events: list[SwarmEvent] = [spawned(ROOT, NOW).model_copy(update={"frame": 1})]

    def move(self, node_id: str, operation: Operation, to: Status, **changes: Any) -> "Story":
        after = transition(self.nodes[node_id], operation, to, NOW, **changes)
        assert after.outbox is not None
        self.nodes[node_id] = after.evolve(outbox=None)
        for event in after.outbox.events:
            self.events.append(event.model_copy(update={"frame": len(self.events) + 1}))
        for child in after.outbox.children:
            self.nodes[child.node_id] = child
        return self


def whole() -> Story:
    """A root with two children that report, reviewed and terminated."""
    story = Story().move("0", Operation.EXECUTE, Status.ACTING)
    part = Lease(nodes=10, calls=10, tokens=10_000, cost_usd=0.5)
    children = tuple(
        child_of(ROOT, n, SubDirective(directive=f"part {n}", action_id="writing.write_document"), part)
        for n in range(2)
    )
    story.move("0", Operation.SPAWN, Status.WAITING, children=children)
    for child in children:
        story.move(child.node_id, Operation.EXECUTE, Status.ACTING)
        story.move(child.node_id, Operation.TERMINATE, Status.TERMINATED, report="done", usage=Usage(calls=1))
    story.move("0", Operation.EXECUTE, Status.REVIEWING, turn=1)
    return story.move("0", Operation.TERMINATE, Status.TERMINATED, report="all done", complete=True, nodes=3)


def test_a_sound_history_breaks_nothing() -> None:
    assert violations(whole().events) == []


def test_the_tree_is_rebuilt_from_history_alone() -> None:
    story = whole()
    rebuilt = replay(story.events)
    assert set(rebuilt) == set(story.nodes)
    for node_id, node in rebuilt.items():
        assert node.evolve(seq=0) == story.nodes[node_id]


def test_the_tree_is_rebuilt_as_it_stood_at_a_frame() -> None:
    story = whole()
    assert set(replay(story.events, until=2)) == {"0"}
    assert replay(story.events, until=2)["0"].status is Status.ACTING
    assert replay(story.events, until=5)["0.0"].status is Status.PENDING


def test_a_tombstone_is_passed_over() -> None:
    story = whole()
    seal = SwarmEvent(frame=len(story.events) + 1, node_id="", version=0, operation=None, status=Status.PENDING, at=NOW)
    assert violations([*story.events, seal]) == []
    assert replay([*story.events, seal]) == replay(story.events)


def edited(index: int, **changes: Any) -> list[SwarmEvent]:
    events = list(whole().events)
    events[index] = events[index].model_copy(update=changes)
    return events


@pytest.mark.parametrize(
    ("events", "complaint"),
    [
        (whole().events[:3] + whole().events[4:], "frame 5 follows frame 3"),
        (edited(5, status=Status.BLOCKED), "it cannot execute to blocked"),
        (edited(5, version=7), "went from version 0 to 7"),
        (edited(6, changes={}), "0.0 ended without a report"),
        (edited(4, node_id="0.7"), "0.1 moved before it was spawned"),
        (edited(3, changes={**whole().events[3].changes, "parent_id": "0.9"}), "0.0 is an orphan"),
        (edited(3, changes={**whole().events[3].changes, "lease": {"nodes": 10**6}}), "leased out more than it has"),
    ],
)
def test_each_broken_invariant_is_named(events: list[SwarmEvent], complaint: str) -> None:
    assert any(complaint in found for found in violations(events)), violations(events)


def test_a_parent_that_ends_before_its_child_is_named() -> None:
    events = [event for event in whole().events if not (event.node_id == "0.1" and event.version > 0)]
    events = [event.model_copy(update={"frame": n}) for n, event in enumerate(events, 1)]
    found = violations(events)
    assert "0 ended before its children" in found
    assert "0.1 is still pending though the root has ended" in found


def test_a_second_report_is_named() -> None:
    events = whole().events
    again = events[-1].model_copy(update={"frame": len(events) + 1, "version": events[-1].version + 1})
    assert any("cannot terminate" in found for found in violations([*events, again]))
