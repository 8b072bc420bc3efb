"""What may be handed over with a directive."""

import base64

import pytest

from shared.errors import InvalidInput, TooLarge
from shared.usecases.context_documents import (
    MAX_DOCUMENT_BYTES,
    MAX_DOCUMENTS,
    ContextInput,
    read_documents,
)


def given(name: str = "a.md", content: str = "text", **fields: str) -> ContextInput:
    return ContextInput.model_validate({"name": name, "content": content, **fields})


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("notes.md", "# Notes", "markdown"),
        ("prices.csv", "tea,3", "csv"),
        ("data.json", '{"a": 1}', "json"),
        ("data.json", "{broken", "text"),
        ("tool.py", "X = 1", "code"),
        ("letter.txt", "Dear", "text"),
        ("LICENSE", "All rights", "text"),
    ],
)
def test_the_name_says_what_a_document_holds(name: str, content: str, kind: str) -> None:
    ((document, text),) = read_documents([given(name, content)])
    assert (document.type, document.content, text) == (kind, content, content)


def test_a_large_document_is_kept_apart() -> None:
    ((document, text),) = read_documents([given(content="ä" * 40_000)])
    assert document.content is None
    assert (document.size, len(text)) == (80_000, 40_000)


def test_only_the_last_part_of_a_path_is_kept() -> None:
    ((document, _),) = read_documents([given("../../etc\\notes.md")])
    assert document.name == "notes.md"


def test_base64_is_decoded() -> None:
    ((document, _),) = read_documents([given(content=base64.b64encode(b"tea").decode(), encoding="base64")])
    assert document.content == "tea"


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (given(content="  \n"), "is empty"),
        (given(content="a\x00b"), "is binary"),
        (given(content="\ud800"), "is not text"),
        (given(content="***", encoding="base64"), "not valid base64"),
        (given(content=base64.b64encode(b"\x89PNG\xff").decode(), encoding="base64"), "is not text"),
    ],
)
def test_what_is_no_text_is_refused_by_name(document: ContextInput, says: str) -> None:
    with pytest.raises(InvalidInput, match=f"'a.md'.*{says}"):
        read_documents([document])


def test_there_are_bounds() -> None:
    with pytest.raises(TooLarge, match="at most"):
        read_documents([given()] * (MAX_DOCUMENTS + 1))
    with pytest.raises(TooLarge, match=r"'a.md' has"):
        read_documents([given(content="x" * (MAX_DOCUMENT_BYTES + 1))])
    with pytest.raises(TooLarge, match="context has"):
        read_documents([given(content="x" * 900_000)] * 3)
