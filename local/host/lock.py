"""An exclusive lock of the operating system on the host's state file."""

import os
import sys
from pathlib import Path
from typing import IO

from cli.private_files import open_private


class StateInUse(Exception):
    """Another host process works on the same state file."""


class StateLock:
    """Held by one host at a time; the system releases it when the process ends, however it ends."""

    def __init__(self, state: Path) -> None:
        self._path = state.with_name(state.name + ".lock")
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock or raise `StateInUse` at once."""
        descriptor = open_private(str(self._path), os.O_RDWR | os.O_CREAT | os.O_APPEND)
        file = os.fdopen(descriptor, "a+", encoding="ascii")
        try:
            _lock(file)
        except OSError:
            file.seek(0)
            holder = file.read(20).strip() or "unknown"
            file.close()
            raise StateInUse(
                f"another host (process {holder}) already uses {self._path.with_suffix('')}; "
                "stop it, or give this one its own --state file"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give the lock back. Does nothing if it is not held."""
        if self._file is not None:
            self._file.close()
            self._file = None


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> None:
        # Far behind the text, so that another process can still read who holds it.
        file.seek(1 << 20)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: IO[str]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
