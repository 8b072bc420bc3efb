"""Writing artifacts to a folder. A model chose their names, so a name decides nothing but a name."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from cli.failures import CliError
from cli.private_files import make_folder, open_private
from cli.text import clean, first_words

#: Parts of a name, and bytes of a part, that are kept: file systems take 255 bytes a part, and some 1,024 in all.
_PARTS = 6
_BYTES = 100
_SUFFIX = 10
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
    if len(part.encode()) > _BYTES:
        suffix = _cut(PurePosixPath(part).suffix, _SUFFIX)
        part = _cut(part, _BYTES - len(suffix.encode())) + suffix
    return f"{part}_" if PureWindowsPath(part).is_reserved() else part


def _cut(text: str, most: int) -> str:
    """The start of a text that has at most so many bytes."""
    return text.encode()[:most].decode(errors="ignore")


def save(folder: Path, name: str, content: bytes) -> Saved:
    """Write `content` under `folder` without overwriting anything; the same content is not written twice.

    Raises `CliError` that names the file, which is then not there.
    """
    wanted = folder / safe_name(name)
    try:
        make_folder(folder)
        _enter(folder, wanted.parent)
        for number in range(1, _TRIES):
            path = wanted if number == 1 else wanted.with_stem(f"{wanted.stem}-{number}")
            if _write(path, content):
                return Saved(path, renamed=path.relative_to(folder).as_posix() != name)
    except OSError as error:
        raise CliError(f"{first_words(name)} cannot be saved in {folder}: {error.strerror}") from error
    raise CliError(f"{first_words(name)} cannot be saved in {folder}: there are {_TRIES} files of that name.")


def _enter(folder: Path, parent: Path) -> None:
    """Make the folders on the way, and refuse a link that leads out of the target."""
    root = folder.resolve()
    step = folder
    for part in parent.relative_to(folder).parts:
        step /= part
        step.mkdir(mode=0o700, exist_ok=True)
        if not step.resolve().is_relative_to(root):
            raise CliError(f"{step} leads out of {folder}; nothing is saved through it.")


def _write(path: Path, content: bytes) -> bool:
    """Whether `path` now holds `content`: it was free, or held just that."""
    try:
        with open(path, "xb", opener=open_private) as file:
            try:
                file.write(content)
                file.flush()
            except BaseException:
                path.unlink()
                raise
    except FileExistsError:
        return path.is_file() and not path.is_symlink() and path.read_bytes() == content
    return True
