"""Texts as they lie in files: any encoding, byte order mark and line ends, all of which survive an edit."""

import codecs
import re
from dataclasses import dataclass, replace

from charset_normalizer import from_bytes

from shared.errors import InvalidInput

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LINE_END = re.compile(r"\r\n|\r|\n")
#: Bytes whose encoding is guessed from; the guess must then decode all of the file.
_SAMPLE = 256 * 1024


@dataclass(frozen=True, slots=True)
class TextFile:
    """A decoded file. `encode` gives exactly the bytes it was read from."""

    #: As it lies there, with its own line ends and without the byte order mark.
    text: str
    encoding: str = "utf-8"
    mark: bytes = b""

    @property
    def line_end(self) -> str:
        """The line end it uses most; a newline if it has none."""
        ends = _LINE_END.findall(self.text)
        return max(("\n", "\r\n", "\r"), key=ends.count)

    @property
    def shown(self) -> str:
        """The text with plain newlines, as a model reads it."""
        return _LINE_END.sub("\n", self.text)

    def encode(self) -> bytes:
        """Its bytes; raises `InvalidInput` for a character that its encoding does not have."""
        try:
            return self.mark + self.text.encode(self.encoding)
        except UnicodeEncodeError as error:
            character = self.text[error.start]
            raise InvalidInput(
                f"the file is encoded as {self.encoding}, which has no character {character!r}: write the text without "
                "it, or delete the file and write it anew as UTF-8"
            ) from None

    def rewritten(self, text: str) -> "TextFile":
        """The same file with another text, whose newlines become its line ends."""
        return replace(self, text=self._with_line_ends(text))

    def appended(self, text: str) -> "TextFile":
        """The same file with more text at its end."""
        return replace(self, text=self.text + self._with_line_ends(text))

    def replaced(self, old: str, new: str, occurrences: int = 1) -> "TextFile":
        """The file with `old` replaced by `new`; a newline in `old` stands for any line end.

        Raises `InvalidInput` unless `old` is there exactly `occurrences` times, and says how often it is.
        """
        if not old:
            raise InvalidInput("the text to replace is empty: give the text as it stands in the file")
        pattern = re.compile(r"(?:\r\n|\r|\n)".join(re.escape(part) for part in _LINE_END.split(old)))
        found = sum(1 for _ in pattern.finditer(self.text))
        if found != occurrences:
            raise InvalidInput(_miscounted(found, occurrences))
        inserted = self._with_line_ends(new)
        return replace(self, text=pattern.sub(lambda _: inserted, self.text))

    def _with_line_ends(self, text: str) -> str:
        end = self.line_end
        return text if end == "\n" else _LINE_END.sub(lambda _: end, text)


def _miscounted(found: int, wanted: int) -> str:
    if not found:
        return "the text to replace is not in the file: read it again and copy the text exactly, with its indentation"
    return f"the text to replace is in the file {found} times, not {wanted}: give more of the lines around it"


def decode(content: bytes) -> TextFile | None:
    """The text in a file's bytes, or None for a binary file. Blocks for a moment where the encoding is guessed."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _exactly(content, encoding, mark)
    if b"\0" in content:
        return None
    return _exactly(content, "utf-8", b"") or _guessed(content)


def is_binary(content: bytes) -> bool:
    """Whether a file's bytes are no text."""
    return decode(content) is None


def _exactly(content: bytes, encoding: str, mark: bytes) -> TextFile | None:
    """The text, if encoding it again gives the same bytes."""
    try:
        text = content[len(mark) :].decode(encoding)
        return TextFile(text, encoding, mark) if mark + text.encode(encoding) == content else None
    except UnicodeError:
        return None


def _guessed(content: bytes) -> TextFile | None:
    best = from_bytes(content[:_SAMPLE]).best()
    return None if best is None else _exactly(content, best.encoding, b"")
