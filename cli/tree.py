"""The tree of a swarm, kept up with its events, and the lines that show it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from pydantic import ValidationError

from cli.text import first_words, short_action
from cli.wire import ENDED, EventView, NodeView
from shared.swarm.statuses import Operation, Status


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the tree. `hidden` counts the ended nodes below that it stands for."""

    guide: str
    node_id: str
    status: str
    action: str
    directive: str
    note: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    hidden: int = 0


class LiveTree:
    """The nodes as the events so far left them."""

    def __init__(self) -> None:
        self._nodes: dict[str, NodeView] = {}
        self._children: dict[str | None, list[str]] = {}
        self._started: dict[str, datetime] = {}
        self._ended: dict[str, datetime] = {}

    @classmethod
    def of(cls, nodes: Iterable[NodeView]) -> Self:
        """A tree of nodes whose times are not known."""
        tree = cls()
        for node in nodes:
            tree._add(node)
        return tree

    def __len__(self) -> int:
        return len(self._nodes)

    def apply(self, event: EventView) -> None:
        """Take one event in; those of nodes never seen are passed over, there is nothing to show them on."""
        known = self._nodes.get(event.node_id)
        if event.operation is None or (known is None and event.operation != Operation.SPAWN):
            return
        if known is None:
            fields = {"seq": event.frame} | event.changes
            self._started[event.node_id] = event.at
        else:
            fields = known.model_dump() | event.changes
        try:
            self._add(NodeView.model_validate(fields | {"node_id": event.node_id, "status": event.status}))
        except ValidationError:
            return  # a newer server's event; the next ones may be readable again
        if event.status in ENDED:
            self._ended[event.node_id] = event.at

    def _add(self, node: NodeView) -> None:
        if node.node_id not in self._nodes:
            self._children.setdefault(node.parent_id, []).append(node.node_id)
        self._nodes[node.node_id] = node

    @property
    def is_blocked(self) -> bool:
        """Whether a node waits for the user."""
        return any(node.status == Status.BLOCKED for node in self._nodes.values())

    def counts(self) -> dict[str, int]:
        """How many nodes are in which status; routers are not counted."""
        return dict(Counter(node.status for node in self._nodes.values() if not node.is_router))

    def rows(self, most: int | None = None) -> tuple[Row, ...]:
        """The tree line by line. Over `most` lines, what is below ended nodes is hidden."""
        rows = self._below(None, "", folded=False)
        if most is not None and len(rows) > most:
            rows = self._below(None, "", folded=True)
        return tuple(rows)

    def _below(self, parent: str | None, guide: str, folded: bool) -> list[Row]:
        rows: list[Row] = []
        shown = self._shown(parent)
        for place, node in enumerate(shown):
            last = place == len(shown) - 1
            rows.append(self._row(node, "" if parent is None else guide + ("└─ " if last else "├─ ")))
            below = self._below(node.node_id, "" if parent is None else guide + ("   " if last else "│  "), folded)
            if folded and node.ended and below:
                rows[-1] = replace(rows[-1], hidden=len(below))
            else:
                rows.extend(below)
        return rows

    def _shown(self, parent: str | None) -> Sequence[NodeView]:
        """The children of a node in order, a router's place taken by what it found."""
        shown: list[NodeView] = []
        for child in sorted(map(self._nodes.__getitem__, self._children.get(parent, ())), key=_order):
            found = self._shown(child.node_id) if child.is_router else ()
            shown.extend(found or (child,))
        return shown

    def _row(self, node: NodeView, guide: str) -> Row:
        return Row(
            guide=guide,
            node_id=node.node_id,
            status=node.status,
            action="choosing an action" if node.is_router and not node.ended else short_action(node.action_id),
            directive=first_words(node.directive, 160),
            note=_note(node),
            started=self._started.get(node.node_id),
            ended=self._ended.get(node.node_id),
        )


def _order(node: NodeView) -> tuple[int, list[int | str]]:
    return node.seq, [int(part) if part.isdecimal() else 0 for part in node.node_id.split(".")]


def _note(node: NodeView) -> str:
    notes = []
    if node.round:
        notes.append(f"round {node.round + 1}")
    if node.complete is False and node.ended:
        notes.append("not complete")
    return ", ".join(notes)
