import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.cosmos.items import MAX_PLAIN_BYTES, document, pack, stored, unpack
from shared.errors import Unavailable
from shared.store.port import Category
from shared.types import SpaceKey

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)


@settings(deadline=None, max_examples=40)
@given(WORDS, st.sampled_from([1, 7, 1_000, 20_000]))
def test_a_text_comes_back_whatever_its_size_and_signs(word: str, times: int) -> None:
    value = word * times
    assert unpack(pack(value)) == value


@pytest.mark.parametrize("sign", ["x", '"', "\\", "\u20ac", "\U0001f9e0", "\x01", "\n"])
def test_a_body_is_plain_as_long_as_it_is_small(sign: str) -> None:
    each = len(json.dumps(sign, ensure_ascii=False).encode()) - 2
    fits = sign * ((MAX_PLAIN_BYTES - 2) // each)
    assert pack(fits) == fits
    assert isinstance(pack(fits + 2 * sign), dict)


def test_a_document_says_who_wrote_it() -> None:
    one, other = (document(SpaceKey("a", "b"), Category.SWARM, "x", "{}", 1) for _ in range(2))
    assert one.pop("by") != other.pop("by")
    assert one == other


def test_a_body_that_would_grow_beyond_all_bounds_is_refused() -> None:
    body = pack("x" * 3_000_000)
    with pytest.raises(Unavailable):
        unpack(body)


def test_a_number_that_the_service_gives_as_a_fraction_is_whole() -> None:
    item = {"key": "n", "number": 41.0, "_etag": "e"}
    assert (stored(item).value, stored(item).seq) == ("41", 0)
