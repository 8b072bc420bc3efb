"""The OpenAPI 3.1 document, made from the table of endpoints and the models they name."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from functions._endpoints import ENDPOINTS, Endpoint
from functions._responses import PROBLEM_TYPE, TABLE, ProblemDocument
from shared.tenancy import Scope
from shared.types import ITEM_ID, SCOPE_ID
from shared.usecases.idempotency import KEY_SHAPE

VERSION = "1.0.0"
#: Ids that the server issues as parts of a partition key; all others are item ids.
_SCOPE_IDS = {"swarm_id", "user_id"}
_PARAMETER = re.compile(r"\{(\w+)\}")
_ABOUT = (
    "Start swarms on a directive, watch them work, answer their questions and take their results.\n\n"
    "Every list goes on at its `cursor`. A creation may bear an `Idempotency-Key`: sent again within a day with the "
    "same body, it is answered as it was. What is wrong is told in a problem document (RFC 9457)."
)
_RIGHTS = {
    Scope.READ: "Needs a credential with the right `read`.",
    Scope.WRITE: "Needs a credential with the right `write`.",
    Scope.ADMIN: "Needs the administrator's key.",
}
#: Bounds of a number that is checked as it was written, which pydantic leaves under its own names.
_BOUNDS = {"ge": "minimum", "le": "maximum"}
_BINARY = {"type": "string", "format": "binary"}
Modelled = Mapping[Any, dict[str, Any]]


@cache
def document() -> dict[str, Any]:
    """The whole document, as JSON would have it."""
    endpoints = sorted(ENDPOINTS.values(), key=lambda one: (one.path, one.method))
    schemas, definitions = models_json_schema(_models(endpoints), ref_template="#/components/schemas/{model}")
    paths: dict[str, dict[str, Any]] = {}
    for one in endpoints:
        paths.setdefault(f"/{one.path.lstrip('/')}", {})[one.method.lower()] = _operation(one, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Swarm Star", "version": VERSION, "description": _ABOUT},
        "paths": paths,
        "components": {"schemas": definitions.get("$defs", {}), "securitySchemes": _SCHEMES},
    }


_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, or an Entra ID access token."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "An API key."},
}


def _models(endpoints: Iterable[Endpoint]) -> list[tuple[type[BaseModel], JsonSchemaMode]]:
    found: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(ProblemDocument, "serialization"): None}
    for one in endpoints:
        if one.body is not None:
            found[one.body, "validation"] = None
        if one.reply is not None:
            found[one.reply, "serialization"] = None
    return list(found)


def _operation(one: Endpoint, schemas: Modelled) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "tags": [_tag(one.path)],
        "parameters": _parameters(one),
        "responses": _responses(one, schemas),
        "security": [] if one.scope is None else [{"bearer": []}, {"apiKey": []}],
    }
    if one.scope is not None or one.proof:
        operation["description"] = one.proof if one.scope is None else _RIGHTS[one.scope]
    if one.body is not None:
        content = {"application/json": {"schema": schemas[one.body, "validation"]}}
        operation["requestBody"] = {"required": True, "content": content}
    if one.content is not None:
        wanted = one.content != "*/*"
        operation["requestBody"] = {"required": wanted, "content": {one.content: {"schema": _BINARY}}}
    return operation


def _tag(path: str) -> str:
    parts = [part for part in path.split("/") if part and not part.startswith("{")]
    return next((part for part in parts if part not in {"api", "v1"}), "api")


def _parameters(one: Endpoint) -> list[dict[str, Any]]:
    found = [_path_parameter(name) for name in _PARAMETER.findall(one.path)]
    query = one.query.model_json_schema()
    for name, schema in query.get("properties", {}).items():
        shown = _optional(schema)
        told = {"description": shown.pop("description")} if "description" in shown else {}
        needed = name in query.get("required", ())
        found.append({"name": name, "in": "query", "required": needed, "schema": shown, **told})
    if one.idempotent:
        shape = {"type": "string", "pattern": f"^{KEY_SHAPE}$"}
        about = "New for every creation and hard to guess, such as a UUID: it also protects the answer that is kept."
        found.append(
            {"name": "Idempotency-Key", "in": "header", "required": False, "schema": shape, "description": about}
        )
    if one.conditional:
        about = "The ETag of what was read, or `*`."
        version = {"type": "string", "minLength": 1}
        found.append({"name": "If-Match", "in": "header", "required": True, "schema": version, "description": about})
    return found


def _path_parameter(name: str) -> dict[str, Any]:
    shape = SCOPE_ID if name in _SCOPE_IDS else ITEM_ID
    schema = {"type": "string", "pattern": f"^{shape.pattern}$"}
    about = f"The {name.removesuffix('_id')}'s id."
    return {"name": name, "in": "path", "required": True, "schema": schema, "description": about}


def _optional(schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter is left out rather than null."""
    kept = {name: value for name, value in schema.items() if name not in {"title", "anyOf"}}
    given = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    kept |= given[0] if given else {}
    return {_BOUNDS.get(name, name): value for name, value in kept.items() if not (name == "default" and value is None)}


def _responses(one: Endpoint, schemas: Modelled) -> dict[str, Any]:
    schema = {} if one.reply is None else schemas[one.reply, "serialization"]
    good: dict[str, Any] = {"description": "Done."}
    if one.media_type:
        good["content"] = {one.media_type: {"schema": schema}}
    if one.versioned:
        good["headers"] = {"ETag": {"required": True, "schema": {"type": "string"}}}
    responses = {str(status): good for status in (one.status, one.other_status) if status is not None}
    problem = {PROBLEM_TYPE: {"schema": schemas[ProblemDocument, "serialization"]}}
    titles = {status: title for _, status, title in TABLE} | {500: "Internal error"}
    for status in _statuses(one):
        responses[str(status)] = {"description": titles[status], "content": problem} | _headers(status)
    return responses


def _headers(status: int) -> dict[str, Any]:
    name = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}.get(status)
    return {} if name is None else {"headers": {name: {"required": True, "schema": {"type": "string"}}}}


def _statuses(one: Endpoint) -> list[int]:
    """The statuses of errors that a route can give, by what it declares."""
    # Whatever the route, the host itself refuses a body that is too large, and query parameters are checked.
    found = {400, 413, 500, *one.errors}
    if one.scope is not None:
        found |= {401, 403, 429, 503}
    if one.proof:
        found |= {401, 429, 503}
    if "{" in one.path:
        found.add(404)
    if one.body is not None or one.content is not None:
        found.add(415)
    if one.idempotent:
        found.add(409)
    if one.conditional:
        found |= {412, 428}
    return sorted(found)
