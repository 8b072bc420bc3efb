"""Reading a swarm's history: the tree at any frame, and the invariants every history keeps."""

from collections.abc import Iterable, Sequence
from typing import Any

from shared.errors import IllegalTransition
from shared.swarm.budget import Lease, spent
from shared.swarm.node import ROOT_ID, SwarmEvent, SwarmNode
from shared.swarm.statuses import Operation
from shared.swarm.transitions import check


def replay(events: Iterable[SwarmEvent], until: int | None = None) -> dict[str, SwarmNode]:
    """The nodes as they stood after frame `until` (or the last), rebuilt from history alone."""
    nodes: dict[str, dict[str, Any]] = {}
    for event in events:
        if until is not None and event.frame > until:
            break
        if event.operation is None:
            continue
        if event.operation is Operation.SPAWN and event.node_id not in nodes:
            nodes[event.node_id] = {**event.changes, "seq": event.frame}
        else:
            nodes[event.node_id].update(event.changes, status=event.status, version=event.version)
    return {node_id: SwarmNode.model_validate(fields) for node_id, fields in nodes.items()}


def violations(events: Sequence[SwarmEvent]) -> list[str]:
    """Every invariant of a node's life that this history breaks, in words; empty if it is sound."""
    reader = HistoryReader()
    for event in events:
        reader.read(event)
    return reader.found + reader.unfinished()


class HistoryReader:
    """Reads a history once, event by event, and keeps what the invariants need to know."""

    def __init__(self) -> None:
        #: What is broken so far, in words.
        self.found: list[str] = []
        self._nodes: dict[str, SwarmNode] = {}
        self._alive_children: dict[str, int] = {}
        self._leased: dict[str, Lease] = {}
        self._frame = 0

    def read(self, event: SwarmEvent) -> None:
        """Check the next event."""
        if event.frame != self._frame + 1:
            self.found.append(f"frame {event.frame} follows frame {self._frame}")
        self._frame = event.frame
        if event.operation is None:
            return
        if event.operation is Operation.SPAWN and event.node_id not in self._nodes:
            self._birth(event)
        elif event.node_id not in self._nodes:
            self.found.append(f"{event.node_id} moved before it was spawned (frame {event.frame})")
        else:
            self._move(event, event.operation)

    def _birth(self, event: SwarmEvent) -> None:
        child = SwarmNode.model_validate({**event.changes, "node_id": event.node_id, "seq": event.frame})
        self._nodes[child.node_id] = child
        if child.parent_id is None:
            if child.node_id != ROOT_ID:
                self.found.append(f"{child.node_id} has no parent and is not the root")
            return
        parent = self._nodes.get(child.parent_id)
        if parent is None:
            self.found.append(f"{child.node_id} is an orphan: {child.parent_id} was never spawned")
            return
        if not parent.alive:
            self.found.append(f"{child.node_id} was spawned by {parent.node_id}, which had ended")
        if child.node_id not in parent.children_ids:
            self.found.append(f"{child.node_id} is not among the children of {parent.node_id}")
        self._alive_children[parent.node_id] = self._alive_children.get(parent.node_id, 0) + 1
        self._lease(parent, child)

    def _lease(self, parent: SwarmNode, child: SwarmNode) -> None:
        leased = self._leased.get(parent.node_id, Lease()) + child.lease
        self._leased[parent.node_id] = leased
        if not parent.lease.covers(leased):
            self.found.append(f"{parent.node_id} leased out more than it has, with {child.node_id}")

    def _move(self, event: SwarmEvent, operation: Operation) -> None:
        node = self._nodes[event.node_id]
        try:
            check(node.node_id, node.status, operation, event.status)
        except IllegalTransition as error:
            self.found.append(f"{error} (frame {event.frame})")
        if event.version != node.version + 1:
            self.found.append(f"{node.node_id} went from version {node.version} to {event.version}")
        moved = SwarmNode.model_validate(
            {**node.model_dump(), **event.changes, "status": event.status, "version": event.version}
        )
        if moved.turn < node.turn:
            self.found.append(f"{node.node_id} went back from turn {node.turn} to {moved.turn}")
        self._nodes[node.node_id] = moved
        if node.alive and not moved.alive:
            self._end(moved)

    def _end(self, node: SwarmNode) -> None:
        if not (node.report or node.report_of):
            self.found.append(f"{node.node_id} ended without a report")
        if self._alive_children.get(node.node_id, 0):
            self.found.append(f"{node.node_id} ended before its children")
        if node.parent_id in self._alive_children:
            self._alive_children[node.parent_id] -= 1
            self._give_back(node, node.parent_id)

    def _give_back(self, node: SwarmNode, parent_id: str) -> None:
        used = spent(node.usage, node.nodes)
        self._leased[parent_id] = self._leased[parent_id] - node.lease + used

    def unfinished(self) -> list[str]:
        """What an ended swarm must not leave behind."""
        root = self._nodes.get(ROOT_ID)
        if root is None or root.alive:
            return []
        return [
            f"{node.node_id} is still {node.status} though the root has ended"
            for node in self._nodes.values()
            if node.alive
        ]
