"""A `curl` line for each endpoint: what is asked for, filled in with the first example or the least that will do."""

import json
import re
import shlex
from typing import Any

_PARAMETER = re.compile(r"\{(\w+)\}")
#: Schemas that are followed one into the other.
_DEEPEST = 4


def curl(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    """The command, with `$URL`, `$KEY` and the ids in the path left to the shell."""
    parts = ["curl -sS" if method == "get" else f"curl -sS -X {method.upper()}"]
    parts.append('"$URL' + _PARAMETER.sub(lambda found: f"${found[1].upper()}", path) + '"')
    if operation["security"]:
        parts.append('-H "Authorization: Bearer $KEY"')
    parts += [f"-H '{one['name']}: *'" for one in operation["parameters"] if one["in"] == "header" and one["required"]]
    parts += _body(operation, schemas)
    (good, *_) = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    if good.get("content", {}).keys() - {"application/json", "text/html"}:
        parts.append("-o answer")
    return " \\\n  ".join(parts)


def _body(operation: dict[str, Any], schemas: dict[str, Any]) -> list[str]:
    content = operation.get("requestBody", {}).get("content", {})
    for media, given in content.items():
        if media == "application/json":
            body = json.dumps(_example(given["schema"], schemas, _DEEPEST), ensure_ascii=False)
            return ["-H 'Content-Type: application/json'", f"-d {shlex.quote(body)}"]
        return [f"-H 'Content-Type: {media.replace('*/*', 'application/json')}'", "--data-binary @file"]
    return []


def _example(schema: dict[str, Any], schemas: dict[str, Any], depth: int) -> Any:
    """The least that a schema lets in, or the first example that it gives."""
    if "$ref" in schema:
        return _example(schemas[schema["$ref"].rsplit("/", 1)[-1]], schemas, depth - 1) if depth else {}
    for given in (schema.get("examples"), schema.get("enum")):
        if given:
            return given[0]
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], schemas, depth)
    if "properties" in schema:
        fields = schema["properties"]
        wanted = schema.get("required") or list(fields)[:1]  # a change that changes nothing shows nothing
        return {name: _example(fields[name], schemas, depth) for name in wanted}
    return _plain(schema)


def _plain(schema: dict[str, Any]) -> Any:
    if "default" in schema and schema["default"] is not None:
        return schema["default"]
    return {
        "integer": schema.get("minimum", 1),
        "number": schema.get("minimum", 1),
        "boolean": True,
        "array": [],
        "object": {},
    }.get(schema.get("type", ""), "...")
