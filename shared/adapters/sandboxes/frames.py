"""Frames between the app and a worker process: a kind, a length, a payload. Standard library only."""

import struct
from typing import BinaryIO, Final

#: A piece of the program's output or errors, and the end of a run as JSON.
STDOUT: Final = b"o"
STDERR: Final = b"e"
RESULT: Final = b"r"
#: The worker has confined itself and waits for a run; its payload says with what, as JSON.
READY: Final = b"y"

MAX_PAYLOAD = 1 << 20
_HEADER = struct.Struct(">cI")


def write_frame(stream: BinaryIO, kind: bytes, payload: bytes) -> None:
    """Write a payload, in as many frames as it takes."""
    for start in range(0, max(len(payload), 1), MAX_PAYLOAD):
        piece = payload[start : start + MAX_PAYLOAD]
        stream.write(_HEADER.pack(kind, len(piece)) + piece)
    stream.flush()


def read_frame(stream: BinaryIO) -> tuple[bytes, bytes] | None:
    """Read one frame; None at the end of the stream, and for a frame that is too large to be one."""
    header = stream.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    kind, size = _HEADER.unpack(header)
    if size > MAX_PAYLOAD:
        return None
    payload = stream.read(size)
    return (kind, payload) if len(payload) == size else None
