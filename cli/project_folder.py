"""A folder on this machine as the files of a project, chosen as git would choose them, without secrets."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pathspec import GitIgnoreSpec

from cli.failures import CliError
from cli.secret_files import LOOKED_AT, secret_content, secret_name
from shared.errors import InvalidInput, TooLarge
from shared.workspace.intake import IncomingFile, IntakePaths, LeftOut
from shared.workspace.paths import never_kept

#: Entries of folders that are looked at before a folder is taken for one that no project is.
MAX_LOOKED_AT = 200_000
#: Folders between a project and the root of its repository.
_MAX_ABOVE = 40
#: Files that make a folder a virtual environment.
_ENVIRONMENT = ("pyvenv.cfg", "conda-meta")


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """A file that is sent; its content is read when it is."""

    path: str
    source: Path
    size: int
    executable: bool


@dataclass
class ProjectFolder:
    """What a folder holds for a workspace."""

    files: list[ProjectFile] = field(default_factory=list)
    #: By rule, with the reason: ignored, secrets, links, caches, environments. A folder stands for all in it.
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of all files that are sent."""
        return sum(file.size for file in self.files)

    def contents(self) -> Iterator[IncomingFile]:
        """The files with their contents, one after another. Raises `CliError` for one that changed meanwhile."""
        for file in self.files:
            try:
                content = file.source.read_bytes()
            except OSError as error:
                raise CliError(f"{file.source} cannot be read any more: {error.strerror}") from None
            if len(content) != file.size:
                raise CliError(f"{file.source} changed while the project was read: try again")
            yield IncomingFile(file.path, content, file.executable)


def read_folder(folder: Path, allowed: Collection[str] = ()) -> ProjectFolder:
    """Choose the files of a project; `allowed` names paths that are sent although they look like a secret.

    Raises `CliError` for what is no folder, for a path that a workspace cannot have, and over a workspace's bounds.
    """
    if not folder.is_dir():
        raise CliError(f"{folder} is no folder: name the project's")
    try:
        return _Reader(folder, frozenset(allowed)).read()
    except (InvalidInput, TooLarge) as error:
        raise CliError(f"{folder}: {error}; or name it in .gitignore") from None
    except OSError as error:
        raise CliError(f"{error.filename or folder} cannot be read: {error.strerror}") from None


class _Reader:
    def __init__(self, folder: Path, allowed: frozenset[str]) -> None:
        self._folder = folder
        self._allowed = allowed
        self._found = ProjectFolder()
        self._paths = IntakePaths()
        self._looked_at = 0

    def read(self) -> ProjectFolder:
        folders = [("", _rules_above(self._folder))]
        while folders:
            folders += self._read(*folders.pop())
        self._found.files.sort(key=lambda file: file.path)
        self._found.left_out.sort(key=lambda left: left.path)
        return self._found

    def _read(self, folder: str, rules: "_Rules") -> list[tuple[str, "_Rules"]]:
        """Choose the files of one folder; the folders in it that are to be read, with the rules that hold there."""
        here = self._folder / folder
        rules = rules.with_folder(here)
        inner = []
        with os.scandir(here) as entries:
            for entry in entries:
                self._looked_at += 1
                if self._looked_at > MAX_LOOKED_AT:
                    raise TooLarge(f"it holds more than {MAX_LOOKED_AT} files and folders: name a smaller one")
                path = f"{folder}/{entry.name}" if folder else entry.name
                if self._is_folder(entry, path, rules):
                    inner.append((path, rules))
        return inner

    def _is_folder(self, entry: "os.DirEntry[str]", path: str, rules: "_Rules") -> bool:
        """Whether an entry is a folder to be read; a file is chosen here, or left out."""
        if entry.is_symlink():
            return self._leave_out(path, "it is a symbolic link")
        if never_kept(entry.name):
            return self._leave_out(path, "it is a cache, a repository or installed code")
        is_folder = entry.is_dir(follow_symlinks=False)
        if rules.ignore(Path(entry.path), is_folder=is_folder):
            return self._leave_out(path, "it is ignored by .gitignore")
        if is_folder:
            if any((Path(entry.path) / name).exists() for name in _ENVIRONMENT):
                return self._leave_out(path, "it is a virtual environment")
            return True
        if not entry.is_file(follow_symlinks=False):
            return self._leave_out(path, "it is no regular file")
        self._choose(entry, path)
        return False

    def _choose(self, entry: "os.DirEntry[str]", path: str) -> None:
        if path not in self._allowed:
            if secret_name(path):
                self._leave_out(path, "its name is that of a file with secrets")
                return
            with open(entry.path, "rb") as file:
                kind = secret_content(file.read(LOOKED_AT))
            if kind is not None:
                self._leave_out(path, f"it seems to hold {kind}")
                return
        status = entry.stat(follow_symlinks=False)
        if self._paths.take(path, status.st_size):
            executable = os.name == "posix" and bool(status.st_mode & 0o100)
            self._found.files.append(ProjectFile(path, Path(entry.path), status.st_size, executable))

    def _leave_out(self, path: str, reason: str) -> bool:
        self._found.left_out.append(LeftOut(path, reason))
        return False


@dataclass(frozen=True)
class _Rules:
    """The ignore files that hold in a folder, the outermost first."""

    specs: tuple[tuple[Path, GitIgnoreSpec], ...] = ()

    def with_folder(self, folder: Path) -> "_Rules":
        spec = _spec(folder / ".gitignore")
        return self if spec is None else _Rules((*self.specs, (folder, spec)))

    def ignore(self, path: Path, *, is_folder: bool) -> bool:
        """Whether the innermost rule about a path ignores it; the folders above it are not ignored."""
        for folder, spec in reversed(self.specs):
            relative = path.relative_to(folder).as_posix() + ("/" if is_folder else "")
            found = spec.check_file(relative).include
            if found is not None:
                return found
        return False


def _rules_above(folder: Path) -> _Rules:
    """The rules of the repository that a folder lies in, its own file not among them."""
    folder = folder.absolute()
    above = [folder, *folder.parents][:_MAX_ABOVE]
    root = next((index for index, parent in enumerate(above) if (parent / ".git").exists()), None)
    if root is None:
        return _Rules()
    exclude = _spec(above[root] / ".git" / "info" / "exclude")
    rules = _Rules() if exclude is None else _Rules(((above[root], exclude),))
    for parent in reversed(above[1 : root + 1]):
        rules = rules.with_folder(parent)
    return rules


def _spec(file: Path) -> GitIgnoreSpec | None:
    try:
        return GitIgnoreSpec.from_lines(file.read_text(encoding="utf-8", errors="replace").splitlines())
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
