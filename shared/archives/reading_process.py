"""Reads archives in a process of its own, so that what one costs is bounded and nobody else waits for it.

    python -m shared.archives.reading_process ARCHIVE DOCUMENTS

It prints what `read_archive` found, or what is wrong, as one JSON object. Time and memory are limited by the system.
"""

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from shared.archives.read_archive import Contents, read_archive
from shared.errors import InvalidInput, TooLarge, Unavailable

_log = logging.getLogger("swarmstar.archives")

#: Seconds of processor time, seconds in all, and bytes of address space that one archive may take.
CPU_SECONDS = 30
WALL_SECONDS = 90.0
MEMORY = 1 << 30
_TOO_MUCH = "the archive takes too long or too much memory to read"


class _Result(BaseModel):
    contents: Contents | None = None
    error: Literal["InvalidInput", "TooLarge"] | None = None
    message: str = ""


async def read_in_process(source: Path, target: Path) -> Contents:
    """Do what `read_archive` does, in a process of its own; raises the same errors, and `TooLarge` over its limits."""
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", __name__, str(source), str(target)),
            cwd=source.parent,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise Unavailable(f"no process can be started to read the archive ({type(error).__name__})") from error
    try:
        async with asyncio.timeout(WALL_SECONDS):
            said, complaint = await process.communicate()
    except TimeoutError:
        raise TooLarge(_TOO_MUCH) from None
    finally:
        if process.returncode is None:
            process.kill()
        ended = await process.wait()
    if ended < 0 or b"MemoryError" in complaint:  # the system ended it, or gave it no memory
        raise TooLarge(_TOO_MUCH)
    if ended:
        _log.error("the process that reads archives failed: %s", complaint.decode(errors="replace")[-2_000:])
        raise Unavailable("the archive cannot be read now")
    result = _Result.model_validate_json(said)
    if result.contents is None:
        raise (TooLarge if result.error == "TooLarge" else InvalidInput)(result.message)
    return result.contents


def _main(source: Path, target: Path) -> _Result:
    _limit()
    try:
        return _Result(contents=read_archive(source, target))
    except InvalidInput as error:
        kind: Literal["InvalidInput", "TooLarge"] = "TooLarge" if isinstance(error, TooLarge) else "InvalidInput"
        return _Result(error=kind, message=str(error))
    except MemoryError:
        return _Result(error="TooLarge", message=_TOO_MUCH)


def _limit() -> None:
    """Have the system end this process where it takes too much, and let everybody else go first."""
    if sys.platform == "win32":
        return  # which has no such limits; the time in all holds there too
    import resource

    os.nice(10)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.stdout.write(_main(Path(sys.argv[1]), Path(sys.argv[2])).model_dump_json())
