"""The one table from errors to problem documents, and what parsing a request says of it."""

import json

import azure.functions as func
import pytest
from pydantic import BaseModel, ConfigDict, Field

from functions._requests import NoQuery, Number, Whole, parse_body, parse_query
from functions._responses import Reply, failure, problem, respond, unquoted
from shared import errors
from shared.errors import InvalidInput, SwarmStarError

TABLE = {
    errors.SwarmStarError: (500, "Internal error"),
    errors.InvalidInput: (400, "Invalid input"),
    errors.TooLarge: (413, "Too large"),
    errors.WrongMediaType: (415, "Wrong media type"),
    errors.ConditionMissing: (428, "Condition missing"),
    errors.Unauthenticated: (401, "Not signed in"),
    errors.Forbidden: (403, "Not allowed"),
    errors.NotFound: (404, "Not found"),
    errors.Gone: (404, "Not found"),
    errors.Conflict: (409, "Conflict"),
    errors.IllegalTransition: (409, "Conflict"),
    errors.Full: (409, "Conflict"),
    errors.Stale: (412, "Changed meanwhile"),
    errors.QuotaExceeded: (429, "Quota reached"),
    errors.Unavailable: (503, "Not available now"),
    errors.ModelUnavailable: (503, "Not available now"),
    errors.ModelError: (502, "The model endpoint failed"),
}


def asking(body: bytes = b"", media_type: str = "application/json", **params: str) -> func.HttpRequest:
    headers = {"Content-Type": media_type}
    return func.HttpRequest("POST", "http://127.0.0.1/", headers=headers, params=params, body=body)


def test_no_error_is_missing_here() -> None:
    assert {one for one in vars(errors).values() if isinstance(one, type)} == TABLE.keys()


@pytest.mark.parametrize("kind", TABLE, ids=lambda kind: kind.__name__)
def test_an_error_has_its_status_and_tells_its_message(kind: type[SwarmStarError]) -> None:
    status, title = TABLE[kind]
    answer = failure(kind("what is wrong, and how to mend it"))
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert json.loads(answer.get_body()) == {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": "what is wrong, and how to mend it",
    }


def test_an_error_of_no_kind_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    answer = failure(KeyError("the key sk-12345"))
    assert answer.status_code == 500
    assert b"sk-12345" not in answer.get_body()
    assert json.loads(answer.get_body())["title"] == "Internal error"
    assert "the key sk-12345" in caplog.text


def test_who_is_not_signed_in_is_told_how() -> None:
    assert failure(errors.Unauthenticated("no")).headers["WWW-Authenticate"].startswith("Bearer")
    assert "WWW-Authenticate" not in failure(errors.Forbidden("no")).headers


@pytest.mark.parametrize("kind", [errors.Unavailable, errors.ModelUnavailable, errors.QuotaExceeded])
def test_what_is_not_available_says_when_to_come_back(kind: type[errors.Unavailable]) -> None:
    assert failure(kind("busy", 6.2)).headers["Retry-After"] == "7"
    assert failure(kind("busy", 0.0)).headers["Retry-After"] == "1"
    assert "Retry-After" not in failure(errors.Conflict("no")).headers


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: int = Field(ge=1)


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    parts: list[Inner] = []


def test_a_body_that_fits_is_a_model() -> None:
    assert parse_body(asking(b'{"name": "x", "parts": [{"size": 2}]}'), Body, 10_000).parts[0].size == 2


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
        parse_body(asking(body), Body, 10_000)
    assert str(raised.value).startswith(told)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff\xfe", b"name=x"])
def test_a_body_that_is_no_object_is_told(body: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"\w+"):
        parse_body(asking(body), Body, 10_000)


def test_many_faults_are_told_at_once_and_not_all() -> None:
    parts = ", ".join(['{"size": 0}'] * 20)
    with pytest.raises(InvalidInput) as raised:
        parse_body(asking(f'{{"name": 1, "parts": [{parts}]}}'.encode()), Body, 10_000)
    assert str(raised.value).count(";") == 4


def test_a_fault_does_not_say_what_was_sent() -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_body(asking(b'{"name": ["a secret"]}'), Body, 10_000)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_a_body_of_another_type_is_not_read(media_type: str) -> None:
    with pytest.raises(errors.WrongMediaType):
        parse_body(asking(b'{"name": "x"}', media_type), Body, 10_000)


def test_a_media_type_may_have_parameters() -> None:
    assert parse_body(asking(b'{"name": "x"}', "Application/JSON; charset=utf-8"), Body, 10_000).name == "x"


def test_a_body_has_a_bound() -> None:
    assert parse_body(asking(b'{"name": "x"}'), Body, 13).name == "x"
    with pytest.raises(errors.TooLarge, match="13"):
        parse_body(asking(b'{"name": "xy"}'), Body, 13)


def test_a_number_in_a_body_is_no_text() -> None:
    with pytest.raises(InvalidInput, match=r"^parts\.0\.size"):
        parse_body(asking(b'{"name": "x", "parts": [{"size": "2"}]}'), Body, 10_000)


class Query(BaseModel, extra="forbid"):
    after: Whole = 3
    wait: Number = 2.0


def test_numbers_of_the_query() -> None:
    assert parse_query(asking(after="12", wait="1.5"), Query) == Query(after=12, wait=1.5)
    assert parse_query(asking(wait="2e1"), Query) == Query(after=3, wait=20.0)
    assert parse_query(asking(), Query) == Query()


@pytest.mark.parametrize(
    "text", ["x", "1.5", "", " 1", "1_000", "+1", "-1", "1e3", "\u0661", "9" * 5_000, "true", "null"]
)
def test_what_is_no_whole_number(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^after: ") as raised:
        parse_query(asking(after=text), Query)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize("text", ["soon", "", "nan", "NaN", "Infinity", "-inf", "1e999", "0x10", "[1]"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^wait: "):
        parse_query(asking(wait=text), Query)


def test_a_query_parameter_nobody_knows_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"^limit: "):
        parse_query(asking(limit="5"), NoQuery)


def test_a_reply_is_json() -> None:
    answer = respond(Reply(Inner(size=3), {"Location": "/there"}, etag="7"), 202)
    assert (answer.status_code, answer.mimetype, answer.get_body()) == (202, "application/json", b'{"size":3}')
    assert answer.headers["Location"] == "/there"
    assert answer.headers["ETag"] == '"7"'
    assert respond(Inner(size=3), 200).get_body() == b'{"size":3}'


@pytest.mark.parametrize("etag", ["a1f", '"00-12"', 'until:5:"00-12"'], ids=["plain", "Cosmos DB's", "expiring"])
def test_a_version_comes_back_as_the_store_told_it(etag: str) -> None:
    told = respond(Reply(Inner(size=3), etag=etag), 200).headers["ETag"]
    assert told[0] == told[-1] == '"'
    assert '"' not in told[1:-1]
    assert unquoted(told) == etag


def test_every_answer_guards_itself() -> None:
    for answer in (respond(Inner(size=3), 200), problem(418, "Teapot", "Short and stout."), failure(KeyError())):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("media_type", ["a/b\r\nX: y", "text/\x1b[31m", "text", "a/b\n", "\u00e9/b", "a/" + "b" * 100])
def test_a_media_type_that_no_header_carries_is_bytes(media_type: str) -> None:
    answer = respond(Reply(b"content", media_type=media_type), 200)
    assert answer.mimetype == "application/octet-stream"


@pytest.mark.parametrize("media_type", ["text/x-python", "image/svg+xml", "text/plain; charset=utf-8"])
def test_a_media_type_is_handed_on(media_type: str) -> None:
    assert respond(Reply(b"content", media_type=media_type), 200).mimetype == media_type
