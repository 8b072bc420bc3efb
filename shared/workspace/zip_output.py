"""A state as a zip file, in pieces of bounded size; the same state gives the same file."""

import asyncio
import zipfile
from collections.abc import AsyncIterator, Mapping

from shared.errors import TooLarge
from shared.workspace.bounds import MAX_ZIP
from shared.workspace.contents import Contents
from shared.workspace.model import FileContent

#: The date of every entry.
_DATE = (1980, 1, 1, 0, 0, 0)
#: Bytes that are gathered before they are handed on.
_PIECE = 1 << 18


class _Sink:
    """Takes what the zip file writes, which never goes back, and hands it on."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self.waiting = 0

    def write(self, data: bytes) -> int:
        self._size += len(data)
        self.waiting += len(data)
        if self._size > MAX_ZIP:
            raise TooLarge(f"the zip file would have more than {MAX_ZIP} bytes: read the files one by one")
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is held open."""

    def take(self) -> bytes:
        taken, self._parts, self.waiting = b"".join(self._parts), [], 0
        return taken


async def zip_pieces(files: Mapping[str, FileContent], contents: Contents) -> AsyncIterator[bytes]:
    """The zip file of some files, by path. Raises `TooLarge` on the way over `MAX_ZIP`."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            content = await contents.read(files[path])
            await asyncio.to_thread(archive.writestr, _entry(path, executable=files[path].executable), content)
            if sink.waiting >= _PIECE:
                yield sink.take()
    yield sink.take()


def _entry(path: str, *, executable: bool) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path, _DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3  # the mode below is that of a POSIX system
    info.external_attr = (0o100755 if executable else 0o100644) << 16
    return info
