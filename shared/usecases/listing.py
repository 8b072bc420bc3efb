"""Pages of lists that are short enough to be read whole."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from shared.errors import InvalidInput

#: The place of what comes next, and the id of what stands before it.
_CURSOR = re.compile(r"([0-9]{1,6})~(.{1,64})")

T = TypeVar("T")


def page_of(
    items: Sequence[T], id_of: Callable[[T], str], limit: int, cursor: str | None
) -> tuple[list[T], str | None]:
    """At most `limit` of the items, and the cursor that goes on after them; raises `InvalidInput` for no cursor.

    It goes on after the item where the page before ended, wherever that stands by now, or at its place if it is gone.
    """
    start = 0 if cursor is None else _start(items, id_of, cursor)
    shown = list(items[start : start + limit])
    end = start + len(shown)
    return shown, f"{end}~{id_of(shown[-1])}" if shown and end < len(items) else None


def _start(items: Sequence[T], id_of: Callable[[T], str], cursor: str) -> int:
    read = _CURSOR.fullmatch(cursor)
    if read is None:
        raise InvalidInput("the cursor is not one of this list: take it from the page before")
    after = (place for place, item in enumerate(items, start=1) if id_of(item) == read[2])
    return next(after, int(read[1]))
