"""JSON schemas in words, as HTML: what a value is, its bounds, and a link to each schema that has a name."""

import json
import re
from html import escape
from typing import Any

_CODE = re.compile(r"`([^`]+)`")
_PLAIN = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
    "null": "null",
    "object": "object",
    "array": "list",
}
_FORMATS = {"date-time": "time, RFC 3339", "date": "date", "binary": "bytes"}


def prose(text: str) -> str:
    """A sentence as HTML, what stands in backticks as code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def words(schema: dict[str, Any]) -> str:
    """What a value of a schema is, with its bounds and its default."""
    told = _what(schema)
    if "default" in schema and schema["default"] is not None and not isinstance(schema["default"], dict | list):
        told += f"; default {_code(schema['default'])}"
    return told


def _what(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[-1])
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_what(option) for option in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        choices = schema.get("enum", [schema.get("const")])
        return ", ".join(map(_code, choices))
    if schema.get("type") == "array":
        return _list(schema)
    if isinstance(schema.get("additionalProperties"), dict):
        return f"object, each value {_what(schema['additionalProperties'])}"
    kind = _FORMATS.get(schema.get("format", "")) or _PLAIN.get(schema.get("type", ""), "anything")
    return ", ".join([kind, *_bounds(schema)])


def _list(schema: dict[str, Any]) -> str:
    items = f" of {_what(schema['items'])}" if schema.get("items") else ""
    return "list" + items + "".join(f", {bound}" for bound in _bounds(schema))


def _bounds(schema: dict[str, Any]) -> list[str]:
    found = [
        _between(schema.get("minimum"), schema.get("maximum"), ""),
        _between(schema.get("minLength"), schema.get("maxLength"), " characters"),
        _between(schema.get("minItems"), schema.get("maxItems"), " items"),
    ]
    pattern = schema.get("pattern")
    if pattern == r"\S":
        found.append("not blank")
    elif pattern:
        found.append(f"matching {_code(pattern)}")
    return [bound for bound in found if bound]


def _between(least: float | None, most: float | None, of: str) -> str:
    if least is not None and most is not None:
        return f"{least:,} to {most:,}{of}"
    if least is not None:
        return f"at least {least:,}{of}"
    return "" if most is None else f"at most {most:,}{of}"


def _code(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"<code>{escape(text) or '&quot;&quot;'}</code>"
