"""Shapes of resources, as `schema.json` (written by `make_schema.py`) and `by_hand.json` hold them.

Each file maps `Type@version` to its body, the shapes below it and the scopes it can be deployed to. A shape has
`props`, a type per name; `more`, the type of any other name; or `by`, the property whose value chooses one of `cases`.
A type is a flag (`!` required, `-` read-only), then a primitive, a shape's name or literals with `|` between them,
`[]` for an array, and a range for a number.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

PRIMITIVES: Final = {"string", "int", "bool", "any", "object", "array", "null"}
_WRITTEN: Final = re.compile(r"^([!-]?)(.*?)((?:\[\])*)(?: (-?\d*)\.\.(-?\d*))?$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a property takes, within so many arrays.

    `names` are a primitive, a shape, or literals, among which `string` allows any other.
    """

    names: tuple[str, ...]
    arrays: int = 0
    required: bool = False
    read_only: bool = False
    low: int | None = None
    high: int | None = None

    @property
    def item(self) -> "Kind":
        """What an array holds."""
        return Kind(self.names, self.arrays - 1)


@cache
def read_kind(written: str) -> Kind:
    """A type as it is written down."""
    match = _WRITTEN.match(written)
    if match is None:
        raise ValueError(f"{written} is no type")
    flag, names, arrays, low, high = match.groups()
    numbers = [int(number) if number else None for number in (low, high)]
    return Kind(tuple(names.split(" | ")), len(arrays) // 2, flag == "!", flag == "-", numbers[0], numbers[1])


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One version of a resource type."""

    scopes: str
    body: dict[str, Any]
    shapes: dict[str, Any]

    def below(self, kind: Kind) -> dict[str, Any] | None:
        """The shape of a property that has one."""
        return self.shapes.get(kind.names[0]) if len(kind.names) == 1 else None


def props(shape: dict[str, Any], chosen: str | None = None) -> dict[str, Kind]:
    """The properties of a shape, with those of the case that is chosen, or of all if none is."""
    cases = shape.get("cases", {})
    picked = [cases[chosen]] if chosen in cases else cases.values()
    merged = {name: written for part in [shape["props"], *picked] for name, written in part.items()}
    return {name: read_kind(written) for name, written in merged.items()}


@cache
def resource_types() -> dict[str, ResourceType]:
    """Every type that is known, by its name and version."""
    entries: dict[str, Any] = {}
    for name in ("schema.json", "by_hand.json"):
        entries |= json.loads(Path(__file__).with_name(name).read_text("utf-8"))
    return {name: ResourceType(e["scopes"], e["body"], e["shapes"]) for name, e in entries.items() if "@" in name}
