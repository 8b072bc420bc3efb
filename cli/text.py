"""Words, times and amounts as the command writes them."""

import re
import unicodedata
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

#: Unicode's controls (C0 and C1), format characters (marks that reorder, join or hide) and halves of surrogates.
_STEERING = frozenset({"Cc", "Cf", "Cs"})
#: The block of tags and further variation selectors, which spell text that nobody sees; Unicode names only part of it.
_UNSEEN = range(0xE0000, 0xE1000)
_LINE_ENDS = re.compile("\r\n|\u2028|\u2029")


def clean(text: str) -> str:
    """Text that a model, a user or a server wrote, without what would steer the terminal it is shown on."""
    return "".join(character for character in _LINE_ENDS.sub("\n", text) if _is_harmless(character))


def _is_harmless(character: str) -> bool:
    if character in "\n\t":
        return True
    return unicodedata.category(character) not in _STEERING and ord(character) not in _UNSEEN


def first_words(text: str, width: int = 80) -> str:
    """The start of a text on one line, at most `width` characters."""
    line = " ".join(clean(text[: width * 8]).split())
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def short_action(action_id: str) -> str:
    """An action's own name without its folders: `coding.write_python` reads `write python`."""
    return first_words(action_id.rsplit(".", 1)[-1].replace("_", " "), 40)


def duration(seconds: float) -> str:
    """`8 s`, `2:05` or `1:02:05`; a clock that is off never shows less than nothing."""
    whole = max(0, int(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"


def clock(moment: datetime) -> str:
    """A moment as local time of day."""
    return moment.astimezone().strftime("%H:%M:%S")


def soon(moment: datetime) -> str:
    """A moment as local time of day, with its date unless that is today."""
    today = datetime.now().astimezone().date()
    return clock(moment) if moment.astimezone().date() == today else day_and_clock(moment)


def day_and_clock(moment: datetime) -> str:
    """A moment as local date and time of day."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def in_zone(moment: datetime, zone: str) -> str:
    """A moment as date and time of day in a zone, which is named; in UTC where the zone is not known here."""
    try:
        known = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known, zone = ZoneInfo("UTC"), "UTC"
    return f"{moment.astimezone(known):%Y-%m-%d %H:%M} {clean(zone)}"


def count(number: int, noun: str) -> str:
    """`1 node`, `2 nodes`, `12 300 tokens`."""
    return f"{number:,} {noun}".replace(",", " ") + ("" if number == 1 else "s")


def size(amount: int) -> str:
    """Bytes as a person reads them."""
    if amount < 1024:
        return f"{amount} B"
    return f"{amount / 1024:.1f} KiB" if amount < 1024 * 1024 else f"{amount / 1024 / 1024:.1f} MiB"
