"""The folder of one run: files are copied in, and what changed is read back without ever following a link."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.sandbox.paths import MAX_DEPTH, path_fault
from shared.sandbox.port import MAX_BYTES, Limits, StopReason

#: Folders and files that programs leave behind and nobody asked for.
_LITTER = frozenset({"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"})
#: Files that are named of those not handed back.
_NAMED = 20
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(slots=True)
class Changes:
    """How the files differ from those handed over."""

    changed: dict[str, bytes] = field(default_factory=dict)
    deleted: frozenset[str] = frozenset()
    left_out: list[str] = field(default_factory=list)

    def leave_out(self, path: str, reason: str) -> None:
        """Name a file that is not handed back."""
        if len(self.left_out) < _NAMED:
            self.left_out.append(f"{ascii(path)[1:-1][:200]}: {reason}")


class WorkFolder:
    """`work`, `tmp` and `dev` of one run, in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.work = root / "work"
        self.tmp = root / "tmp"
        self.dev = root / "dev"
        self.stdin = root / "stdin"
        self._files: Mapping[str, bytes] = {}
        #: Files and folders, and bytes, that were handed over.
        self._began = (0, 0)

    def fill(self, files: Mapping[str, bytes], stdin: bytes) -> None:
        """Copy the files in."""
        for folder in (self.root, self.work, self.tmp, self.dev):
            folder.mkdir(mode=0o700)
        (self.dev / "null").touch()
        self.stdin.write_bytes(stdin)
        made = {self.work}
        for path, content in files.items():
            place = self.work / path
            if place.parent not in made:
                place.parent.mkdir(parents=True, exist_ok=True)
                made.add(place.parent)
            place.write_bytes(content)
        self._files = files
        self._began = _usage(self.work)

    def over(self, limits: Limits) -> StopReason | None:
        """Which limit the files are over."""
        files, size = self._began
        most = files + limits.files
        work, tmp = _usage(self.work, most), _usage(self.tmp, most)
        if work[0] + tmp[0] > most:
            return "files"
        return "disk" if work[1] + tmp[1] - size > limits.disk else None

    def changes(self, limits: Limits) -> Changes:
        """Read back what changed; nothing may be running in the folder any more."""
        found = Changes()
        present: set[str] = set()
        new, room = limits.files, sum(map(len, self._files.values())) + limits.disk
        for path, entry in _walk(self.work):
            if fault := path_fault(path) or _kind_fault(entry):
                found.leave_out(path, fault)
                continue
            present.add(path)
            given = self._files.get(path)
            if given is None and (new := new - 1) < 0:
                found.leave_out(path, "there are too many")
                return found
            content = _read(entry.path, min(room, limits.file_size if given is None else MAX_BYTES))
            if content is None:
                found.leave_out(path, "it is too large, or cannot be read")
            elif content != given:
                room -= len(content)
                found.changed[path] = content
        found.deleted = frozenset(self._files.keys() - present)
        return found

    def remove(self) -> None:
        """Delete everything, however deep."""
        remove_tree(self.root)


def remove_tree(folder: Path) -> None:
    """Delete a tree that may be too deep for `shutil.rmtree`; links in it are not followed."""
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):
        if sys.platform == "win32":
            shutil.rmtree(folder, ignore_errors=True)
        else:
            subprocess.run(["/bin/rm", "-rf", "--", str(folder)], capture_output=True, check=False)  # noqa: S603


def _usage(folder: Path, most: int = 1 << 30) -> tuple[int, int]:
    """Files and folders, and bytes on disk; counted no further than `most`. What is nested too deeply is too many."""
    files = size = 0
    waiting = [(str(folder), 0)]
    while waiting and files <= most:
        place, depth = waiting.pop()
        if depth > 2 * MAX_DEPTH:
            return most + 1, size
        for entry in _entries(place):
            files += 1
            try:
                info = entry.stat(follow_symlinks=False)
            except OSError:
                continue  # it is gone again
            if stat.S_ISDIR(info.st_mode):
                waiting.append((entry.path, depth + 1))
            else:
                size += max(info.st_size if sys.platform == "win32" else info.st_blocks * 512, 0)
    return files, size


def _entries(place: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(place) as found:
            return list(found)
    except OSError:
        return []


def _walk(folder: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Every entry that is no folder, by its relative path, in order; links are entries like others."""
    waiting = [("", str(folder))]
    while waiting:
        prefix, place = waiting.pop()
        for entry in sorted(_entries(place), key=lambda one: one.name):
            path = prefix + entry.name
            if entry.name in _LITTER or entry.name.endswith(".pyc"):
                continue
            if not entry.is_dir(follow_symlinks=False):
                yield path, entry
            elif path.count("/") < MAX_DEPTH:
                waiting.append((f"{path}/", entry.path))


def _kind_fault(entry: os.DirEntry[str]) -> str | None:
    if entry.is_symlink():
        return "it is a link"
    return None if entry.is_file(follow_symlinks=False) else "it is not a regular file"


def _read(path: str, most: int) -> bytes | None:
    """The content of a regular file of `most` bytes at most, or None."""
    try:
        opened = os.open(path, os.O_RDONLY | _NO_FOLLOW)
    except OSError:
        return None
    with os.fdopen(opened, "rb") as file:
        if os.fstat(opened).st_size > most:
            return None
        content = file.read(most + 1)
    return content if len(content) <= most else None
