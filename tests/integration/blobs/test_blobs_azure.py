"""What blobs in Azure Blob Storage do besides: names, uploads that end early, a service that is gone or not set up."""

import asyncio
import hashlib
import logging
import random
import tempfile
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from pydantic import SecretStr

from shared.adapters.azure_blob import PIECE, WAVE, AzureBlobs, BlobAccess, provision
from shared.blobs.port import BlobRef
from shared.errors import NotFound, Unavailable
from shared.types import SpaceKey

SPACE = SpaceKey("ada", "first")
NOTHING = BlobRef(sha256="a" * 64, size=1)


@pytest.fixture
async def blobs(blob_access: BlobAccess) -> AsyncIterator[AzureBlobs]:
    blobs = AzureBlobs(blob_access)
    yield blobs
    await blobs.close()


async def names(access: BlobAccess, *, uncommitted: bool = False) -> list[str]:
    """The names of all blobs, with those of which only blocks are there if so wished."""
    async with AsyncExitStack() as stack:
        container = await access.open_client(stack)
        include = ["uncommittedblobs"] if uncommitted else []
        return sorted([blob.name async for blob in container.list_blobs(include=include)])


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_a_blob_is_named_by_its_space_and_hash(blobs: AzureBlobs, blob_access: BlobAccess) -> None:
    for content in (b"text", stream(b"te", b"xt")):
        await blobs.put(SPACE, content, max_bytes=10)
    assert await names(blob_access) == [f"ada_first/{hashlib.sha256(b'text').hexdigest()}"]


async def test_a_stream_that_breaks_never_reaches_the_service(blobs: AzureBlobs, blob_access: BlobAccess) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * PIECE
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await blobs.put(SPACE, breaking(), max_bytes=1 << 30)
    assert await names(blob_access, uncommitted=True) == []


async def test_cancelled_at_any_moment_it_leaves_all_or_nothing(blobs: AzureBlobs, blob_access: BlobAccess) -> None:
    dice = random.Random(3)
    for _ in range(12):
        content = dice.randbytes(3 * PIECE)
        upload = asyncio.create_task(blobs.put(SPACE, stream(content), max_bytes=1 << 30))
        await asyncio.sleep(dice.uniform(0, 0.08))
        upload.cancel()
        await asyncio.gather(upload, return_exceptions=True)
    for name in await names(blob_access):
        ref = BlobRef(sha256=name.removeprefix("ada_first/"), size=3 * PIECE)
        assert hashlib.sha256(await blobs.read(SPACE, ref)).hexdigest() == ref.sha256


async def test_uploads_in_blocks_of_the_same_content_may_meet(blobs: AzureBlobs, blob_access: BlobAccess) -> None:
    content = random.Random(4).randbytes(4 * PIECE + 5)
    other = AzureBlobs(blob_access)
    refs = await asyncio.gather(*(each.put(SPACE, stream(content), max_bytes=1 << 30) for each in (blobs, other) * 4))
    assert len(set(refs)) == 1
    assert await other.read(SPACE, refs[0]) == content
    await other.close()


async def test_a_blob_that_is_removed_and_put_again_while_it_is_read_is_no_mixture(blobs: AzureBlobs) -> None:
    content = b"x" * 3 * PIECE
    ref = await blobs.put(SPACE, content, max_bytes=1 << 30)
    pieces = await blobs.open(SPACE, ref)
    await anext(pieces)
    await blobs.drop(SPACE)
    await blobs.put(SPACE, content, max_bytes=1 << 30)
    with pytest.raises(NotFound):
        async for _ in pieces:
            pass


async def test_a_drop_of_many_goes_in_waves(blobs: AzureBlobs, blob_access: BlobAccess) -> None:
    for number in range(2 * WAVE + 5):
        await blobs.put(SPACE, str(number).encode(), max_bytes=10)
    kept = await blobs.put(SpaceKey("ada", "first-b"), b"kept", max_bytes=10)
    await asyncio.gather(blobs.drop(SPACE), blobs.drop(SPACE))
    assert await names(blob_access) == [f"ada_first-b/{kept.sha256}"]


async def test_setting_up_twice_harms_nothing(blobs: AzureBlobs, blob_access: BlobAccess) -> None:
    ref = await blobs.put(SPACE, b"text", max_bytes=10)
    await provision(blob_access)
    assert await blobs.read(SPACE, ref) == b"text"


async def test_a_disk_that_is_full_is_unavailable(blobs: AzureBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/proc/self")  # where no file can be made
    with pytest.raises(Unavailable) as caught:
        await blobs.put(SPACE, stream(b"x" * 2 * PIECE), max_bytes=1 << 30)
    assert "/proc" not in str(caught.value)


CALLS: list[Callable[[AzureBlobs], Awaitable[object]]] = [
    lambda blobs: blobs.put(SPACE, b"text", max_bytes=10),
    lambda blobs: blobs.put(SPACE, stream(b"x" * 3 * PIECE), max_bytes=1 << 30),
    lambda blobs: blobs.open(SPACE, NOTHING),
    lambda blobs: blobs.read(SPACE, NOTHING),
    lambda blobs: blobs.exists(SPACE, NOTHING),
    lambda blobs: blobs.drop(SPACE),
]


@pytest.mark.parametrize("call", CALLS)
async def test_a_container_that_nobody_made_is_no_missing_blob(
    blob_account: BlobAccess, call: Callable[[AzureBlobs], Awaitable[object]]
) -> None:
    blobs = AzureBlobs(replace(blob_account, container="nobody-made-this"))
    with pytest.raises(Unavailable, match="not been created"):
        await call(blobs)
    await blobs.close()


@pytest.mark.parametrize("call", CALLS)
async def test_a_key_that_is_refused_is_said_and_not_told(
    blob_access: BlobAccess, call: Callable[[AzureBlobs], Awaitable[object]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = "d3JvbmcgYW5kIHN0aWxsIHNlY3JldA=="
    blobs = AzureBlobs(replace(blob_access, key=SecretStr(key)))
    with pytest.raises(Unavailable, match="credential") as caught:
        await call(blobs)
    await blobs.close()
    assert key not in "".join(traceback.format_exception(caught.value)) + caplog.text
    assert "127.0.0.1" not in str(caught.value)


async def test_a_closed_adapter_says_so(blobs: AzureBlobs) -> None:
    await blobs.close()
    await blobs.close()
    with pytest.raises(Unavailable, match="closed"):
        await blobs.exists(SPACE, NOTHING)


async def test_an_account_that_is_not_there_is_unavailable_soon(unused_tcp_port: int) -> None:
    blobs = AzureBlobs(BlobAccess(f"http://127.0.0.1:{unused_tcp_port}/account", SecretStr("a2V5")))
    begin = time.monotonic()
    with pytest.raises(Unavailable):
        await blobs.exists(SPACE, NOTHING)
    assert time.monotonic() - begin < 15
    await blobs.close()
