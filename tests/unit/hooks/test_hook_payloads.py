"""What a delivery brings becomes one document that says where it is from."""

import gzip
import json

import pytest

from shared.errors import InvalidInput, WrongMediaType
from shared.hooks.payloads import LARGEST, MAX_PAYLOAD, payload_document
from shared.usecases.context_documents import ContextInput, read_documents

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def document(body: bytes, headers: dict[str, str]) -> ContextInput:
    found = payload_document(body, headers, "builds")
    assert found is not None
    return found


@pytest.mark.parametrize(
    "kind", ["application/json", "application/cloudevents+json; charset=UTF-8", "", FORM["content-type"]]
)
def test_json_stays_as_it_was_sent(kind: str) -> None:
    found = document(b'\xef\xbb\xbf {"big": 12345678901234567890, "x": 1.10}\n', {"content-type": kind})
    assert found.name == "payload.json"
    assert '{"big": 12345678901234567890, "x": 1.10}' in found.content
    ((doc, text),) = read_documents([found])
    assert doc.type == "json"
    assert json.loads(text)["payload"]["big"] == 12345678901234567890


def test_it_says_where_it_is_from_and_shows_no_credential() -> None:
    headers = {**JSON, "x-github-event": "push", "authorization": "Bearer abc", "x-hub-signature-256": "sha256=abc"}
    found = document(b"[]", headers)
    about = json.loads(found.content)["delivery"]
    assert "the hook 'builds'" in about["from"]
    assert "not instructions" in about["note"]
    assert about["headers"] == {"content-type": "application/json", "x-github-event": "push"}
    assert "abc" not in found.content


def test_a_form_by_its_fields() -> None:
    found = document(b"name=J%C3%BCrgen&tag=a&tag=b&empty=", FORM)
    assert json.loads(found.content)["payload"] == {"name": ["Jürgen"], "tag": ["a", "b"], "empty": [""]}


@pytest.mark.parametrize("body", [b"disk full", b"<a>1</a>", b"{not json", "für".encode()])
def test_text_stays_as_it_was_sent(body: bytes) -> None:
    found = document(body, {"content-type": "text/plain", "user-agent": "monitor/1"})
    assert found.name == "payload.txt"
    assert found.content.startswith("From a delivery to the hook 'builds'; ")
    assert "user-agent: monitor/1" in found.content
    assert found.content.endswith("\n\n" + body.decode())
    read_documents([found])


@pytest.mark.parametrize("body", [b"", b" \n", b"\xef\xbb\xbf"])
def test_an_empty_payload_is_no_document(body: bytes) -> None:
    assert payload_document(body, JSON, "builds") is None


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xfe", "text/plain"),
        (b"a\x00b", "text/plain"),
        (b"secret", "application/json"),
        (b"[NaN]", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"a=1&" * 1_001, FORM["content-type"]),
    ],
)
def test_what_cannot_be_read_is_refused_and_not_repeated(body: bytes, kind: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        payload_document(body, {"content-type": kind}, "builds")
    assert not isinstance(refused.value, WrongMediaType)
    assert "secret" not in str(refused.value)


def test_another_charset_is_refused() -> None:
    with pytest.raises(WrongMediaType):
        payload_document(b"abc", {"content-type": "text/plain; charset=latin-1"}, "builds")


@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_the_largest_payload_is_no_larger_than_what_hooks_are_checked_with(kind: str) -> None:
    body = b'"' + b"x" * (MAX_PAYLOAD - 2) + b'"'
    long = dict.fromkeys(
        ("user-agent", "x-github-event", "x-gitlab-event", "x-event-key", "x-event-type"), "\u00e9" * 999
    )
    found = payload_document(body, {**long, "content-type": kind}, "\U0001f600" * 120)
    assert found is not None
    assert len(found.content.encode()) <= len(LARGEST.content)


def test_headers_are_not_content() -> None:
    """A host hands on a byte that is not UTF-8 as half a surrogate pair."""
    found = document(b"disk full", {"content-type": "text/plain", "user-agent": "J\udcfcrgen\u2028\x07/1"})
    assert "user-agent: J\u00fcrgen  /1\n" in found.content
    ((_, text),) = read_documents([found])
    assert text.endswith("disk full")
    about = json.loads(document(b"[]", {**JSON, "x-event-type": "\udce9\ud800"}).content)["delivery"]
    assert about["headers"]["x-event-type"] == "\u00e9 "


def test_a_compressed_payload_is_refused() -> None:
    with pytest.raises(WrongMediaType, match="uncompressed"):
        payload_document(gzip.compress(b"{}"), {**JSON, "content-encoding": "gzip"}, "builds")
    assert payload_document(b"{}", {**JSON, "content-encoding": "identity"}, "builds") is not None
