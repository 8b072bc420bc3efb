"""Text from outside, made encodable: half surrogate pairs are replaced, because no store and no socket takes them."""

import json
from typing import Any


def encodable(text: str) -> str:
    """The text with every half of a surrogate pair replaced by U+FFFD; whole pairs become their character."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def encodable_tree(value: Any) -> Any:
    """The same for every string of a JSON value, keys included. Raises `RecursionError` when it is too deep."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, list):
        return [encodable_tree(item) for item in value]
    if isinstance(value, dict):
        return {encodable(key): encodable_tree(item) for key, item in value.items()}
    return value


def decoded(text: str | bytes) -> Any:
    """The JSON value of a text, with encodable strings. Raises `ValueError` and `RecursionError`."""
    return encodable_tree(json.loads(text))
