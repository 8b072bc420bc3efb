"""Bounds on single values of documents from elsewhere: numbers and times that every later step can work with."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, TypeAdapter

from shared.spaces.router import RouteStep
from shared.store.rules import MAX_SEQ
from shared.swarm.node import BOOKKEEPING, SwarmEvent, SwarmNode
from shared.swarm.swarm import Artifact
from shared.types import MEDIA_TYPE

#: Years in which something may have happened.
_YEARS = range(2000, 2201)
#: Levels of models, lists and objects in a document.
_MAX_DEPTH = 12

_ROUTE = TypeAdapter(tuple[RouteStep, ...])


def _changes() -> dict[str, TypeAdapter[Any]]:
    """What each field of a node may be changed to."""
    types: dict[str, Any] = {name: field.annotation for name, field in SwarmNode.model_fields.items()}
    types |= {"alive": bool, "route": tuple[RouteStep, ...]}
    return {name: TypeAdapter(type_) for name, type_ in types.items() if name not in BOOKKEEPING}


_CHANGES = _changes()


def check_values(document: BaseModel) -> None:
    """Raise `ValueError` for a number that some store would round, a time of another age, or a type that is none."""
    _check(document, 0)
    if isinstance(document, Artifact) and not MEDIA_TYPE.fullmatch(document.media_type):
        raise ValueError(f"media_type {document.media_type[:80]!r} is none")
    if isinstance(document, SwarmNode):
        _ROUTE.validate_python(document.route, extra="forbid")
    if isinstance(document, SwarmEvent):
        _check_changes(document)


def _check_changes(event: SwarmEvent) -> None:
    for name, value in event.changes.items():
        if name not in _CHANGES:
            raise ValueError(f"changes.{name[:80]} is no field of a node")
        _check(_CHANGES[name].validate_python(value, extra="forbid"), 1)


def _check(value: object, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise ValueError("it is nested too deeply")
    if isinstance(value, datetime):
        _check_time(value)
    elif isinstance(value, int | float):
        if not math.isfinite(value) or abs(value) > MAX_SEQ:
            raise ValueError("it has a number that is out of range")
    elif not isinstance(value, str):
        for part in _parts(value):
            _check(part, depth + 1)


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, BaseModel):
        return value.__dict__.values()
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def _check_time(value: datetime) -> None:
    if value.tzinfo is None or value.year not in _YEARS:
        raise ValueError(f"it has the time {value}; times have a zone and are of the years {_YEARS[0]} to {_YEARS[-1]}")
