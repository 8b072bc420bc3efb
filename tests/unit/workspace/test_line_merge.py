"""Differences by lines, and merges of two texts made from a third."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.workspace.line_merge import line_edits, merge_lines, split_lines

LINES = st.lists(st.sampled_from("abcdef"), max_size=12)


def applied(old: list[str], new: list[str]) -> list[str]:
    made: list[str] = []
    at = 0
    for edit in line_edits(old, new):
        made += old[at : edit.start] + new[edit.made_start : edit.made_end]
        at = edit.end
    return made + old[at:]


@given(LINES, LINES)
def test_edits_make_one_text_of_the_other(old: list[str], new: list[str]) -> None:
    assert applied(old, new) == new
    edits = line_edits(old, new)
    assert all(before.end < after.start for before, after in pairwise(edits))


@pytest.mark.parametrize(
    ("ours", "theirs", "merged"),
    [
        ("aXcdef", "abcdYf", "aXcdYf"),
        ("abcdef", "aYcdef", "aYcdef"),
        ("aXcdef", "aXcdef", "aXcdef"),
        ("abcdefX", "Yabcdef", "YabcdefX"),
        ("bcdef", "abcde", "bcde"),
        ("aXcdef", "aYcdef", None),
        ("aXcdef", "abYdef", None),
        ("abXcdef", "abYcdef", None),
        ("acdef", "aYcdef", None),
        ("aXcdeZ", "aXcYef", "aXcYeZ"),
        ("aXcdef", "aXcdYf", "aXcdYf"),
    ],
)
def test_edits_that_do_not_touch_are_merged(ours: str, theirs: str, merged: str | None) -> None:
    base = list("abcdef")
    expected = None if merged is None else list(merged)
    assert merge_lines(base, list(ours), list(theirs)) == expected
    assert merge_lines(base, list(theirs), list(ours)) == expected


@given(LINES, LINES)
def test_one_side_that_changed_nothing_leaves_the_other(base: list[str], ours: list[str]) -> None:
    assert merge_lines(base, ours, base) == ours
    assert merge_lines(base, base, ours) == ours
    assert merge_lines(base, ours, ours) == ours


#: What one side does to each of ten different lines: nothing, delete it, or put a line of its own after it.
SIDE = st.lists(st.sampled_from(["keep", "delete", "add"]), min_size=10, max_size=10)


def made_by(side: str, does: list[str]) -> list[str]:
    lines: list[str] = []
    for number, what in enumerate(does):
        lines += [] if what == "delete" else [str(number)]
        lines += [f"{side}{number}"] if what == "add" else []
    return lines


@given(SIDE, SIDE)
def test_a_merge_has_what_either_added_and_not_what_either_deleted(ours: list[str], theirs: list[str]) -> None:
    merged = merge_lines([str(number) for number in range(10)], made_by("o", ours), made_by("t", theirs))
    if merged is None:
        return
    added = {f"o{n}" for n in range(10) if ours[n] == "add"} | {f"t{n}" for n in range(10) if theirs[n] == "add"}
    kept = {str(n) for n in range(10) if "delete" not in (ours[n], theirs[n])}
    assert set(merged) == added | kept
    assert len(merged) == len(added | kept)


def test_a_difference_takes_no_longer_than_its_patience() -> None:
    old, new = ["a", "b"] * 100_000, ["b", "a"] * 60_000 + ["c"] + ["a", "b", "b"] * 30_000
    began = time.process_time()
    edits = line_edits(old, new, seconds=0.5)
    assert time.process_time() - began < 10
    assert edits


def test_a_block_that_went_from_a_long_file_is_found_at_once() -> None:
    old = [str(number) for number in range(200_000)]
    new = [*old[:1_000], "x", *old[5_000:150_000], "y", *old[150_000:]]
    assert [(edit.start, edit.end) for edit in line_edits(old, new)] == [(1_000, 5_000), (150_000, 150_000)]


@given(st.binary(max_size=40))
def test_lines_are_split_at_newlines_alone(content: bytes) -> None:
    lines = split_lines(content)
    assert b"".join(lines) == content
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in lines[:-1])
    assert b"" not in lines
