"""Patches in git's format, which `git apply` takes: text by lines, anything with a NUL byte as a git binary patch."""

import base64
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.workspace.line_merge import LineEdit, line_edits, split_lines

#: Lines shown around a change.
CONTEXT = 3
_NOWHERE = "0" * 40
_LITERAL = 52


@dataclass(frozen=True, slots=True)
class PatchSide:
    """A file before or after, with its content."""

    content: bytes
    executable: bool = False

    @property
    def mode(self) -> str:
        """Git's mode of it."""
        return "100755" if self.executable else "100644"

    @property
    def blob_id(self) -> str:
        """The id git gives the content."""
        header = f"blob {len(self.content)}\0".encode()
        return hashlib.sha1(header + self.content, usedforsecurity=False).hexdigest()


def file_patch(path: str, before: PatchSide | None, after: PatchSide | None) -> bytes:
    """The patch of one path; empty if nothing changed. A side that is None is a file that is not there."""
    if before == after:
        return b""
    name = path.encode()
    lines = [b"diff --git a/%s b/%s\n" % (name, name), *_modes(before, after)]
    was = before.content if before else b""
    now = after.content if after else b""
    if was != now or before is None or after is None:
        ids = (before.blob_id if before else _NOWHERE, after.blob_id if after else _NOWHERE)
        same_mode = f" {after.mode}" if before and after and before.mode == after.mode else ""
        lines.append(f"index {ids[0]}..{ids[1]}{same_mode}\n".encode())
    if was != now:
        lines += _binary(was, now) if b"\0" in was or b"\0" in now else _text(name, before, after)
    return b"".join(lines)


def _modes(before: PatchSide | None, after: PatchSide | None) -> list[bytes]:
    if before is None:
        return [b"new file mode %s\n" % after.mode.encode()] if after else []
    if after is None:
        return [b"deleted file mode %s\n" % before.mode.encode()]
    if before.mode == after.mode:
        return []
    return [b"old mode %s\n" % before.mode.encode(), b"new mode %s\n" % after.mode.encode()]


def _text(name: bytes, before: PatchSide | None, after: PatchSide | None) -> Iterator[bytes]:
    # Without the tab git would take a name with a space in it for a name and a date.
    tab = b"\t" if b" " in name else b""
    yield b"--- a/%s%s\n" % (name, tab) if before else b"--- /dev/null\n"
    yield b"+++ b/%s%s\n" % (name, tab) if after else b"+++ /dev/null\n"
    old = split_lines(before.content) if before else []
    new = split_lines(after.content) if after else []
    for group in _grouped(line_edits(old, new)):
        yield from _hunk(group, old, new)


def _grouped(edits: Sequence[LineEdit[bytes]]) -> Iterator[list[LineEdit[bytes]]]:
    """The edits that share a hunk, because their lines of context meet."""
    group: list[LineEdit[bytes]] = []
    for edit in edits:
        if group and edit.start - group[-1].end > 2 * CONTEXT:
            yield group
            group = []
        group.append(edit)
    if group:
        yield group


def _hunk(edits: Sequence[LineEdit[bytes]], old: Sequence[bytes], new: Sequence[bytes]) -> Iterator[bytes]:
    first, last = edits[0], edits[-1]
    before = min(CONTEXT, first.start)
    start, made_start = first.start - before, first.made_start - before
    end = min(len(old), last.end + CONTEXT)
    made_end = last.made_end + end - last.end
    yield b"@@ -%s +%s @@\n" % (_range(start, end), _range(made_start, made_end))
    at = start
    for edit in edits:
        yield from (_line(b" ", line) for line in old[at : edit.start])
        yield from (_line(b"-", line) for line in old[edit.start : edit.end])
        yield from (_line(b"+", line) for line in new[edit.made_start : edit.made_end])
        at = edit.end
    yield from (_line(b" ", line) for line in old[at:end])


def _range(start: int, end: int) -> bytes:
    """Where a hunk lies: lines count from 1, and an empty range names the line before it."""
    length = end - start
    return f"{start + 1 if length else start},{length}".encode()


def _line(sign: bytes, line: bytes) -> bytes:
    return sign + line if line.endswith(b"\n") else sign + line + b"\n\\ No newline at end of file\n"


def _binary(was: bytes, now: bytes) -> Iterator[bytes]:
    yield b"GIT binary patch\n"
    for content in (now, was):  # forwards, and what undoes it
        yield b"literal %d\n" % len(content)
        packed = zlib.compress(content)
        for start in range(0, len(packed), _LITERAL):
            piece = packed[start : start + _LITERAL]
            length = len(piece)
            yield bytes([64 + length if length <= 26 else 70 + length]) + base64.b85encode(piece, pad=True) + b"\n"
        yield b"\n"
