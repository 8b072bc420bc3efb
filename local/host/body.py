"""Request bodies: a small one is held in memory; a large one waits on disk until it is its function's turn."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

#: Bytes above which a body is large.
HELD = 1 << 20


class BodyTooLarge(Exception):
    """The request's body is over the limit."""


async def read_body(request: web.BaseRequest, limit: int) -> bytes:
    """The whole body. Raises `BodyTooLarge` as soon as it is known to be over `limit` bytes."""
    return b"".join([part async for part in _parts(request, limit)])


class Bodies:
    """Takes in bodies, few large ones of which are in memory at once: a function wants its body whole."""

    def __init__(self, limit: int, at_once: int) -> None:
        """`limit` is in bytes; `at_once` bounds the large bodies whose functions run side by side."""
        self._limit = limit
        self._turns = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def of(self, request: web.BaseRequest) -> AsyncIterator[bytes]:
        """The body of a request while its function runs; raises `BodyTooLarge`."""
        held: list[bytes] = []
        size = 0
        parts = _parts(request, self._limit)
        async for part in parts:
            held.append(part)
            size += len(part)
            if size > HELD:
                break
        if size <= HELD:
            yield b"".join(held)
            return
        with tempfile.TemporaryFile() as file:
            while held:
                await asyncio.to_thread(file.writelines, held)
                held = await _some(parts)
            file.seek(0)
            async with self._turns:
                yield await asyncio.to_thread(file.read)


async def _some(parts: AsyncIterator[bytes]) -> list[bytes]:
    """The next parts, about `HELD` bytes of them; none at the end."""
    held: list[bytes] = []
    size = 0
    while size < HELD and (part := await anext(parts, b"")):
        held.append(part)
        size += len(part)
    return held


async def _parts(request: web.BaseRequest, limit: int) -> AsyncIterator[bytes]:
    """The body as it arrives."""
    if (request.content_length or 0) > limit:
        raise BodyTooLarge(f"The body may have {limit} bytes at most.")
    if not request.can_read_body:
        return
    size = 0
    async for part in request.content.iter_any():
        size += len(part)
        if size > limit:
            raise BodyTooLarge(f"The body may have {limit} bytes at most.")
        yield part
