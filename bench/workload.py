"""The workload W(b, d, L): a tree of managers and leaves, and what the stub model answers at each of its steps.

Every directive says where in which tree it stands, so that one stub answers every workload and every system.
"""

import json
import re
from dataclasses import dataclass
from typing import Literal

Step = Literal["plan", "review", "write"]

#: A word that no program of the systems uses: found in a file, it shows that content lies there.
MARKER = "quillwort"
_FILLER = f"Describe the {MARKER} beds of this district, their soil, water and light, in words a visitor can follow. "
#: Sub-directives of a plan have 300 characters at most.
_DIRECTIVE_SIZE = 290
_REPORT_SIZE = 700
_POSITION = re.compile(r"W (\d+) (\d+) (\d+) level (\d+) node ([0-9.]+)")


@dataclass(frozen=True, slots=True)
class Workload:
    """A tree whose managers fan out `b` children each down to depth `d`; every model call takes `latency` ms."""

    b: int
    d: int
    latency: int = 0

    @property
    def managers(self) -> int:
        """Nodes that plan and review."""
        return sum(_power(self.b, level) for level in range(self.d))

    @property
    def nodes(self) -> int:
        """All nodes."""
        return self.managers + _power(self.b, self.d)

    @property
    def calls(self) -> int:
        """Model calls: two of each manager, one of each leaf."""
        return 2 * self.managers + _power(self.b, self.d)

    @property
    def ideal(self) -> float:
        """Seconds the calls on the critical path take."""
        return (2 * self.d + 1) * self.latency / 1_000

    @property
    def shape(self) -> str:
        """The tree without its latency."""
        return f"W({self.b}, {self.d})"

    @property
    def root(self) -> "Place":
        """Where the tree begins."""
        return Place(self, 0, "0")


@dataclass(frozen=True, slots=True)
class Place:
    """One node's place in a workload."""

    workload: Workload
    level: int
    node_id: str

    @property
    def is_leaf(self) -> bool:
        """Whether it makes one call and has no children."""
        return self.level == self.workload.d

    @property
    def directive(self) -> str:
        """Its directive, which names the place."""
        w = self.workload
        head = f"W {w.b} {w.d} {w.latency} level {self.level} node {self.node_id}: "
        return _padded(head, _DIRECTIVE_SIZE)

    @property
    def children(self) -> "list[Place]":
        """The places below it; none below a leaf."""
        if self.is_leaf:
            return []
        return [Place(self.workload, self.level + 1, f"{self.node_id}.{n}") for n in range(self.workload.b)]


def place_of(text: str) -> Place:
    """The place that the last directive in a text names; raises `ValueError` if there is none."""
    found = _POSITION.findall(text)
    if not found:
        raise ValueError("the text holds no directive of the workload")
    b, d, latency, level, node_id = found[-1]
    return Place(Workload(int(b), int(d), int(latency)), int(level), node_id)


def answer(step: Step, place: Place) -> str:
    """What the model says at a step of a node."""
    if step == "plan":
        return json.dumps({"sub_directives": [child.directive for child in place.children]})
    if step == "review":
        return json.dumps({"complete": True, "missing": "", "report": report(place)})
    return report(place)


def report(place: Place) -> str:
    """What a node leaves."""
    return _padded(f"Done at {place.node_id}. ", _REPORT_SIZE)


def _power(base: int, exponent: int) -> int:
    power: int = base**exponent  # a negative exponent, which there is not, would give a fraction
    return power


def _padded(head: str, size: int) -> str:
    return (head + _FILLER * (size // len(_FILLER) + 1))[:size].strip()
