"""Files and folders that only their owner may read, whatever the umask: they hold a user's work."""

import os
from pathlib import Path


def open_private(path: str, flags: int) -> int:
    """An `opener` for `open()` that makes files with mode 0600."""
    return os.open(path, flags, 0o600)


def set_private_umask() -> None:
    """Have this process and those it starts make every file for this user alone; for programs, when they begin."""
    os.umask(0o077)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it with mode 0700; those that exist stay as they are."""
    if not folder.is_dir():
        if not folder.parent.is_dir():
            make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
