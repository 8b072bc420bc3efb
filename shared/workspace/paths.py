"""Paths of a workspace: what is refused, what never enters, and what two file systems take for the same.

A path is relative, POSIX, and usable on every system that a user may pull it to. It is kept as it was given; `fold`
says which paths a file system that ignores case and Unicode composition takes for one.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from shared.errors import InvalidInput
from shared.workspace.bounds import MAX_DEPTH, MAX_PATH, MAX_SEGMENT

_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])( *\..*)?", re.IGNORECASE)
_WINDOWS_CHARACTERS = re.compile(r'[<>:"|?*\\]')
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

#: Folders of version control, of tools' caches and of installed packages, and files that systems leave behind.
NEVER_KEPT = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        "__pycache__",
        ".venv",
        ".tox",
        ".nox",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".hypothesis",
        ".ipynb_checkpoints",
        "node_modules",
        ".ds_store",
        "thumbs.db",
        "desktop.ini",
    }
)
_NEVER_KEPT_ENDINGS = (".pyc", ".pyo")


def check_path(path: str) -> str:
    """Return `path` if a workspace can have a file there, else raise `InvalidInput` that names it and says why."""
    fault = _fault(path)
    if fault is not None:
        raise InvalidInput(f"the path {path[:200]!r} {fault}")
    return path


def _fault(path: str) -> str | None:
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        return "is not valid Unicode: rename the file"
    if not path:
        return "is empty: name a file"
    if path.startswith(("/", "~")) or re.match(r"[A-Za-z]:[/\\]", path):
        return "is absolute: give it relative to the workspace"
    if size > MAX_PATH or path.count("/") >= MAX_DEPTH:
        return f"is too long: a path has at most {MAX_PATH} bytes and {MAX_DEPTH} segments"
    return next((fault for segment in path.split("/") if (fault := _segment_fault(segment))), None)


def _segment_fault(segment: str) -> str | None:
    if segment == "..":
        return "climbs out of its folder with '..'"
    if segment in {"", "."}:
        return "has an empty segment: use one '/' between names and none at the ends"
    if _CONTROL.search(segment):
        return "has a control character or a line separator in it"
    if found := _WINDOWS_CHARACTERS.search(segment):
        return f"has the character {found.group()!r}, which Windows does not allow (folders are separated by '/')"
    if segment.endswith((".", " ")):
        return f"has the segment {segment!r}, which ends in a dot or a space; Windows would drop it"
    if _RESERVED.fullmatch(segment):
        return f"has the segment {segment!r}, a device name that is reserved on Windows"
    if len(segment.encode()) > MAX_SEGMENT:
        return f"has a segment of more than {MAX_SEGMENT} bytes"
    return None


def never_kept(path: str) -> str | None:
    """The segment for which a path never enters a workspace, or None."""
    segments = path.split("/")
    found = next((segment for segment in segments if segment.lower() in NEVER_KEPT), None)
    return found or (segments[-1] if segments[-1].lower().endswith(_NEVER_KEPT_ENDINGS) else None)


def check_kept(path: str) -> str:
    """`check_path`, and raise `InvalidInput` for what never enters a workspace."""
    check_path(path)
    found = never_kept(path)
    if found is not None:
        raise InvalidInput(f"the path {path[:200]!r} is not kept: {found!r} is a cache, a repository or installed code")
    return path


def fold(path: str) -> str:
    """The form that is the same for paths which differ only in case or in Unicode composition."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def head_id(path: str) -> str:
    """The key of a path's head: 32 hex digits of the hash of its folded form."""
    return hashlib.sha256(fold(path).encode()).hexdigest()[:32]


@dataclass(slots=True)
class _Folder:
    spelled: str
    #: Files below it, at any depth.
    files: int = 0


class PathIndex:
    """The paths of one tree, which refuses a path that clashes with another."""

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self._files: dict[str, str] = {}
        self._folders: dict[str, _Folder] = {}
        for path in paths:
            self.add(path)

    def copy(self) -> "PathIndex":
        """An index that can be changed without changing this one."""
        made = PathIndex()
        made._files = dict(self._files)
        made._folders = {folded: _Folder(folder.spelled, folder.files) for folded, folder in self._folders.items()}
        return made

    def clash(self, path: str) -> str | None:
        """The path there is that a file at `path` cannot lie beside, or None; the path itself is no clash."""
        folded = fold(path)
        there = self._files.get(folded)
        if there is not None:
            return None if there == path else there
        if folded in self._folders:
            return f"{self._folders[folded].spelled}/"
        for above, spelled in _above(path):
            if above in self._files:
                return self._files[above]
            folder = self._folders.get(above)
            if folder is not None and folder.spelled != spelled:
                return f"{folder.spelled}/"
        return None

    def add(self, path: str) -> None:
        """Add a file; raises `InvalidInput` that names both paths if it clashes."""
        there = self.clash(path)
        if there is not None:
            raise InvalidInput(
                f"the path {path[:200]!r} clashes with {there[:200]!r}: they differ only in case, or one is a file and "
                "the other a folder of its name"
            )
        folded = fold(path)
        if folded in self._files:
            return
        self._files[folded] = path
        for above, spelled in _above(path):
            self._folders.setdefault(above, _Folder(spelled)).files += 1

    def remove(self, path: str) -> None:
        """Remove a file if it is there, with the folders that are empty then."""
        if self._files.get(fold(path)) != path:
            return
        del self._files[fold(path)]
        for above, _ in _above(path):
            folder = self._folders[above]
            folder.files -= 1
            if not folder.files:
                del self._folders[above]


def _above(path: str) -> list[tuple[str, str]]:
    """The folders a path lies in, folded and as they are spelled."""
    at = [index for index, character in enumerate(path) if character == "/"]
    return [(fold(path[:index]), path[:index]) for index in at]
