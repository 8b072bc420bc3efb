"""The blob port over a file system, for one machine: `{spaces}/{user_id}_{swarm_id}/blobs/{sha256}`."""

import asyncio
import hashlib
import os
import secrets
import shutil
import sys
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar

from shared.blobs.port import BlobRef
from shared.errors import Conflict, NotFound, TooLarge, Unavailable
from shared.types import SpaceKey

#: The folder in a space's folder.
FOLDER = "blobs"
#: Pieces of a stream are gathered to this many bytes before one trip to the disk, and read in this size.
PIECE = 1 << 20
#: An upload that has not been written to for so many seconds was broken off.
STALE_SECONDS = 3600.0

#: Uploads under way, and folders on their way out. No hash begins with a dot.
_PART = ".part-"
_DROPPED = ".dropped-"
_ATTEMPTS = 5
_MAX_SWEPT = 4096

P = ParamSpec("P")
T = TypeVar("T")


class FilesystemBlobs:
    """Keeps each blob in a file of its own, which appears whole or not at all."""

    def __init__(self, spaces: Path) -> None:
        self._spaces = spaces
        #: Folders this object has rid of what broken uploads left.
        self._swept: set[Path] = set()

    async def put(self, space: SpaceKey, chunks: bytes | AsyncIterable[bytes], *, max_bytes: int) -> BlobRef:
        """Keep content durably, all or nothing; raises `TooLarge` over `max_bytes`."""
        if isinstance(chunks, bytes):
            _check_size(len(chunks), max_bytes)
            chunks = _once(chunks)
        upload = _Upload(self._folder(space))
        try:
            await _in_thread(self._begin, upload)
            async for piece in _gathered(chunks, max_bytes):
                await _in_thread(upload.write, piece)
            return await _in_thread(upload.finish)
        finally:
            upload.abandon()

    async def open(self, space: SpaceKey, ref: BlobRef) -> AsyncIterator[bytes]:
        """The content in pieces of `PIECE` bytes; no file stays open between two of them."""
        path = self._path(space, ref)
        return _pieces(path, await _in_thread(_read, path, 0, PIECE))

    async def read(self, space: SpaceKey, ref: BlobRef) -> bytes:
        """The whole content; raises `NotFound`."""
        return await _in_thread(_read, self._path(space, ref), 0, -1)

    async def exists(self, space: SpaceKey, ref: BlobRef) -> bool:
        """Whether the content is there."""
        return await _in_thread(self._path(space, ref).is_file)

    async def stored(self, space: SpaceKey) -> int:
        """The bytes of all the space's blobs together, without uploads that are under way."""
        return await _in_thread(_stored, self._folder(space))

    async def drop(self, space: SpaceKey) -> None:
        """Remove every blob of the space, and its folder if nothing else is in it."""
        await _in_thread(_drop, self._folder(space))

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _begin(self, upload: "_Upload") -> None:
        upload.begin()
        if upload.folder not in self._swept:
            _remove_stale(upload.folder)
            if len(self._swept) >= _MAX_SWEPT:
                self._swept.clear()
            self._swept.add(upload.folder)

    def _folder(self, space: SpaceKey) -> Path:
        return self._spaces / str(space) / FOLDER

    def _path(self, space: SpaceKey, ref: BlobRef) -> Path:
        return self._folder(space) / ref.sha256


class _Upload:
    """One file on its way in; every method blocks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._part = folder / f"{_PART}{secrets.token_hex(8)}"
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self._size = 0

    def begin(self) -> None:
        """Make the file, and the folders above it."""
        for _ in range(_ATTEMPTS):
            with suppress(FileNotFoundError):  # a drop removed a folder just now
                _make_folders(self.folder)
                self._file = os.fdopen(os.open(self._part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
                return
        raise Conflict("the space is being dropped")

    def write(self, piece: bytes) -> None:
        """Append a piece."""
        assert self._file is not None
        self._file.write(piece)
        self._hash.update(piece)
        self._size += len(piece)

    def finish(self) -> BlobRef:
        """Give the file its name, once its content is on the disk."""
        assert self._file is not None
        ref = BlobRef(sha256=self._hash.hexdigest(), size=self._size)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        try:
            self._part.replace(self.folder / ref.sha256)
            _sync_folder(self.folder)
        except FileNotFoundError:
            raise Conflict("the space was dropped during the upload") from None
        return ref

    def abandon(self) -> None:
        """Remove what is left of an upload that did not finish."""
        if self._file is None:
            return
        with suppress(OSError):  # on a full disk what is buffered cannot be written, and need not be
            self._file.close()
        self._part.unlink(missing_ok=True)


def _make_folders(folder: Path) -> None:
    if folder.is_dir():
        return
    space = folder.parent
    space.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in (space, folder):
        path.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk. Windows cannot and does not need to."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_stale(folder: Path) -> None:
    """Remove uploads that were broken off, which a process that was killed could not do itself."""
    oldest = time.time() - STALE_SECONDS
    for part in folder.glob(f"{_PART}*"):
        with suppress(FileNotFoundError):
            if part.stat().st_mtime < oldest:
                part.unlink()


def _read(path: Path, offset: int, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)
    except FileNotFoundError:
        raise NotFound("there is no such blob") from None


async def _pieces(path: Path, piece: bytes) -> AsyncIterator[bytes]:
    offset = 0
    while piece:
        yield piece
        offset += len(piece)
        piece = await _in_thread(_read, path, offset, PIECE) if len(piece) == PIECE else b""


def _stored(folder: Path) -> int:
    size = 0
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                with suppress(FileNotFoundError):
                    size += entry.stat().st_size
    return size


def _drop(folder: Path) -> None:
    with suppress(FileNotFoundError):  # at once, so that a drop that is killed leaves no half of a space
        folder.rename(folder.with_name(f"{_DROPPED}{secrets.token_hex(8)}"))
    for dropped in folder.parent.glob(f"{_DROPPED}*"):
        shutil.rmtree(dropped, ignore_errors=True)  # two drops may meet here
    with suppress(OSError):  # the store's file lies in it too
        folder.parent.rmdir()


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _gathered(chunks: AsyncIterable[bytes], max_bytes: int) -> AsyncIterator[bytes]:
    """The chunks, put together to pieces worth a trip to the disk."""
    size = 0
    gathered: list[bytes] = []
    waiting = 0
    async for chunk in chunks:
        size += len(chunk)
        _check_size(size, max_bytes)
        gathered.append(chunk)
        waiting += len(chunk)
        if waiting >= PIECE:
            yield b"".join(gathered)
            gathered, waiting = [], 0
    if gathered:
        yield b"".join(gathered)


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise TooLarge(f"the content is over the bound of {max_bytes} bytes")


async def _in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking work off the loop. Whoever is cancelled meanwhile waits for its end, so that it owns its files.

    A disk that fails is `Unavailable`.
    """
    task = asyncio.create_task(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        task.exception()  # seen, and of no interest to who was cancelled
        raise
    except OSError as error:
        raise Unavailable(f"the blob folder cannot serve now ({type(error).__name__})") from error
