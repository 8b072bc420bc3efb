"""What an endpoint says about a request that failed, in whichever form it says so."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared.llm.encodable import decoded, encodable

#: How much of an error's text is looked at, in characters.
_READ = 4_000
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_HIDDEN = re.compile(r"<(script|style|head)\b.*?</\1>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]+>")
#: Codes of faults that pass, in the words of several providers.
_PASSING = re.compile(
    r"rate.?limit|too.?many|overload|capacity|busy|timed?.?out|timeout|unavailable|server.?error|internal|try.?again",
    re.IGNORECASE,
)
_PASSING_STATUS = frozenset({408, 409, 425, 429})


@dataclass(frozen=True, slots=True)
class Told:
    """An error in the endpoint's own words."""

    message: str = ""
    #: Its code or, without one, its type.
    code: str = ""
    #: The parameter that it is about.
    param: str = ""

    @property
    def passes(self) -> bool:
        """Whether its code is of a fault that another try may not meet."""
        if self.code.isdecimal() and len(self.code) <= 3:
            return int(self.code) in _PASSING_STATUS or int(self.code) >= 500
        return _PASSING.search(self.code) is not None

    @property
    def words(self) -> str:
        """All that it says, in lower case."""
        return f"{self.message} {self.code} {self.param}".lower()


def told_by(body: bytes) -> Told:
    """What the body of a failed response says: JSON in any of the usual forms, a proxy's HTML, or plain text."""
    try:
        value = decoded(body)
    except (ValueError, RecursionError):
        return Told(message=_plain(body))
    return told_in(value) or Told()


def told_in(value: Any) -> Told | None:
    """The error in a decoded body, or None where there is none."""
    if isinstance(value, str):
        return Told(message=value) if value.strip() else None
    if isinstance(value, list):
        return _joined([told for told in map(told_in, value[:8]) if told])
    if not isinstance(value, dict):
        return None
    for key in ("error", "errors", "detail", "details"):
        if value.get(key) and (inner := told_in(value[key])):
            return Told(inner.message, inner.code or _text(value.get("code")), inner.param or _text(value.get("param")))
    message = _first(value, ("message", "msg", "error_description", "title"))
    code = _first(value, ("code", "status", "type"))
    param = _text(value.get("param")) or ".".join(map(_text, _location(value)))
    return Told(message, code, param) if message or code else None


def _joined(found: list[Told]) -> Told | None:
    if not found:
        return None
    return Told("; ".join(told.message for told in found), found[0].code, found[0].param)


def _first(value: dict[str, Any], keys: tuple[str, ...]) -> str:
    return next((text for key in keys if (text := _text(value.get(key)))), "")


def _text(value: Any) -> str:
    return str(value)[:_READ] if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _location(value: dict[str, Any]) -> Iterator[Any]:
    """The path of a field that a validating server complains about, `["body", "max_tokens"]`."""
    place = value.get("loc")
    return (part for part in (place if isinstance(place, list) else ()) if part != "body")


def _plain(body: bytes) -> str:
    text = encodable(body[: 8 * _READ].decode("utf-8", "replace"))
    if "<" in text and (title := _TITLE.search(text)):
        return _squeezed(html.unescape(title[1]))
    return _squeezed(html.unescape(_TAG.sub(" ", _HIDDEN.sub(" ", text))))


def _squeezed(text: str) -> str:
    return " ".join(text.split())[:_READ]
