"""Code fences around what a model was asked for."""

import re
from collections.abc import Collection
from dataclasses import dataclass

#: A fence and the line behind it: three or more backticks or tildes, and what kind of text is inside.
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[ \t]*([^\n`]*)$", re.MULTILINE)
#: The most characters that may stand around the one fenced block for it to be all that was asked for.
_AROUND = 400


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a text."""

    #: The first word behind the fence, in lower case.
    kind: str
    body: str
    #: Where it begins and ends in the text, fences included.
    start: int
    end: int


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a text that have an end, or whose text ends without one."""
    found: list[Block] = []
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        if opened is None:
            opened = fence
        elif _closes(fence, opened):
            found.append(_block(text, opened, fence.start(), fence.end()))
            opened = None
    if opened is not None:
        found.append(_block(text, opened, len(text), len(text)))
    return found


def unfenced(text: str, kinds: Collection[str]) -> str:
    """The text of a file without the fence that a model put around it, and the few words around that.

    `kinds` are what a fence around the whole file may be called; a block of another kind is part of the file.
    """
    stripped = text.strip()
    opening, lines = _FENCE.match(stripped), stripped.split("\n")
    if opening and _kind(opening) in kinds and len(lines) > 2 and lines[-1].strip() == opening[1]:
        return "\n".join(lines[1:-1])
    found = blocks(stripped)
    if len(found) == 1 and found[0].kind in kinds:
        block = found[0]
        around = len(stripped) - (block.end - block.start)
        if around <= min(_AROUND, len(block.body)):
            return block.body
    return text


def _closes(fence: re.Match[str], opened: re.Match[str]) -> bool:
    return not fence[2].strip() and fence[1][0] == opened[1][0] and len(fence[1]) >= len(opened[1])


def _block(text: str, opened: re.Match[str], end: int, after: int) -> Block:
    body = text[opened.end() + 1 : end].removesuffix("\n")
    return Block(_kind(opened), body, opened.start(), after)


def _kind(fence: re.Match[str]) -> str:
    return (fence[2].split() or [""])[0].lower()
