"""File names for what nodes produce."""

import pytest

from shared.actions.naming import file_name


@pytest.mark.parametrize(
    ("directive", "expected"),
    [
        ("Write price_tool.py, which adds prices", "price_tool.py"),
        ("Write `leaflet.md` for customers", "leaflet.md"),
        ("Create ../../etc/passwd.md now", "etc_passwd_md_now.md"),
        ("Write a guide to the two hiking routes", "guide_two_hiking_routes.md"),
        ("!!!", "result.md"),
    ],
)
def test_the_name_is_the_directives_own_or_made_of_its_words(directive: str, expected: str) -> None:
    suffixes = (".py",) if expected.endswith(".py") else (".md", ".txt")
    assert file_name(directive, suffixes) == expected


def test_the_name_of_what_was_handed_over_is_not_taken() -> None:
    assert file_name("From minutes.md write tasks.md", (".md",), {"minutes.md"}) == "tasks.md"
