"""JSON schemas of structured answers: the strict form of a pydantic model, with and without its bounds."""

from functools import lru_cache
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]

#: Words that say nothing to the endpoint, or are said in another way.
_DROPPED = frozenset({"$defs", "title", "default", "discriminator", "examples"})
#: Words that OpenAI's strict mode, in one of its deployments or another, refuses. A grammar-based server needs them.
_BOUNDS = frozenset(
    {
        "minLength",
        "maxLength",
        "pattern",
        "format",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minItems",
        "maxItems",
        "uniqueItems",
    }
)


@lru_cache(maxsize=512)
def strict_schema(output: type[BaseModel]) -> Schema:
    """The JSON schema that an answer of this type must follow; treat it as read-only.

    Every property is required, no other is allowed, and references are written out, so the text is the same each
    time. Raises `TypeError` for what such a schema cannot say: a model that contains itself, and free-form keys.
    """
    schema = output.model_json_schema()
    strict = _strict(schema, schema.get("$defs", {}), ())
    if strict.get("type") != "object":
        raise TypeError(f"{output.__name__} is not an object")
    return strict


def without_bounds(schema: Schema) -> Schema:
    """The same schema without the words for lengths, ranges and formats."""
    return {word: _unbound(word, value) for word, value in schema.items() if word not in _BOUNDS}


def _unbound(word: str, value: Any) -> Any:
    if word == "properties":
        return {name: without_bounds(part) for name, part in value.items()}
    if isinstance(value, dict):
        return without_bounds(value)
    if word == "anyOf":
        return [without_bounds(part) for part in value]
    return value


def _strict(schema: Schema, definitions: dict[str, Schema], above: tuple[str, ...]) -> Schema:
    if "$ref" in schema:
        return _inlined(schema, definitions, above)
    strict: Schema = {}
    for word, value in schema.items():
        if word == "properties":
            strict[word] = {name: _strict(part, definitions, above) for name, part in value.items()}
        elif word in ("anyOf", "oneOf"):
            strict["anyOf"] = [_strict(part, definitions, above) for part in value]
        elif word == "items":
            strict[word] = _strict(value, definitions, above)
        elif word not in _DROPPED:
            strict[word] = value
    return _closed(strict) if strict.get("type") == "object" else strict


def _inlined(schema: Schema, definitions: dict[str, Schema], above: tuple[str, ...]) -> Schema:
    name = schema["$ref"].rsplit("/", 1)[-1]
    if name in above:
        raise TypeError(f"{name} contains itself; a strict schema cannot say that")
    beside = {word: value for word, value in schema.items() if word != "$ref"}
    return _strict({**definitions[name], **beside}, definitions, (*above, name))


def _closed(schema: Schema) -> Schema:
    if schema.get("additionalProperties"):
        raise TypeError("an object with free-form keys cannot be strict; use a list of objects")
    properties = schema.get("properties", {})
    return {**schema, "properties": properties, "required": list(properties), "additionalProperties": False}
