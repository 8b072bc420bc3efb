"""The one table from errors to problem documents, and what parsing a request says of it."""

import json
from typing import Any

import azure.functions as func
import pytest
from pydantic import BaseModel, ConfigDict, Field

from functions._responses import integer, number, parse_body, problem, problems, reply
from shared import errors
from shared.errors import InvalidInput, SwarmStarError

TABLE = {
    errors.SwarmStarError: (500, "Internal error"),
    errors.InvalidInput: (400, "Invalid input"),
    errors.TooLarge: (413, "Too large"),
    errors.Unauthenticated: (401, "Not signed in"),
    errors.Forbidden: (403, "Not allowed"),
    errors.NotFound: (404, "Not found"),
    errors.Conflict: (409, "Conflict"),
    errors.IllegalTransition: (409, "Conflict"),
    errors.QuotaExceeded: (429, "Quota reached"),
    errors.Unavailable: (503, "Not available now"),
    errors.ModelUnavailable: (503, "Not available now"),
    errors.ModelError: (502, "The model endpoint failed"),
}


async def answer_to(error: BaseException) -> func.HttpResponse:
    """What a handler that raises comes to."""

    @problems
    async def handler() -> func.HttpResponse:
        raise error

    return await handler()


def asking(body: bytes = b"", **params: str) -> func.HttpRequest:
    return func.HttpRequest("POST", "http://127.0.0.1/", params=params, body=body)


def test_no_error_is_missing_here() -> None:
    assert {one for one in vars(errors).values() if isinstance(one, type)} == TABLE.keys()


@pytest.mark.parametrize("kind", TABLE, ids=lambda kind: kind.__name__)
async def test_an_error_has_its_status_and_tells_its_message(kind: type[SwarmStarError]) -> None:
    status, title = TABLE[kind]
    answer = await answer_to(kind("what is wrong, and how to mend it"))
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert json.loads(answer.get_body()) == {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": "what is wrong, and how to mend it",
    }


async def test_an_error_of_no_kind_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    answer = await answer_to(KeyError("the key sk-12345"))
    assert answer.status_code == 500
    assert b"sk-12345" not in answer.get_body()
    assert json.loads(answer.get_body())["title"] == "Internal error"
    assert "the key sk-12345" in caplog.text


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_the_end_of_the_process_is_no_problem_document(end: type[BaseException]) -> None:
    @problems
    async def handler() -> func.HttpResponse:
        raise end

    begun: Any = handler()
    with pytest.raises(end):
        begun.send(None)


@pytest.mark.parametrize("kind", [errors.Unavailable, errors.ModelUnavailable, errors.QuotaExceeded])
async def test_what_is_not_available_says_when_to_come_back(kind: type[errors.Unavailable]) -> None:
    assert (await answer_to(kind("busy", 7.0))).headers["Retry-After"] == "7"
    assert "Retry-After" not in (await answer_to(errors.Conflict("no"))).headers


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: int = Field(ge=1)


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    parts: list[Inner] = []


def test_a_body_that_fits_is_a_model() -> None:
    assert parse_body(asking(b'{"name": "x", "parts": [{"size": 2}]}'), Body).parts[0].size == 2


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{}", "name: "),
        (b'{"name": 7}', "name: "),
        (b'{"name": "x", "parts": [{"size": 2}, {"size": 0}]}', "parts.1.size: "),
        (b'{"name": "x", "nmae": "y"}', "nmae: "),
        (b'{"name": "x", "parts": {}}', "parts: "),
    ],
)
def test_a_fault_names_its_field(body: bytes, told: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_body(asking(body), Body)
    assert str(raised.value).startswith(told)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff\xfe", b"name=x"])
def test_a_body_that_is_no_object_is_told(body: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"\w+"):
        parse_body(asking(body), Body)


def test_many_faults_are_told_at_once_and_not_all() -> None:
    parts = ", ".join(['{"size": 0}'] * 20)
    with pytest.raises(InvalidInput) as raised:
        parse_body(asking(f'{{"name": 1, "parts": [{parts}]}}'.encode()), Body)
    assert str(raised.value).count(";") == 4


def test_a_fault_does_not_say_what_was_sent() -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_body(asking(b'{"name": ["a secret"]}'), Body)
    assert "secret" not in str(raised.value)


def test_numbers_of_the_query() -> None:
    assert integer(asking(after="12"), "after", 3) == 12
    assert integer(asking(), "after", 3) == 3
    assert number(asking(wait="1.5"), "wait", 0.0) == 1.5
    assert number(asking(), "wait", 2.0) == 2.0
    for text in ("x", "1.5", ""):
        with pytest.raises(InvalidInput, match=r"^after must be a whole number"):
            integer(asking(after=text), "after", 0)
    with pytest.raises(InvalidInput, match=r"^wait must be a number"):
        number(asking(wait="soon"), "wait", 0.0)
    with pytest.raises(InvalidInput) as raised:
        integer(asking(after="9" * 5_000), "after", 0)
    assert len(str(raised.value)) < 100


def test_a_reply_is_json() -> None:
    answer = reply(Inner(size=3), 202, {"Location": "/there"})
    assert (answer.status_code, answer.mimetype, answer.get_body()) == (202, "application/json", b'{"size":3}')
    assert answer.headers["Location"] == "/there"
    assert problem(418, "Teapot", "Short and stout.").status_code == 418
