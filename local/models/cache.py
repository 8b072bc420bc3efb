"""Where model files are kept, and the lock that lets one process fetch at a time."""

import asyncio
import hashlib
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from local.models.table import ModelFile
from shared.errors import Unavailable

if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: BinaryIO) -> None:
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try_lock(handle: BinaryIO) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


#: Room left free on the disk beyond what a fetch needs.
SPARE_BYTES = 256 * 1024 * 1024


def cache_folder() -> Path:
    """`$SWARMSTAR_CACHE/models`, or `~/.cache/swarmstar/models`."""
    root = os.environ.get("SWARMSTAR_CACHE")
    return (Path(root).expanduser() if root else Path.home() / ".cache" / "swarmstar") / "models"


def cached(model: ModelFile, folder: Path | None = None) -> Path | None:
    """The model's file if it is in the cache; only files whose hash was checked get that name."""
    path = (folder or cache_folder()) / model.filename
    return path if path.is_file() and path.stat().st_size == model.size else None


def sha256_of(path: Path) -> str:
    """The hex SHA-256 of a file of any size."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def require_space(folder: Path, needed: int) -> None:
    """Raise `Unavailable` unless `folder`'s disk has room for `needed` bytes and some to spare."""
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE_BYTES:
        raise Unavailable(
            f"not enough room in {folder}: {(needed + SPARE_BYTES) / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free; "
            "make room or set SWARMSTAR_CACHE to a folder on another disk"
        )


@asynccontextmanager
async def locked(path: Path, wait: float, poll: float = 0.2) -> AsyncIterator[None]:
    """Hold the lock file `path`; the system lets go of it when the process ends, however it ends.

    Raises `Unavailable` when another process still holds it after `wait` seconds.
    """
    deadline = time.monotonic() + wait
    with path.open("ab") as handle:
        while True:
            try:
                _try_lock(handle)
                break
            except OSError as error:
                if time.monotonic() >= deadline:
                    raise Unavailable(f"another process holds {path}") from error
                await asyncio.sleep(poll)
        yield
