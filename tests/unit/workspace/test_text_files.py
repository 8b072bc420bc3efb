"""Edits of texts in any encoding, with any line ends."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidInput
from shared.workspace.text_file import TextFile, decode, is_binary

GERMAN = "Größe: schöne grüne Äpfel über Straßen\r\nweiß\r\n" * 5


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"", "utf-8"),
        (b"plain\n", "utf-8"),
        ("é\n".encode(), "utf-8"),
        (codecs.BOM_UTF8 + "é\r\n".encode(), "utf-8"),
        (codecs.BOM_UTF16_LE + "é\r\n".encode("utf-16-le"), "utf-16-le"),
        (codecs.BOM_UTF16_BE + "é\n".encode("utf-16-be"), "utf-16-be"),
        (codecs.BOM_UTF32_LE + "é\n".encode("utf-32-le"), "utf-32-le"),
        (GERMAN.encode("cp1252"), None),
        ("Привет, мир! Это обычный русский текст.\n".encode("cp1251") * 5, None),
        ("これは日本語の文章です。\n".encode("shift_jis") * 5, None),
    ],
)
def test_a_text_in_any_encoding_gives_its_bytes_back(content: bytes, encoding: str | None) -> None:
    found = decode(content)
    assert found is not None
    assert found.encode() == content
    if encoding is not None:
        assert found.encoding == encoding


@pytest.mark.parametrize("content", [b"\0", b"\x89PNG\r\n\x1a\n\0\0", b"a\0b\n", codecs.BOM_UTF16_LE + b"a"])
def test_what_is_no_text_is_binary(content: bytes) -> None:
    assert is_binary(content)


@given(st.binary(max_size=300))
def test_whatever_is_decoded_gives_its_bytes_back(content: bytes) -> None:
    found = decode(content)
    if found is not None:
        assert found.encode() == content


def edited(content: bytes, old: str, new: str, occurrences: int = 1) -> bytes:
    found = decode(content)
    assert found is not None
    return found.replaced(old, new, occurrences).encode()


def test_an_edit_changes_what_it_names_and_nothing_else() -> None:
    assert edited(b"a\r\nb\r\nc", "a\nb", "x\ny") == b"x\r\ny\r\nc"
    assert edited(codecs.BOM_UTF8 + b"a\r\n", "a", "b") == codecs.BOM_UTF8 + b"b\r\n"
    assert edited(b"a\rb\r", "a\nb", "c\nd") == b"c\rd\r"
    assert edited(b"one\r\ntwo\nthree\r\n", "two\nthree", "2\n3") == b"one\r\n2\r\n3\r\n"
    assert edited(GERMAN.encode("cp1252"), "weiß", "schwarz", 5) == GERMAN.replace("weiß", "schwarz").encode("cp1252")
    assert edited(b"a.c abc", "a.c", r"\1") == rb"\1 abc"


def test_a_text_that_is_not_there_or_there_too_often_is_refused() -> None:
    with pytest.raises(InvalidInput, match="not in the file"):
        edited(b"abc", "x", "y")
    with pytest.raises(InvalidInput, match="3 times, not 1"):
        edited(b"a a a", "a", "y")
    with pytest.raises(InvalidInput, match="is empty"):
        edited(b"a", "", "y")


def test_a_character_that_the_encoding_lacks_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="no character '文'"):
        edited(GERMAN.encode("cp1252"), "weiß", "文", 5)


def test_a_rewritten_file_keeps_its_line_ends_and_its_mark() -> None:
    found = decode(codecs.BOM_UTF8 + b"a\r\nb\r\n")
    assert found is not None
    assert found.shown == "a\nb\n"
    assert found.rewritten("x\ny\r\n").encode() == codecs.BOM_UTF8 + b"x\r\ny\r\n"
    assert found.appended("c\n").encode() == codecs.BOM_UTF8 + b"a\r\nb\r\nc\r\n"
    assert TextFile("").rewritten("a\r\nb\n").text == "a\r\nb\n"
