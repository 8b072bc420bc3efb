"""How documents and counters lie in the container.

    {"id": "ada_first_swarm_state_0.1", "pk": "ada_first", "category": "swarm_state", "key": "0.1",
     "seq": 7, "body": "<JSON text>", "by": "<write id>"}

    {"id": "ada_first_swarm_history_current_frame", "pk": "ada_first", "category": "swarm_history",
     "key": "current_frame", "number": 41}

A document that will expire also has `ttl`, seconds by which the database removes it some time, and `expires`, the
millisecond since 1970 from which on it is gone for readers. Its etag says so too, and a writer who knows the etag needs
no reading to be refused.

The body is the document's JSON text as a string, and no nested object: the port gives back the text that was put, an
object would come back with other spaces and its large numbers rounded, and no query looks into it. A counter has no
`seq`, so no scan meets it.
"""

import base64
import json
import secrets
import zlib
from typing import Any

from shared.errors import Unavailable
from shared.store.port import MAX_VALUE_BYTES, Category, Stored
from shared.store.rules import document_key
from shared.types import SpaceKey

Item = dict[str, Any]

#: A body that takes up more bytes in its item is deflated. That costs fewer request units, which go by size, and
#: keeps every document the port takes below the 2 MB of an item, even one of quotes alone, which take two bytes each.
MAX_PLAIN_BYTES = 200_000

#: Before the etag of a counter, so that it opens no document.
_COUNTER_ETAG = "counter:"
#: Before the etag of a document that will expire: `until:{expires}:{etag}`.
_EXPIRING_ETAG = "until:"
#: What the database reads as no end.
NO_TTL = -1


def item_id(space: SpaceKey, category: Category, key: str) -> str:
    """The id `{user_id}_{swarm_id}_{category}_{key}`; `InvalidInput` if `key` is no item id."""
    return f"{space}_{document_key(category, key)}"


def document(
    space: SpaceKey,
    category: Category,
    key: str,
    value: str,
    seq: int,
    ttl: int | None = None,
    expires: int | None = None,
) -> Item:
    """The item of a document; its write id tells whose write it was when an answer got lost."""
    identity = {"id": item_id(space, category, key), "pk": str(space), "category": category.value, "key": key}
    end = {} if ttl is None else {"ttl": ttl, "expires": expires}
    return {**identity, "seq": seq, "body": pack(value), "by": secrets.token_urlsafe(9), **end}


def counter(space: SpaceKey, category: Category, key: str, number: int) -> Item:
    """The item of a counter."""
    identity = {"id": item_id(space, category, key), "pk": str(space), "category": category.value, "key": key}
    return {**identity, "number": number}


def stored(item: Item) -> Stored:
    """What the port gives for an item."""
    if is_counter(item):
        return Stored(item["key"], str(int(item["number"])), _COUNTER_ETAG + item["_etag"], 0)
    return Stored(item["key"], unpack(item["body"]), full_etag(item, item["_etag"]), int(item["seq"]))


def is_counter(item: Item) -> bool:
    """Whether an item is a counter."""
    return "number" in item


def expired(item: Item, now: float) -> bool:
    """Whether an item is gone for readers."""
    expires = item.get("expires")
    return expires is not None and expires <= now * 1000


def full_etag(item: Item, etag: str) -> str:
    """The etag of a document as the port gives it."""
    expires = item.get("expires")
    return etag if expires is None else f"{_EXPIRING_ETAG}{expires}:{etag}"


def etag_expired(etag: str, now: float) -> bool:
    """Whether the document that had this etag is gone for readers."""
    return etag.startswith(_EXPIRING_ETAG) and int(etag.split(":", 2)[1]) <= now * 1000


def weight(item: Item) -> int:
    """The characters of an item's text; an older deflated one, which does not say, is taken for the longest."""
    body = item.get("body", "")
    return len(body) if isinstance(body, str) else int(body.get("length", MAX_VALUE_BYTES))


def names_counter(etag: str) -> bool:
    """Whether an etag is that of a counter."""
    return etag.startswith(_COUNTER_ETAG)


def bare_etag(etag: str) -> str:
    """The etag as the database knows it."""
    if etag.startswith(_EXPIRING_ETAG):
        return etag.split(":", 2)[2]
    return etag.removeprefix(_COUNTER_ETAG)


def pack(value: str) -> Item | str:
    """A text as it lies in an item: as it is, or deflated where it is large."""
    if 6 * len(value) <= MAX_PLAIN_BYTES:  # the most that JSON makes of one character
        return value
    if len(json.dumps(value, ensure_ascii=False).encode()) <= MAX_PLAIN_BYTES:
        return value
    deflated = base64.b64encode(zlib.compress(value.encode(), level=1)).decode()
    return {"deflated": deflated, "length": len(value)}


def unpack(body: Item | str) -> str:
    """The text that was packed."""
    if isinstance(body, str):
        return body
    inflater = zlib.decompressobj()
    text = inflater.decompress(base64.b64decode(body["deflated"]), MAX_VALUE_BYTES + 1)
    if not inflater.eof:
        raise Unavailable("a document in the database is damaged", retry_after=60.0)
    return text.decode()
