"""The key of a deployment's one user on this machine: made once, kept in a file that only its owner may read."""

import os
from pathlib import Path

from cli.private_files import make_folder
from shared.tenancy.api_keys import new_secret


def local_key(path: Path) -> str:
    """The key in a file, made if there is none. Raises `OSError`."""
    make_folder(path.parent)
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        file = os.open(path, os.O_RDWR)
        os.fchmod(file, 0o600)
    with os.fdopen(file, "r+", encoding="ascii") as kept:
        key = kept.read().strip()
        if not key:
            key = ".".join(new_secret())
            kept.write(f"{key}\n")
    return key
