"""Results and errors -> HTTP: one table from errors to problem documents (RFC 9457), one set of guarding headers."""

import json
import logging
import math
from dataclasses import dataclass, field

import azure.functions as func
from pydantic import BaseModel

from shared.errors import (
    ConditionMissing,
    Conflict,
    Forbidden,
    InvalidInput,
    ModelError,
    NotFound,
    QuotaExceeded,
    Stale,
    SwarmStarError,
    TooLarge,
    Unauthenticated,
    Unavailable,
    WrongMediaType,
)
from shared.types import MEDIA_TYPE

PROBLEM_TYPE = "application/problem+json"

#: The first row whose error fits counts.
TABLE: tuple[tuple[type[SwarmStarError], int, str], ...] = (
    (TooLarge, 413, "Too large"),
    (WrongMediaType, 415, "Wrong media type"),
    (ConditionMissing, 428, "Condition missing"),
    (InvalidInput, 400, "Invalid input"),
    (Unauthenticated, 401, "Not signed in"),
    (Forbidden, 403, "Not allowed"),
    (NotFound, 404, "Not found"),
    (Stale, 412, "Changed meanwhile"),
    (Conflict, 409, "Conflict"),
    (QuotaExceeded, 429, "Quota reached"),
    (Unavailable, 503, "Not available now"),
    (ModelError, 502, "The model endpoint failed"),
)
#: The type of content whose own type no header can carry.
_BYTES = "application/octet-stream"
#: What the answers are about is private, and is what it says it is.
_GUARD = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class ProblemDocument(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handler answers besides a plain model: headers, a version, or content that is no JSON."""

    body: BaseModel | bytes
    headers: dict[str, str] = field(default_factory=dict)
    #: The version of what is served, for `If-Match`.
    etag: str | None = None
    #: Empty for a reply without content.
    media_type: str = "application/json"
    #: If it is not the one that the route declares.
    status: int | None = None


#: The reply to what leaves nothing to be said.
NOTHING = Reply(b"", media_type="")


def respond(reply: Reply | BaseModel, status: int) -> func.HttpResponse:
    """A handler's result as a response."""
    if isinstance(reply, BaseModel):
        reply = Reply(reply)
    status = reply.status or status
    content = reply.body if isinstance(reply.body, bytes) else reply.body.model_dump_json()
    if not reply.media_type:
        return func.HttpResponse(status_code=status, headers=_GUARD | reply.headers)
    version = {} if reply.etag is None else {"ETag": quoted(reply.etag)}
    headers = _GUARD | version | reply.headers
    media_type = reply.media_type if MEDIA_TYPE.fullmatch(reply.media_type) else _BYTES
    return func.HttpResponse(content, status_code=status, mimetype=media_type, headers=headers)


def problem(status: int, title: str, detail: str, headers: dict[str, str] | None = None) -> func.HttpResponse:
    """A problem document."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return func.HttpResponse(
        json.dumps(body), status_code=status, mimetype=PROBLEM_TYPE, headers=_GUARD | (headers or {})
    )


def failure(error: Exception) -> func.HttpResponse:
    """The problem document of an error; one that is not ours is logged and tells nothing."""
    if not isinstance(error, SwarmStarError):
        logging.getLogger("swarmstar").error("request failed", exc_info=error)
        return problem(500, "Internal error", "Something went wrong here; it was logged.")
    status, title = next(((s, t) for kind, s, t in TABLE if isinstance(error, kind)), (500, "Internal error"))
    headers = {}
    if isinstance(error, Unavailable | QuotaExceeded):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="swarmstar"'
    return problem(status, title, str(error), headers)


def quoted(etag: str) -> str:
    """An etag of the store as HTTP writes it: Cosmos DB's has quotation marks of its own, which HTTP's cannot have."""
    return '"' + etag.replace('"', "'") + '"'


def unquoted(version: str) -> str:
    """The store's etag that `quoted` made this of."""
    return version.removeprefix('"').removesuffix('"').replace("'", '"')
