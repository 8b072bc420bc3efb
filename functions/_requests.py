"""What a request says: its body and its query, each checked before anything acts on it."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

import azure.functions as func
from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from functions._structure import MAX_TOKENS, check_structure
from shared.errors import InvalidInput, TooLarge, WrongMediaType

T = TypeVar("T", bound=BaseModel)

#: Bytes of a body that says what a swarm shall do: room for as much context as is taken, in base64 and with its quotes
#: escaped.
MAX_SWARM_BODY = 4_194_304
#: Faults of a body or query that are told.
_TOLD = 5
#: The largest number that JSON carries exactly everywhere.
_EXACT = 2**53 - 1
_WHOLE = re.compile(r"-?[0-9]{1,16}")
_NUMBER = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,16})?([eE][+-]?[0-9]{1,3})?")


def _number(value: object) -> object:
    """A number as JSON writes it, where pydantic would also take `1_000`, ` 7 ` or `+3`."""
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValueError("not a number")
    return value


def _whole(value: object) -> object:
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise ValueError("not a whole number")
    return value


#: Numbers of the query string.
Whole = Annotated[int, BeforeValidator(_whole), Field(ge=0, le=_EXACT)]
Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
#: Where a list goes on. What it holds is the server's business.
Cursor = Annotated[str, Field(min_length=1, max_length=400, description="From the page before.")]


_EMPTY = "it is empty: say something"
_EMPTY_BY = {("string_too_short", 1, None), ("string_pattern_mismatch", None, r"\S")}


class NoQuery(BaseModel, extra="forbid", frozen=True):
    """A route that takes no query parameters."""


class NoBody(BaseModel, frozen=True):
    """A route that reads no body."""


class Paging(BaseModel, extra="forbid", frozen=True):
    """A page of a list."""

    limit: Annotated[Whole, Field(ge=1, le=200, description="Items on the page at most.")] = 50
    cursor: Cursor | None = None


def parse_query(req: func.HttpRequest, model: type[T]) -> T:
    """The query parameters as a model; raises `InvalidInput`, for one that is not known too."""
    return _checked(lambda: model.model_validate(dict(req.params)))


def parse_body(req: func.HttpRequest, model: type[T], most: int, max_tokens: int = MAX_TOKENS) -> T:
    """The JSON body as a model. Raises `WrongMediaType`, `TooLarge`, or `InvalidInput` that names what is wrong."""
    body = read_content(req, "application/json", most)
    check_structure(body, max_tokens)
    return _checked(lambda: model.model_validate_json(body, strict=True))


def read_content(req: func.HttpRequest, media_type: str, most: int) -> bytes:
    """The body as it came; raises `WrongMediaType` and `TooLarge`. `*/*` takes any type and encoding."""
    if media_type != "*/*":
        if req.headers.get("content-type", "").partition(";")[0].strip().lower() != media_type:
            raise WrongMediaType(f"send the body as {media_type}")
        check_not_compressed(req.headers)
    body: bytes = req.get_body() or b""
    if len(body) > most:
        raise TooLarge(f"the body has {len(body)} bytes; send at most {most}")
    return body


def check_not_compressed(headers: Mapping[str, str]) -> None:
    """Raise `WrongMediaType` for a body that is compressed: nothing here unpacks one."""
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise WrongMediaType("send the body uncompressed, without Content-Encoding")


def _checked(read: Callable[[], T]) -> T:
    try:
        return read()
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)[:_TOLD]
        raise InvalidInput("; ".join(_fault(fault) for fault in faults)) from None


def _fault(fault: Any) -> str:
    where = ".".join(str(part) for part in fault["loc"])[:100]  # a name that the caller chose is in it
    said = _EMPTY if _is_empty(fault) else str(fault["msg"]).removeprefix("Value error, ")
    return f"{where}: {said}" if where else said


def _is_empty(fault: Any) -> bool:
    """Whether text is missing where there must be some."""
    rule = fault.get("ctx", {})
    return (fault["type"], rule.get("min_length"), rule.get("pattern")) in _EMPTY_BY
