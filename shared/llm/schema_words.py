"""JSON schemas in words, for a model that is told its shape and bounds in the prompt."""

import json
from collections.abc import Iterator
from typing import Any

from shared.llm.schema import Schema

_SHAPE = "Answer with one JSON object and nothing else. It must follow this JSON schema:\n{schema}"


def shape_in_words(schema: Schema) -> str:
    """The whole schema, as the end of a prompt."""
    return _SHAPE.format(schema=json.dumps(schema, ensure_ascii=False))


def bounds_in_words(schema: Schema) -> str:
    """Every length, count and range that an answer is checked against, by field; empty if there is none."""
    lines = list(_bounds(schema, ""))
    return "Bounds: " + "; ".join(lines) + "." if lines else ""


def _bounds(schema: Schema, path: str) -> Iterator[str]:
    told = ", ".join(filter(None, (_characters(schema), _items(schema), _range(schema))))
    if told and path:
        yield f"`{path}` {told}"
    for name, part in schema.get("properties", {}).items():
        yield from _bounds(part, f"{path}.{name}" if path else name)
    if isinstance(items := schema.get("items"), dict):
        yield from _bounds(items, f"{path}[]")
    for part in schema.get("anyOf", ()):
        yield from _bounds(part, path)


def _characters(schema: Schema) -> str:
    return _between(schema.get("minLength"), schema.get("maxLength"), "characters")


def _items(schema: Schema) -> str:
    return _between(schema.get("minItems"), schema.get("maxItems"), "entries")


def _range(schema: Schema) -> str:
    told = (("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to"), ("exclusiveMaximum", "below"))
    return " ".join(f"{word} {schema[key]}" for key, word in told if key in schema)


def _between(least: Any, most: Any, of: str) -> str:
    if most is None:
        return f"at least {least} {of}" if least else ""
    return f"{least} to {most} {of}" if least else f"at most {most} {of}"
