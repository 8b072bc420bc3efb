"""Results and errors -> HTTP: one table from errors to problem documents (RFC 9457)."""

import functools
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import azure.functions as func
from pydantic import BaseModel, ValidationError

from shared.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    ModelError,
    NotFound,
    QuotaExceeded,
    SwarmStarError,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

T = TypeVar("T", bound=BaseModel)
Handler = Callable[..., Awaitable[func.HttpResponse]]

#: The first row whose error fits counts.
_TABLE: tuple[tuple[type[SwarmStarError], int, str], ...] = (
    (TooLarge, 413, "Too large"),
    (InvalidInput, 400, "Invalid input"),
    (Unauthenticated, 401, "Not signed in"),
    (Forbidden, 403, "Not allowed"),
    (NotFound, 404, "Not found"),
    (Conflict, 409, "Conflict"),
    (QuotaExceeded, 429, "Quota reached"),
    (Unavailable, 503, "Not available now"),
    (ModelError, 502, "The model endpoint failed"),
)


def reply(body: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> func.HttpResponse:
    """A model as a JSON response."""
    return func.HttpResponse(
        body.model_dump_json(), status_code=status, mimetype="application/json", headers=headers or {}
    )


def problem(status: int, title: str, detail: str, headers: dict[str, str] | None = None) -> func.HttpResponse:
    """A problem document."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return func.HttpResponse(
        json.dumps(body), status_code=status, mimetype="application/problem+json", headers=headers or {}
    )


def problems(handler: Handler) -> Handler:
    """Turn the errors of a handler into problem documents; the binding edge is the one place that catches them all."""

    @functools.wraps(handler)
    async def handle(*args: Any, **kwargs: Any) -> func.HttpResponse:
        try:
            return await handler(*args, **kwargs)
        except SwarmStarError as error:
            return _known(error)
        except Exception:
            logging.getLogger("swarmstar").exception("request failed")
            return problem(500, "Internal error", "Something went wrong here; it was logged.")

    return handle


def _known(error: SwarmStarError) -> func.HttpResponse:
    status, title = next(((s, t) for kind, s, t in _TABLE if isinstance(error, kind)), (500, "Internal error"))
    headers = {"Retry-After": str(int(error.retry_after))} if isinstance(error, Unavailable | QuotaExceeded) else None
    return problem(status, title, str(error), headers)


def parse_body(req: func.HttpRequest, model: type[T]) -> T:
    """The request's JSON body as a model; raises `InvalidInput` that names every field that is wrong."""
    try:
        return model.model_validate_json(req.get_body() or b"")
    except ValidationError as error:
        raise InvalidInput("; ".join(_fault(fault) for fault in error.errors()[:5])) from None


def _fault(fault: Any) -> str:
    where = ".".join(str(part) for part in fault["loc"])[:100]  # a name that the caller chose is in it
    said = str(fault["msg"]).removeprefix("Value error, ")
    return f"{where}: {said}" if where else said


def integer(req: func.HttpRequest, name: str, default: int) -> int:
    """A whole number from the query string; raises `InvalidInput`."""
    text = req.params.get(name)
    try:
        return default if text is None else int(text)
    except ValueError:
        raise InvalidInput(f"{name} must be a whole number, not {text[:20]!r}") from None


def number(req: func.HttpRequest, name: str, default: float) -> float:
    """A number from the query string; raises `InvalidInput`."""
    text = req.params.get(name)
    try:
        return default if text is None else float(text)
    except ValueError:
        raise InvalidInput(f"{name} must be a number, not {text[:20]!r}") from None
