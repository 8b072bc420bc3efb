"""What differs between two states: a list of paths, and a patch that `git apply` takes."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from shared.errors import TooLarge
from shared.workspace.bounds import MAX_PATCH
from shared.workspace.contents import Contents
from shared.workspace.git_patch import PatchSide, file_patch
from shared.workspace.model import FileContent


@dataclass(frozen=True, slots=True)
class PathDifference:
    """A path that two states do not have in common; None where a state has no file there."""

    path: str
    before: FileContent | None
    after: FileContent | None


def differences(before: Mapping[str, FileContent], after: Mapping[str, FileContent]) -> list[PathDifference]:
    """The paths at which two states differ, in order. A moved file is one deleted and one added."""
    found = []
    for path in sorted({**before, **after}):
        sides = [_plain(state.get(path)) for state in (before, after)]
        if sides[0] != sides[1]:
            found.append(PathDifference(path, *sides))
    return found


def _plain(file: FileContent | None) -> FileContent | None:
    return file and FileContent(sha256=file.sha256, size=file.size, executable=file.executable)


async def patch_pieces(
    before: Mapping[str, FileContent], after: Mapping[str, FileContent], contents: Contents
) -> AsyncIterator[bytes]:
    """The patch from one state to another, path by path. Raises `TooLarge` on the way over `MAX_PATCH`."""
    size = 0
    for difference in differences(before, after):
        sides = [await _side(side, contents) for side in (difference.before, difference.after)]
        piece = await asyncio.to_thread(file_patch, difference.path, *sides)
        size += len(piece)
        if size > MAX_PATCH:
            raise TooLarge(f"the patch would have more than {MAX_PATCH} bytes: read the files as a zip file")
        yield piece


async def _side(file: FileContent | None, contents: Contents) -> PatchSide | None:
    return None if file is None else PatchSide(await contents.read(file), file.executable)
