"""The page at `/api/docs`: what it says of every endpoint, and that its links lead somewhere."""

import base64
import hashlib
import json
import re
import shlex
from html import unescape

import pytest

from functions import _docs_words as wording
from functions._docs_examples import curl
from functions._docs_page import HEADERS, page
from functions._endpoints import ENDPOINTS
from functions._openapi import document
from functions.http_docs import Pointer
from tests.unit.functions.bound_calls import functions

functions("httpTrigger")  # fills the table of endpoints
DOCUMENT = document()
OPERATIONS = {
    one["operationId"]: (method, path, one)
    for path, found in DOCUMENT["paths"].items()
    for method, one in found.items()
}
PAGE = page(DOCUMENT)
each = pytest.mark.parametrize("name", OPERATIONS)


def words_of(name: str) -> list[str]:
    """The example's words, as a shell reads them."""
    method, path, operation = OPERATIONS[name]
    return shlex.split(curl(method, path, operation, DOCUMENT["components"]["schemas"]))


@each
def test_the_example_is_a_request_that_the_endpoint_takes(name: str) -> None:
    declared, words = ENDPOINTS[name], words_of(name)
    assert words[:2] == ["curl", "-sS"]
    method = words[words.index("-X") + 1] if "-X" in words else "GET"
    assert method == declared.method
    (url,) = [word for word in words if word.startswith("$URL/")]
    assert re.sub(r"\$[A-Z_]+", "{}", url.removeprefix("$URL/")) == re.sub(r"\{\w+\}", "{}", declared.path.lstrip("/"))
    assert ("Authorization: Bearer $KEY" in words) == (declared.scope is not None)
    assert ("If-Match: *" in words) == declared.conditional
    assert ("-d" in words) == (declared.body is not None)
    if declared.body is not None:
        body = json.loads(words[words.index("-d") + 1])
        assert body
        declared.body.model_validate_json(json.dumps(body), strict=True)


@each
def test_the_page_has_the_endpoint_with_its_example_and_its_parameters(name: str) -> None:
    method, path, operation = OPERATIONS[name]
    part = PAGE.partition(f'<div id="{name}">')[2].partition("</details>")[0]
    example = curl(method, path, operation, DOCUMENT["components"]["schemas"])
    assert example in unescape(part)
    for parameter in operation["parameters"]:
        assert parameter["description"]
        assert wording.prose(parameter["description"]) in part


def test_every_link_leads_into_what_a_browser_opens() -> None:
    links = set(re.findall(r'href="#([^"]+)"', PAGE))
    assert len(links) > 50
    opened = re.findall(r'<details><summary>.*?</summary><div id="([^"]+)">', PAGE)
    assert links <= set(opened)
    assert len(set(opened)) == len(opened)


def test_backticks_are_code_and_nothing_is_json() -> None:
    text = re.sub(r"<pre>.*?</pre>", "", PAGE, flags=re.DOTALL)
    assert "`" not in text
    assert "minLength" not in text
    assert "<h2>Signing in</h2>" in text


def test_nothing_on_it_runs_and_its_style_is_let_in() -> None:
    assert "<script" not in PAGE
    style = PAGE.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 2000, "default": 50}, "whole number, 1 to 2,000; default 50"),
        ({"type": "string", "minLength": 1, "maxLength": 9, "pattern": r"\S"}, "text, 1 to 9 characters, not blank"),
        ({"type": "string", "pattern": "^a<b$"}, "text, matching ^a<b$"),
        ({"type": "array", "items": {"$ref": "#/x/Y"}, "maxItems": 3}, "list of Y, at most 3 items"),
        ({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}, "time, RFC 3339 or null"),
        ({"enum": ["skip", "allow"], "type": "string", "default": "skip"}, "skip, allow; default skip"),
        ({"const": "ok"}, "ok"),
        ({"type": "number", "minimum": 0}, "number, at least 0"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "object, each value whole number"),
        ({}, "anything"),
    ],
)
def test_a_schema_in_words(schema: dict[str, object], said: str) -> None:
    assert unescape(re.sub(r"<[^>]+>", "", wording.words(schema))) == said


def test_bounds_of_the_query_are_those_of_json_schema() -> None:
    _, _, operation = OPERATIONS["list_swarms"]
    limit = next(one for one in operation["parameters"] if one["name"] == "limit")
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}


def test_the_root_names_what_there_is() -> None:
    pointer = Pointer()
    assert {pointer.docs, pointer.openapi} <= DOCUMENT["paths"].keys()
    assert any(path.startswith(f"{pointer.api}/") for path in DOCUMENT["paths"])
    assert ENDPOINTS["home"].path == "/"
