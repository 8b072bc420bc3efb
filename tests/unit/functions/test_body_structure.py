"""The structure of a body is bounded on its bytes, before anything is parsed or validated."""

import json

import azure.functions as func
import pytest

from functions import _requests
from functions._requests import parse_body
from functions._structure import MAX_DEPTH, MAX_TOKENS, check_structure
from shared.errors import InvalidInput, TooLarge
from shared.usecases.accounts import NewKey
from shared.usecases.create_swarm import NewSwarm


def asking(body: bytes) -> func.HttpRequest:
    return func.HttpRequest("POST", "/", headers={"content-type": "application/json"}, body=body)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"scopes": [1] * 32_000}),
        json.dumps({f"k{number}": 0 for number in range(400_000)}),
        json.dumps({"name": "n", "x": "[" * 10}) + "[" * 60_000,
        '{"directive": ' + "[" * 20_000 + "]" * 20_000 + "}",
        '{"name": ["' + '","' * 30_000 + '"]}',
    ],
    ids=["a long list", "many keys", "unclosed lists", "deep lists", "many strings"],
)
def test_a_body_of_many_parts_is_refused_before_it_is_parsed(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(*_: object) -> None:
        raise AssertionError("it was parsed")

    monkeypatch.setattr(_requests, "_checked", parsed)
    with pytest.raises(TooLarge):
        parse_body(asking(body.encode()), NewKey, 5_000_000)


def test_what_stands_in_strings_counts_for_nothing() -> None:
    text = '[{,"\\' * 100_000
    assert parse_body(asking(json.dumps({"directive": text[:16_000]}).encode()), NewSwarm, 5_000_000)
    check_structure(json.dumps({"content": text}).encode())


def test_the_bounds_are_what_they_say() -> None:
    check_structure(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(TooLarge, match="nested"):
        check_structure(b"[" * (MAX_DEPTH + 1))
    check_structure(b"," * MAX_TOKENS)
    with pytest.raises(TooLarge, match="parts"):
        check_structure(b"," * (MAX_TOKENS + 1))


def test_a_string_without_end_is_looked_at_once() -> None:
    check_structure(b'"' + b'\\"' * 2_000_000)
    with pytest.raises(InvalidInput):
        parse_body(asking(b'{"name": "' + b'\\"' * 200_000), NewKey, 5_000_000)
