"""What a place that holds model files must do, and the ways it can fail."""

import asyncio
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Protocol

from local.models.progress import FetchProgress
from local.models.table import ModelFile

CHUNK = 1024 * 1024


class SourceFailed(Exception):
    """This source cannot hand over the file; the message says why."""


class Source(Protocol):
    """One place that may hold a model file."""

    @property
    def key(self) -> str:
        """The name of its part of the work folder."""

    @property
    def label(self) -> str:
        """What a person calls this place."""

    def room(self, model: ModelFile) -> int:
        """The bytes of disk that a fetch from here takes at most."""

    async def fetch(self, model: ModelFile, work: Path, progress: FetchProgress) -> Path:
        """Leave the file, unchecked, in `work` and return its path; what is there already is not fetched again.

        Raises `SourceFailed`.
        """


def prepare(work: Path) -> int:
    """Make the work folder, and return the bytes that an earlier try left in it."""
    work.mkdir(parents=True, exist_ok=True)
    return bytes_in(work.iterdir())


def bytes_in(paths: Iterable[Path]) -> int:
    """The bytes that those of the paths that are files hold together."""
    return sum(path.stat().st_size for path in paths if path.is_file())


async def run_all(coroutines: Iterable[Coroutine[None, None, None]]) -> None:
    """Run them together; the first that fails ends the others, and its own error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for coroutine in coroutines:
                group.create_task(coroutine)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
