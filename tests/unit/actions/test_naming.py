"""File names for what nodes produce."""

import pytest

from shared.actions.naming import MAX_NAMED, asked_files, file_name, named_files, renamed


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


def test_what_is_asked_for_goes_before_what_it_is_made_from() -> None:
    assert file_name("Write a summary of notes.md to summary.md", (".md",)) == "summary.md"


@pytest.mark.parametrize(
    ("directive", "asked"),
    [
        ("Write hello.md with a greeting.", "hello.md"),
        ("Write tea.md and coffee.md, each short.", "tea.md coffee.md"),
        ("Write three files: a.md, b.md, and `c.py`.", "a.md b.md c.py"),
        (
            "1. Write a Python module fee.py with one function fee(n: int) -> int.\n2. Write a notice fee.md.",
            "fee.py fee.md",
        ),
        ("minutes.md is what was noted.\nWrite tasks.md: a table in the order of minutes.md.", "tasks.md"),
        ("Write a haiku about rain to haiku.md", "haiku.md"),
        ("Ask me for the date, then write plan.md.", "plan.md"),
        ("Write a.md from b.csv", "a.md"),
        ("Write report.md, but do not touch x.py.", "report.md"),
        ("Do not write x.py. Please don't create y.py.", ""),
        ("Write tests for x.py", ""),
        ("Write x.py, which saves what it found as out.csv", "x.py"),
        ("Write a script that converts a.csv to b.json", ""),
        ("Write a regex matching a.txt", ""),
        ("Fix main.py and write notes.md like old.md", ""),
        ("Write a.md. Do not make a.md longer than a page, and leave b.md alone.", "a.md"),
        ("Write about Node.js, e.g. ASP.net, www.shop.py/x and https://a.b/c.html", ""),
    ],
)
def test_a_file_is_asked_for_only_where_that_is_beyond_doubt(directive: str, asked: str) -> None:
    assert asked_files(directive) == tuple(asked.split())


def test_all_names_of_files_are_found_and_no_more_than_so_many() -> None:
    assert named_files("See x.py and x.py, a.tar.gz, v1.2, data.json; write y.md.") == ("x.py", "data.json", "y.md")
    assert len(named_files(" ".join(f"f{n}.md" for n in range(99)))) == MAX_NAMED


@pytest.mark.parametrize(
    ("planned", "becomes"),
    [
        ("Write rain.md, a haiku; rain.md is short.", "Write haiku.md, a haiku; haiku.md is short."),
        ("Write haiku.md about rain.", "Write haiku.md about rain."),
        ("Write a summary of notes.md.", "Write a summary of notes.md. Save it to haiku.md."),
        ("Ask the user about the rain.", "Ask the user about the rain."),
    ],
)
def test_the_one_file_asked_for_keeps_its_name_in_the_plan(planned: str, becomes: str) -> None:
    assert renamed(planned, "haiku.md") == becomes
