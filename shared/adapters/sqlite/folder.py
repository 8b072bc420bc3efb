"""The folder of spaces: where a space's file lies, and the lock under which files come and go."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shared.errors import Unavailable

if sys.platform != "win32":
    import fcntl
    import resource

#: The file of one space, in its own folder.
FILE_NAME = "swarm_default_kv_store.db"
#: Seconds to wait for other processes, in one go, before the caller is told to come back.
PATIENCE = 20.0

#: SQLite keeps its log and the index of the log beside the file.
_COMPANIONS = ("-wal", "-shm")
#: The fewest and the most spaces that are open at once unless told otherwise; each caches up to 1 MiB.
_FEWEST, _MOST = 64, 512


def affordable() -> int:
    """How many spaces may be open at once: three files of each, and most of the files are left for connections."""
    if sys.platform == "win32":
        return _MOST
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if files == resource.RLIM_INFINITY else min(_MOST, max(_FEWEST, files // 8))


@contextmanager
def changing(spaces: Path) -> Iterator[None]:
    """Hold the right to make, open, close or remove files of spaces, against every thread and process.

    It keeps a process from opening one generation of a space's file beside the log of another. The lock is the
    kernel's, so it ends with its holder. Windows refuses to remove an open file, which does the same.
    """
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(spaces, os.O_RDONLY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + PATIENCE
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise Unavailable("another process is holding the folder of spaces", retry_after=1.0)
            time.sleep(0.002)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, for this user alone."""
    if not folder.is_dir():
        if not folder.parent.is_dir():
            make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def make_file(path: Path) -> None:
    """Make an empty file for this user alone, unless there is one; SQLite gives its companions the same mode.

    A file that exists is not opened: closing it would end SQLite's own locks on it within this process.
    """
    if not path.exists():
        make_folder(path.parent)
        _remove(path, _COMPANIONS)  # left over when a drop was killed halfway
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def remove_file(path: Path) -> None:
    """Remove a space's file with its companions, and the folder if nothing else is in it."""
    _remove(path, ("", *_COMPANIONS))
    with suppress(OSError):  # blobs lie in it too, or another drop was first
        path.parent.rmdir()


def _remove(path: Path, endings: tuple[str, ...]) -> None:
    for ending in endings:
        Path(f"{path}{ending}").unlink(missing_ok=True)
