"""JSON objects in what a model answers, whatever prose, fence or small fault is around and inside them."""

import json
import re
from collections.abc import Iterator
from typing import Any

from json_repair import repair_json

from shared.llm.encodable import encodable_tree

#: How much of an answer is read, in characters, and up to which size a faulty object is repaired.
MAX_ANSWER = 200_000
MAX_REPAIRED = 100_000
#: How many places are tried as the beginning of an object, from the start and again from the end.
MAX_STARTS = 20
#: How deep an object may be nested to be repaired.
MAX_DEPTH = 64

#: Line breaks inside strings are taken as they are.
_DECODER = json.JSONDecoder(strict=False)
#: What may begin an object, unlike a brace in prose.
_START = re.compile(r"""\{(?=\s*(?:["'}]|[A-Za-z_]\w*\s*:))""")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}]', re.DOTALL)


def objects(text: str, *, repair: bool = True) -> Iterator[dict[str, Any]]:
    """The objects in a text in their order, then that at its end where there are many before it, and then, with
    `repair`, those with faults such as a trailing comma.

    One that lies inside another is left out, and one that has no end is never taken, nor what it holds.
    """
    text = text[:MAX_ANSWER]
    faulty = []
    for start in _starts(text):
        found = _object(text, start)
        if found is None:
            faulty.append(start)
        else:
            yield found[0]
    for start in faulty if repair else ():
        if (repaired := _repaired(text, start)) is not None:
            yield repaired


def _starts(text: str) -> Iterator[int]:
    """Where the first outermost objects of a text begin and, where there are more, the last."""
    place = 0
    for _ in range(MAX_STARTS):
        match = _START.search(text, place)
        if match is None:
            return
        yield match.start()
        found = _object(text, match.start())
        end = _end(text, match.start()) if found is None else found[1]
        if end is None:
            return
        place = end
    yield from _last(text, place)


def _last(text: str, place: int) -> Iterator[int]:
    """Where the object begins that the last brace of a text ends, behind a place."""
    end = text.rfind("}") + 1
    begins = None
    start = text.rfind("{", place)
    for _ in range(MAX_STARTS):
        if start < 0:
            break
        if _START.match(text, start) and _end(text, start) == end:
            begins = start
        start = text.rfind("{", place, start)
    if begins is not None:
        yield begins


def _object(text: str, start: int) -> tuple[dict[str, Any], int] | None:
    """The object that begins there and where it ends, or None."""
    try:
        value, end = _DECODER.raw_decode(text, start)
        return encodable_tree(value), end
    except (ValueError, RecursionError):
        return None


def _repaired(text: str, start: int) -> dict[str, Any] | None:
    end = _end(text, start)
    if end is None or end - start > MAX_REPAIRED:
        return None
    try:
        value = repair_json(text[start:end], return_objects=True)
    except (ValueError, RecursionError):
        return None
    return encodable_tree(value) if isinstance(value, dict) and value else None


def _end(text: str, start: int) -> int | None:
    """Where the braces that open there are closed again; None if they never are, or are too deep."""
    depth = 0
    for token in _TOKEN.finditer(text, start, start + MAX_REPAIRED):
        if token[0] == "{":
            depth += 1
        elif token[0] == "}":
            depth -= 1
        if depth == 0:
            return token.end()
        if depth > MAX_DEPTH:
            return None
    return None
