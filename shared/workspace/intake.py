"""Files that a user hands over: which are taken, which are left out, and which refuse the whole.

Left out, and named with the reason: caches, repositories and installed code, and whatever the reader of a folder or of
a zip file leaves out (symbolic links, what looks like a secret). Refused by name: paths that no workspace can have,
paths that clash, more files or bytes than the bounds, texts over theirs.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from shared.errors import InvalidInput
from shared.workspace.bounds import IN_FLIGHT
from shared.workspace.contents import Contents
from shared.workspace.model import FileContent
from shared.workspace.paths import PathIndex, check_path, never_kept
from shared.workspace.tree import check_bounds

#: Bytes of files whose contents are being kept at the same time.
_BATCH_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """One file on its way in."""

    path: str
    content: bytes
    executable: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that does not enter, and why."""

    path: str
    reason: str


class IntakePaths:
    """The paths of an intake and its bounds, before any content is read."""

    def __init__(self) -> None:
        self.left_out: list[LeftOut] = []
        self._index = PathIndex()
        self._there: set[str] = set()
        self._size = 0

    def take(self, path: str, size: int) -> bool:
        """Whether a file enters; raises `InvalidInput` or `TooLarge` if the whole is refused for it."""
        check_path(path)
        found = never_kept(path)
        if found is not None:
            self.left_out.append(LeftOut(path, f"{found} is a cache, a repository or installed code"))
            return False
        if path in self._there:
            raise InvalidInput(f"the path {path[:200]!r} is there twice: leave one out")
        self._index.add(path)
        self._there.add(path)
        self._size += size
        check_bounds(len(self._there), self._size)
        return True


class Intake:
    """Files whose contents are kept, for `Workspace.hand_over`."""

    def __init__(self, contents: Contents) -> None:
        self.files: dict[str, FileContent] = {}
        self.paths = IntakePaths()
        self._contents = contents

    @property
    def left_out(self) -> list[LeftOut]:
        """The files that did not enter."""
        return self.paths.left_out

    async def add_all(self, files: Iterable[IncomingFile]) -> None:
        """Keep the contents of files, which may come from an iterator that reads them one after another."""
        following = iter(files)
        while batch := await asyncio.to_thread(self._batch, following):
            kept = await asyncio.gather(
                *(self._contents.keep(file.content, executable=file.executable) for file in batch)
            )
            self.files.update((file.path, content) for file, content in zip(batch, kept, strict=True))

    def _batch(self, files: "Iterable[IncomingFile]") -> list[IncomingFile]:
        batch: list[IncomingFile] = []
        size = 0
        for file in files:
            if self.paths.take(file.path, len(file.content)):
                batch.append(file)
                size += len(file.content)
            if len(batch) == IN_FLIGHT or size > _BATCH_BYTES:
                break
        return batch
