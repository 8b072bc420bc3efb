"""A process that uploads without end, for `test_blobs_filesystem.py`: `blobs_process.py SPACES`."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from shared.adapters.filesystem import FilesystemBlobs
from shared.types import SpaceKey


async def content(turn: int) -> AsyncIterator[bytes]:
    for number in range(8):
        yield f"{turn} {number} ".encode() * 50_000


async def main() -> None:
    blobs = FilesystemBlobs(Path(sys.argv[1]))
    for turn in range(1_000_000):
        ref = await blobs.put(SpaceKey("ada", "first"), content(turn + os.getpid() * 1000), max_bytes=1 << 30)
        os.write(1, f"{ref.sha256} {ref.size}\n".encode())


asyncio.run(main())
