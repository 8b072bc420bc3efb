"""The rules of the store port that every adapter applies the same way: keys, values, sequence numbers, cursors."""

import base64
import binascii
import json

from shared.errors import InvalidInput, TooLarge
from shared.store.port import MAX_PAGE, MAX_TTL, MAX_VALUE_BYTES, Category
from shared.types import ITEM_ID, check_item_id

#: The largest sequence number or counter, and with a minus the smallest: what every store keeps exactly.
MAX_SEQ = 2**53 - 1

_MAX_CURSOR = 400
_PREFIXES = {category: f"{category.value}_" for category in Category}
#: Keys that would give a document two readings, such as `state_0` in `swarm` beside `0` in `swarm_state`.
_AMBIGUOUS = {
    category: tuple(
        longer.removeprefix(prefix) for longer in _PREFIXES.values() if longer != prefix and longer.startswith(prefix)
    )
    for category, prefix in _PREFIXES.items()
}


def document_key(category: Category, key: str) -> str:
    """The key `{category}_{key}`, which has one reading; `InvalidInput` if `key` is no item id or makes a second."""
    if not ITEM_ID.fullmatch(key):
        check_item_id(key, "key")
    if (traps := _AMBIGUOUS[category]) and key.startswith(traps):
        raise InvalidInput(f"key {key!r} of category {category.value!r} reads like one of another category")
    return _PREFIXES[category] + key


def check_value(value: str) -> None:
    """Raise `TooLarge` over `MAX_VALUE_BYTES`, `InvalidInput` for text that no JSON document can have."""
    size = len(value)
    if size <= MAX_VALUE_BYTES and not value.isascii():
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            raise InvalidInput("the document holds half of a surrogate pair, which is no text") from None
    if size > MAX_VALUE_BYTES:
        raise TooLarge(f"a document may have {MAX_VALUE_BYTES} bytes; larger content belongs into a blob")
    if "\0" in value:
        raise InvalidInput("the document holds a raw NUL character, which JSON text cannot")


def check_seq(value: int, what: str = "seq") -> None:
    """Raise `InvalidInput` for a number that some store would round."""
    if not -MAX_SEQ <= value <= MAX_SEQ:
        raise InvalidInput(f"{what} {value} is out of range: use at most 2**53 - 1")


def expiry(ttl: int | None, now: float) -> int | None:
    """When a document written now has expired, in milliseconds since 1970; `InvalidInput` for what is out of range."""
    if ttl is None:
        return None
    if not 1 <= ttl <= MAX_TTL:
        raise InvalidInput(f"ttl {ttl} is out of range: use 1 to {MAX_TTL} seconds")
    return int(now * 1000) + ttl * 1000


def check_limit(limit: int) -> None:
    """Raise `InvalidInput` for a page size out of 1 to `MAX_PAGE`."""
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidInput(f"limit {limit} is out of range: use 1 to {MAX_PAGE}")


def encode_cursor(seq: int, key: str) -> str:
    """The opaque cursor that goes on after the document with this sequence number and key."""
    return base64.urlsafe_b64encode(json.dumps([seq, key], separators=(",", ":")).encode()).decode()


def decode_cursor(cursor: str) -> tuple[int, str]:
    """What `encode_cursor` was given; `InvalidInput` for anything it did not make."""
    try:
        if len(cursor) > _MAX_CURSOR:
            raise ValueError("too long")
        seq, key = json.loads(base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True))
        if type(seq) is not int or not isinstance(key, str) or not ITEM_ID.fullmatch(key):
            raise ValueError("not a position")
        check_seq(seq)
    except (ValueError, TypeError, RecursionError, binascii.Error):
        raise InvalidInput("cursor is not one of this store: start the scan again without it") from None
    return seq, key
