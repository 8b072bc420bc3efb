"""What every blob adapter does, whatever it is made of."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable

import pytest
from pydantic import ValidationError

from shared.blobs.port import BlobRef, Blobs
from shared.errors import NotFound, TooLarge
from shared.types import SpaceKey

SPACE = SpaceKey("ada", "first")
MEGABYTE = 1_000_000


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def breaking(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    raise ConnectionResetError("the sender went away")


async def read_all(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


def ref_of(content: bytes) -> BlobRef:
    return BlobRef(sha256=hashlib.sha256(content).hexdigest(), size=len(content))


@pytest.mark.parametrize("content", [b"", b"\0", b"a" * 100, bytes(range(256)) * 20_000], ids=len)
async def test_what_was_put_is_read(blobs: Blobs, content: bytes) -> None:
    ref = await blobs.put(SPACE, content, max_bytes=10 * MEGABYTE)
    assert ref == ref_of(content)
    assert await blobs.read(SPACE, ref) == content
    assert await read_all(await blobs.open(SPACE, ref)) == content
    assert await blobs.exists(SPACE, ref)


@pytest.mark.parametrize(
    "chunks",
    [(), (b"",), (b"a", b"", b"b"), (b"x" * 3_000_000, b"y"), (b"z" * 1000,) * 5000, (b"w" * (1 << 20),) * 2],
    ids=["none", "empty", "small", "large", "many", "even"],
)
async def test_a_stream_is_kept_as_one(blobs: Blobs, chunks: tuple[bytes, ...]) -> None:
    ref = await blobs.put(SPACE, stream(*chunks), max_bytes=10 * MEGABYTE)
    assert ref == ref_of(b"".join(chunks))
    assert await read_all(await blobs.open(SPACE, ref)) == b"".join(chunks)


async def test_pieces_are_of_bounded_size(blobs: Blobs) -> None:
    ref = await blobs.put(SPACE, b"x" * 9 * MEGABYTE, max_bytes=10 * MEGABYTE)
    assert max([len(piece) async for piece in await blobs.open(SPACE, ref)]) <= 4 * MEGABYTE


async def test_what_is_not_there_is_not_found(blobs: Blobs) -> None:
    ref = ref_of(b"never put")
    for attempt in (blobs.read, blobs.open):
        with pytest.raises(NotFound):
            await attempt(SPACE, ref)
    assert not await blobs.exists(SPACE, ref)


async def test_a_bound_is_exact(blobs: Blobs) -> None:
    for content in (b"x" * 11, stream(b"x" * 10, b"x"), stream(b"x" * 2 * MEGABYTE)):
        with pytest.raises(TooLarge):
            await blobs.put(SPACE, content, max_bytes=10)
    assert not await blobs.exists(SPACE, ref_of(b"x" * 11))
    await blobs.put(SPACE, b"x" * 10, max_bytes=10)
    await blobs.put(SPACE, stream(b"x" * 10), max_bytes=10)


async def test_a_stream_over_the_bound_is_read_no_further(blobs: Blobs) -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1000
            yield b"x" * 1000

    with pytest.raises(TooLarge):
        await blobs.put(SPACE, endless(), max_bytes=50_000)
    assert given == 51_000


async def test_a_stream_that_breaks_leaves_nothing(blobs: Blobs) -> None:
    with pytest.raises(ConnectionResetError):
        await blobs.put(SPACE, breaking(b"x" * 3 * MEGABYTE), max_bytes=10 * MEGABYTE)
    assert not await blobs.exists(SPACE, ref_of(b"x" * 3 * MEGABYTE))


async def test_an_upload_that_is_cancelled_leaves_nothing(blobs: Blobs) -> None:
    started = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"x" * 3 * MEGABYTE
        started.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(blobs.put(SPACE, slow(), max_bytes=10 * MEGABYTE))
    await started.wait()
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert not await blobs.exists(SPACE, ref_of(b"x" * 3 * MEGABYTE))


async def test_the_same_content_many_times_at_once_is_one_blob(blobs_factory: Callable[[], Blobs]) -> None:
    content = b"same" * 500_000
    adapters = [blobs_factory() for _ in range(4)]
    refs = await asyncio.gather(*(each.put(SPACE, content, max_bytes=MEGABYTE * 3) for each in adapters * 3))
    assert set(refs) == {ref_of(content)}
    assert await adapters[0].read(SPACE, refs[0]) == content


async def test_nothing_of_another_space_is_visible(blobs: Blobs) -> None:
    mine, other = SpaceKey("a", "b-c"), SpaceKey("a-b", "c")
    ref = await blobs.put(mine, b"secret", max_bytes=100)
    assert not await blobs.exists(other, ref)
    with pytest.raises(NotFound):
        await blobs.read(other, ref)
    with pytest.raises(NotFound):
        await blobs.open(other, ref)


async def test_drop_removes_one_space_and_no_other(blobs_factory: Callable[[], Blobs]) -> None:
    blobs, also = blobs_factory(), blobs_factory()
    dropped, kept = SpaceKey("a", "b-c"), SpaceKey("a-b", "c")
    refs = [await blobs.put(dropped, b"x" * size, max_bytes=100) for size in range(5)]
    await blobs.put(kept, b"x", max_bytes=100)
    await also.drop(dropped)
    assert not any([await blobs.exists(dropped, ref) for ref in refs])
    assert await blobs.read(kept, ref_of(b"x")) == b"x"
    await blobs.drop(dropped)
    await blobs.drop(SpaceKey("never", "was"))
    await blobs.put(dropped, b"again", max_bytes=100)
    assert await also.read(dropped, ref_of(b"again")) == b"again"


async def test_what_a_space_stores_is_added_up(blobs: Blobs) -> None:
    mine, other = SpaceKey("a", "b-c"), SpaceKey("a-b", "c")
    assert await blobs.stored(mine) == 0
    for content in (b"", b"x" * 10, b"x" * 10, b"y" * 2_000_000):
        await blobs.put(mine, content, max_bytes=3 * MEGABYTE)
    await blobs.put(other, b"z" * 7, max_bytes=100)
    with pytest.raises(ConnectionResetError):
        await blobs.put(mine, breaking(b"w" * 3 * MEGABYTE), max_bytes=10 * MEGABYTE)
    assert await blobs.stored(mine) == 2_000_010
    assert await blobs.stored(other) == 7
    await blobs.drop(mine)
    assert await blobs.stored(mine) == 0


async def test_a_blob_that_goes_while_it_is_read_is_an_error_and_no_short_content(blobs: Blobs) -> None:
    content = b"x" * 9 * MEGABYTE
    pieces = await blobs.open(SPACE, await blobs.put(SPACE, content, max_bytes=10 * MEGABYTE))
    await anext(pieces)
    await blobs.drop(SPACE)
    with pytest.raises(NotFound):
        await read_all(pieces)


@pytest.mark.parametrize("sha256", ["", "../" * 21 + "x", "A" * 64, "a" * 63, "a" * 65, "a" * 64 + "\n", "g" * 64])
def test_only_a_hash_makes_a_reference(sha256: str) -> None:
    with pytest.raises(ValidationError):
        BlobRef(sha256=sha256, size=1)


async def test_close_can_be_called(blobs: Blobs) -> None:
    await blobs.put(SPACE, b"x", max_bytes=1)
    await blobs.close()
