"""Differences between texts by lines, and the merge of two texts that were made from a third.

The differences come from diff-match-patch, which gives up looking for the shortest ones at a deadline: what it says
then is coarser and never wrong.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from diff_match_patch import diff_match_patch

L = TypeVar("L", bound=Hashable)

#: Seconds after which a difference may be coarse.
PATIENCE = 1.0
_CHARACTERS = range(0x20, 0x110000)


@dataclass(frozen=True, slots=True)
class LineEdit(Generic[L]):
    """Lines `start` up to `end` of the old text give way to the lines `made_start` up to `made_end` of the new one."""

    start: int
    end: int
    made_start: int
    made_end: int


class _Differ(diff_match_patch):  # type: ignore[misc]  # it has no types
    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.Diff_Timeout = seconds

    def diff_halfMatch(self, text1: str, text2: str) -> tuple[str, str, str, str, str] | None:  # noqa: N802
        """The library's shortcut, which does not look at the deadline: skip it where its seeds repeat themselves."""
        longer = max(text1, text2, key=len)
        quarter = len(longer) // 4
        for begin in (-(-len(longer) // 4), -(-len(longer) // 2)):
            seed = longer[begin : begin + quarter]
            if seed.find(seed[: quarter // 2], 1) != -1:
                return None
        found: tuple[str, str, str, str, str] | None = super().diff_halfMatch(text1, text2)
        return found


def split_lines(content: bytes) -> list[bytes]:
    """The lines of a file as git counts them: each with its newline, the last perhaps without."""
    lines = content.split(b"\n")
    kept = [line + b"\n" for line in lines[:-1]]
    return [*kept, lines[-1]] if lines[-1] else kept


def line_edits(old: Sequence[L], new: Sequence[L], seconds: float = PATIENCE) -> list[LineEdit[L]]:
    """The edits that make `new` of `old`, in order, with at least one line kept between two of them."""
    numbers: dict[L, str] = {}
    try:
        texts = ["".join(_character(numbers, line) for line in lines) for lines in (old, new)]
    except IndexError:  # more different lines than there are characters
        return [LineEdit(0, len(old), 0, len(new))]
    edits: list[LineEdit[L]] = []
    at = made = start = made_start = 0
    for operation, lines in _Differ(seconds).diff_main(texts[0], texts[1], False):
        if operation == 0:
            if (start, made_start) != (at, made):
                edits.append(LineEdit(start, at, made_start, made))
            at, made = at + len(lines), made + len(lines)
            start, made_start = at, made
        elif operation < 0:
            at += len(lines)
        else:
            made += len(lines)
    if (start, made_start) != (at, made):
        edits.append(LineEdit(start, at, made_start, made))
    return edits


def _character(numbers: dict[L, str], line: L) -> str:
    character = numbers.get(line)
    if character is None:
        character = numbers[line] = chr(_CHARACTERS[len(numbers)])
    return character


def merge_lines(base: Sequence[L], ours: Sequence[L], theirs: Sequence[L]) -> list[L] | None:
    """The lines with the edits of both sides, or None where both edited the same or touching lines differently."""
    merged: list[L] = []
    taken = 0
    mine, other = _made(base, ours), _made(base, theirs)
    while mine or other:
        if mine and other and mine[0] == other[0]:
            other.pop(0)
            edit = mine.pop(0)
        elif not other or (mine and mine[0][1] < other[0][0]):
            edit = mine.pop(0)
        elif not mine or other[0][1] < mine[0][0]:
            edit = other.pop(0)
        else:
            return None
        start, end, lines = edit
        merged += base[taken:start]
        merged += lines
        taken = end
    return merged + list(base[taken:])


def _made(base: Sequence[L], new: Sequence[L]) -> list[tuple[int, int, Sequence[L]]]:
    return [(edit.start, edit.end, new[edit.made_start : edit.made_end]) for edit in line_edits(base, new)]
