"""Words as the command writes them."""

import unicodedata

import pytest

from cli.text import clean, count, duration, first_words, short_action, size


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("\x9b31mred\x07", "31mred"),
        ("a\r\nb\tc\rd", "a\nb\tcd"),
        ("safe\u202egnp.exe", "safegnp.exe"),
        ("lone \ud800", "lone "),
        ("naïve 日本 👩💻", "naïve 日本 👩💻"),
        ("one\u2028two\u2029three", "one\ntwo\nthree"),
    ],
)
def test_nothing_of_a_model_steers_the_terminal(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_no_control_or_format_character_of_unicode_is_shown() -> None:
    """Among them the Arabic letter mark, joiners, soft hyphens, and the tags that spell text nobody sees."""
    found = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs"}]
    hidden = [character for character in found if character not in "\n\t"]
    hidden += map(chr, range(0xE0000, 0xE1000))
    assert len(hidden) > 4_000
    assert {"\x1b", "\x9b", "\u00ad", "\u061c", "\u200d", "\u202e", "\u2066", "\ufeff", "\U000e0041"} <= set(hidden)
    assert [f"U+{ord(character):04X}" for character in hidden if clean(f"a{character}b") != "ab"] == []


def test_first_words_are_one_line_and_cut() -> None:
    assert first_words("  Write\n a   report ") == "Write a report"
    assert first_words("abcdefgh ijk", 10) == "abcdefgh…"
    assert first_words("x" * 1000, 10) == "x" * 9 + "…"


def test_an_action_is_shown_without_its_folders() -> None:
    assert short_action("reasoning.decompose_directive") == "decompose directive"
    assert short_action("write_text") == "write text"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-3, "0 s"), (8.9, "8 s"), (60, "1:00"), (3599, "59:59"), (3725, "1:02:05")]
)
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_amounts() -> None:
    assert count(1, "node") == "1 node"
    assert count(12_300, "token") == "12 300 tokens"
    assert [size(amount) for amount in (15, 2048, 3 * 1024 * 1024)] == ["15 B", "2.0 KiB", "3.0 MiB"]
