"""Bounded capture of a program's output."""

#: A program that writes so many times what is kept, and so many bytes besides, is stopped.
_PATIENCE = 8
_SPARE = 1 << 20


def most_written(kept: int) -> int:
    """Bytes that a program may write to one stream of which `kept` are kept."""
    return _PATIENCE * kept + _SPARE


class Capture:
    """Keeps the beginning and the end of a stream."""

    def __init__(self, keep: int) -> None:
        self._head_room = keep // 2
        self._tail_room = keep - self._head_room
        self._head = bytearray()
        self._tail = bytearray()
        #: Bytes written in all.
        self.written = 0
        self._most = most_written(keep)

    def add(self, piece: bytes) -> bool:
        """Take a piece; False once more was written than a program may write."""
        self.written += len(piece)
        room = self._head_room - len(self._head)
        self._head += piece[:room]
        self._tail += piece[room:] if room > 0 else piece
        if len(self._tail) > 2 * self._tail_room:
            del self._tail[: -self._tail_room]
        return self.written <= self._most

    @property
    def truncated(self) -> bool:
        """Whether something was left out."""
        return self.written > self._head_room + self._tail_room

    def text(self) -> str:
        """What was kept, as text; a line in the middle says what was left out."""
        tail = bytes(self._tail[-self._tail_room :])
        if not self.truncated:
            return (bytes(self._head) + tail).decode("utf-8", "replace")
        left_out = self.written - len(self._head) - len(tail)
        head = bytes(self._head).decode("utf-8", "replace")
        return f"{head}\n[... {left_out:,} bytes left out ...]\n{tail.decode('utf-8', 'replace')}"
