"""Child processes that end with the block that started them."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Seconds a child may take to say that it listens, and to end.
_START = 60.0
_END = 15.0


@asynccontextmanager
async def child(*command: str, env: dict[str, str] | None = None) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process with its input and output as pipes; it is asked to end at the end of the block, then made to."""
    pipe = asyncio.subprocess.PIPE
    whole = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=ROOT, env=whole)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _END)
        if process.returncode is None:
            process.kill()
            await process.wait()


async def listening(process: asyncio.subprocess.Process) -> str:
    """The URL in the line by which a process says that it listens; raises `RuntimeError` if it ends instead."""
    assert process.stdout is not None
    async with asyncio.timeout(_START):
        while line := await process.stdout.readline():
            if found := re.match(rb"Listening on (\S+)", line):
                return found.group(1).decode()
    raise RuntimeError("the process ended before it listened; its error is above")


@asynccontextmanager
async def stub() -> AsyncIterator[str]:
    """The stub model in its own process; its base URL."""
    command = (sys.executable, "-m", "local.scripted", "--rules", "bench.rules:rule")
    async with child(*command) as process:
        yield await listening(process) + "/v1"
