"""Bounds on the structure of a JSON body, checked on its bytes before anything is parsed or validated."""

import re

from shared.errors import TooLarge

#: Levels of nesting, and strings, lists, objects and commas together, that a body may have unless its route says so.
MAX_DEPTH = 16
MAX_TOKENS = 4_000

#: A string to its end, which may be missing, or what opens, closes or separates. Possessive: it never goes back.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)
_OPENS, _CLOSES = b"[{", b"]}"


def check_structure(body: bytes, max_tokens: int = MAX_TOKENS) -> None:
    """Raise `TooLarge` for JSON of more tokens or levels than a body may have; stops at the first one too many."""
    depth = 0
    for number, token in enumerate(_TOKEN.finditer(body), 1):
        if number > max_tokens:
            raise TooLarge(f"the body has too many parts: send at most {max_tokens} strings, lists, objects and commas")
        first = body[token.start() : token.start() + 1]
        depth += (first in _OPENS) - (first in _CLOSES)
        if depth > MAX_DEPTH:
            raise TooLarge(f"the body is nested too deeply: send at most {MAX_DEPTH} levels")
