"""Writing artifacts to a folder. A model chose their names, so a name decides nothing but a name."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from cli.failures import CliError
from cli.text import clean

#: Parts of a name, and characters of a part, that are kept.
_PARTS = 6
_LENGTH = 100
_UNFIT = re.compile(r'[<>:"|?*\s]+')
#: Tries to find a free name.
_TRIES = 1000


@dataclass(frozen=True, slots=True)
class Saved:
    """Where an artifact lies. `renamed` says it could not have the name it came with."""

    path: Path
    renamed: bool


def safe_name(name: str) -> PurePosixPath:
    """A relative path that cannot leave its folder, hide itself or name a device.

    Folders in the name are kept; `..`, roots, drives, leading dots and characters that file systems refuse are not.
    """
    parts = [_safe_part(part) for part in re.split(r"[/\\]+", clean(name))]
    kept = [part for part in parts if part][-_PARTS:]
    return PurePosixPath(*kept) if kept else PurePosixPath("artifact")


def _safe_part(part: str) -> str:
    part = _UNFIT.sub("_", part.strip()).strip("._ ") if part.strip(". ") else ""
    if len(part) > _LENGTH:
        suffix = PurePosixPath(part).suffix[:10]
        part = part[: _LENGTH - len(suffix)] + suffix
    return f"{part}_" if PureWindowsPath(part).is_reserved() else part


def save(folder: Path, name: str, content: bytes) -> Saved:
    """Write `content` under `folder` without overwriting anything; the same content is not written twice."""
    wanted = folder / safe_name(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _enter(folder, wanted.parent)
        for number in range(1, _TRIES):
            path = wanted if number == 1 else wanted.with_stem(f"{wanted.stem}-{number}")
            if _write(path, content):
                return Saved(path, renamed=path.relative_to(folder).as_posix() != name)
    except OSError as error:
        raise CliError(f"{clean(name)} cannot be saved in {folder}: {error.strerror}") from error
    raise CliError(f"{clean(name)} cannot be saved in {folder}: there are {_TRIES} files of that name.")


def _enter(folder: Path, parent: Path) -> None:
    """Make the folders on the way, and refuse a link that leads out of the target."""
    root = folder.resolve()
    step = folder
    for part in parent.relative_to(folder).parts:
        step /= part
        step.mkdir(exist_ok=True)
        if not step.resolve().is_relative_to(root):
            raise CliError(f"{step} leads out of {folder}; nothing is saved through it.")


def _write(path: Path, content: bytes) -> bool:
    """Whether `path` now holds `content`: it was free, or held just that."""
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        return path.is_file() and not path.is_symlink() and path.read_bytes() == content
    return True
