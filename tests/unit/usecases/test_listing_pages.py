"""Pages of short lists."""

import pytest

from shared.errors import InvalidInput
from shared.usecases.listing import page_of

LETTERS = list("abcdefg")


def pages(items: list[str], limit: int) -> list[list[str]]:
    found: list[list[str]] = []
    cursor = None
    while True:
        page, cursor = page_of(items, str, limit, cursor)
        found.append(page)
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8, 200])
def test_pages_give_everything_once(limit: int) -> None:
    found = pages(LETTERS, limit)
    assert [letter for page in found for letter in page] == LETTERS
    assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
    assert found[-1]


def test_an_empty_list_is_one_empty_page() -> None:
    assert page_of([], str, 5, None) == ([], None)


def test_it_goes_on_after_the_same_item_when_others_come_or_go() -> None:
    _, cursor = page_of(LETTERS, str, 3, None)
    assert page_of(["0", *LETTERS], str, 3, cursor)[0] == ["d", "e", "f"]
    assert page_of(LETTERS[1:], str, 3, cursor)[0] == ["d", "e", "f"]
    # What stood before is gone: it goes on at the place.
    assert page_of(["a", "b", "d", "e", "f"], str, 3, cursor)[0] == ["e", "f"]
    assert page_of(["a"], str, 3, cursor) == ([], None)


@pytest.mark.parametrize("cursor", ["", "3", "~c", "x~c", "3~", "-1~c", "1234567~c", "3~c\n", "３~"])
def test_other_cursors_are_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        page_of(LETTERS, str, 3, cursor)
