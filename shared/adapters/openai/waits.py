"""How long to wait for an endpoint: what it asks for in a header or in words, or else an exponential backoff."""

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: The longest wait an endpoint may ask for, in seconds.
MAX_WAIT = 120.0
#: The first wait where it asks for none.
FIRST_WAIT = 2.0
#: Numbers above this are a time and no duration: seconds, or milliseconds, since 1970.
_EPOCH = 1e9
_EPOCH_MS = 1e12

_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_IN_WORDS = re.compile(
    r"(?:try again|retry|wait)\D{0,24}?"
    r"((?:\d+(?:\.\d+)?h)?(?:\d+(?:\.\d+)?m)?\d+(?:\.\d+)?\s?(?:ms|s)\b|\d+(?:\.\d+)?(?=\s*sec))",
    re.IGNORECASE,
)
_RESET = re.compile(r"ratelimit-(?:reset|.*-reset)|ratelimit-reset-")


def asked_wait(headers: Mapping[str, str], message: str = "") -> float | None:
    """The seconds an endpoint asks to be left alone, from 0 to `MAX_WAIT`; None if it does not say.

    It says so in `retry-after-ms`, `Retry-After` (seconds, a duration or a date), `x-ratelimit-reset-*` and the like,
    or in its message.
    """
    waits = (
        _milliseconds(headers.get("retry-after-ms")),
        _milliseconds(headers.get("x-ms-retry-after-ms")),
        _seconds(headers.get("retry-after")),
        _reset(headers),
        _in_words(message),
    )
    wait = next((wait for wait in waits if wait is not None), None)
    return None if wait is None else min(max(wait, 0.0), MAX_WAIT)


def _milliseconds(value: str | None) -> float | None:
    number = _number(value)
    return None if number is None else number / 1_000


def _number(value: str | None) -> float | None:
    with suppress(TypeError, ValueError):
        number = float(value or "")
        return number if number == number else None
    return None


def _seconds(value: str | None) -> float | None:
    """Seconds from a number, a time since 1970, a duration such as `1m30s`, or a date."""
    number = _number(value)
    if number is not None:
        return _from_epoch(number)
    text = (value or "").strip()
    match = _DURATION.fullmatch(text.replace(" ", "").lower())
    if match and any(match.groups()):
        hours, minutes, seconds, milliseconds = (float(part or 0) for part in match.groups())
        return hours * 3_600 + minutes * 60 + seconds + milliseconds / 1_000
    return _until(text)


def _from_epoch(number: float) -> float:
    if number > _EPOCH_MS:
        number /= 1_000
    return number - time.time() if number > _EPOCH else number


def _until(date: str) -> float | None:
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        with suppress(TypeError, ValueError):
            when = parse(date)
            return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - time.time()
    return None


def _reset(headers: Mapping[str, str]) -> float | None:
    """When the limit that is used up begins anew; of several that may be, the latest."""
    resets = {name.lower(): wait for name, wait in _resets(headers)}
    used_up = [wait for name, wait in resets.items() if _number(headers.get(name.replace("reset", "remaining"))) == 0]
    return max(used_up or resets.values(), default=None)


def _resets(headers: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    for name, value in headers.items():
        if _RESET.search(name.lower()) and (wait := _seconds(value)) is not None:
            yield name, wait


def _in_words(message: str) -> float | None:
    match = _IN_WORDS.search(message)
    return _seconds(match[1].replace(" ", "")) if match else None


class Backoff:
    """The wait of an endpoint that refuses and does not say for how long: it doubles while that goes on.

    Calls that are refused together are refused once: the wait grows only when it was waited out in vain.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, jitter: Callable[[], float] = random.random
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._wait = 0.0
        self._since = 0.0

    def refused(self) -> float:
        """The seconds to wait after a refusal: three quarters to five quarters of the present wait."""
        now = self._clock()
        if not self._wait or now - self._since >= self._wait * 0.75:
            self._wait = min(self._wait * 2 or FIRST_WAIT, MAX_WAIT)
            self._since = now
        return min(self._wait * (0.75 + self._jitter() / 2), MAX_WAIT)

    def answered(self, started: float) -> None:
        """Begin anew, unless the call that was answered had started before the last refusal."""
        if started >= self._since:
            self._wait = 0.0
