"""What blobs in a file system do besides: files, modes, sudden ends."""

import asyncio
import hashlib
import os
import random
import signal
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.adapters.filesystem import STALE_SECONDS, FilesystemBlobs
from shared.adapters.sqlite import FILE_NAME, SqliteStore
from shared.blobs.port import BlobRef
from shared.errors import Conflict, TooLarge, Unavailable
from shared.store.port import Category
from shared.types import SpaceKey

SPACE = SpaceKey("ada", "first")
PROCESS = Path(__file__).with_name("blobs_process.py")


@pytest.fixture
def spaces(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "spaces"


@pytest.fixture
def blobs(spaces: Path) -> FilesystemBlobs:
    return FilesystemBlobs(spaces)


def below(path: Path) -> list[str]:
    return sorted(str(found.relative_to(path)) for found in path.rglob("*"))


async def test_a_blob_is_one_file_named_by_its_hash(blobs: FilesystemBlobs, spaces: Path) -> None:
    ref = await blobs.put(SPACE, b"text", max_bytes=10)
    await blobs.put(SPACE, b"text", max_bytes=10)
    assert below(spaces) == ["ada_first", "ada_first/blobs", f"ada_first/blobs/{ref.sha256}"]
    assert (spaces / "ada_first" / "blobs" / ref.sha256).read_bytes() == b"text"


async def test_files_are_for_this_user_alone(blobs: FilesystemBlobs, spaces: Path) -> None:
    previous = os.umask(0)
    try:
        await blobs.put(SPACE, b"text", max_bytes=10)
    finally:
        os.umask(previous)
    for path in (spaces, *(spaces / name for name in below(spaces))):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


async def test_what_writes_nothing_creates_nothing(blobs: FilesystemBlobs, spaces: Path) -> None:
    assert not await blobs.exists(SPACE, BlobRef(sha256="a" * 64, size=1))
    with pytest.raises(TooLarge):
        await blobs.put(SPACE, b"text", max_bytes=1)
    await blobs.drop(SPACE)
    assert below(spaces.parent) == []


async def test_an_upload_that_fails_leaves_no_file(blobs: FilesystemBlobs, spaces: Path) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield b"x" * 3_000_000
        assert len(below(spaces)) == 3  # it is on its way to the disk
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await blobs.put(SPACE, breaking(), max_bytes=1 << 30)
    assert below(spaces) == ["ada_first", "ada_first/blobs"]


async def test_cancelled_at_any_moment_it_leaves_no_file(blobs: FilesystemBlobs, spaces: Path) -> None:
    dice = random.Random(3)
    for _ in range(15):
        upload = asyncio.create_task(blobs.put(SPACE, dice.randbytes(2_000_000), max_bytes=1 << 30))
        await asyncio.sleep(dice.uniform(0, 0.01))
        upload.cancel()
        done = (await asyncio.gather(upload, return_exceptions=True))[0]
        assert isinstance(done, asyncio.CancelledError | BlobRef)
    assert not [name for name in below(spaces) if "part" in name]


async def test_a_broken_upload_is_cleaned_up_when_it_is_old(spaces: Path) -> None:
    await FilesystemBlobs(spaces).put(SPACE, b"text", max_bytes=10)
    home = spaces / "ada_first" / "blobs"
    old, young = home / ".part-old", home / ".part-young"
    for part in (old, young):
        part.write_bytes(b"half")
    long_ago = young.stat().st_mtime - STALE_SECONDS - 10
    for path in home.iterdir():
        if path != young:
            os.utime(path, (long_ago, long_ago))
    await FilesystemBlobs(spaces).put(SPACE, b"other", max_bytes=10)
    assert not old.exists()
    assert young.exists()
    assert len(below(home)) == 3


async def test_a_drop_during_an_upload_is_a_conflict(blobs: FilesystemBlobs, spaces: Path) -> None:
    async def dropping() -> AsyncIterator[bytes]:
        yield b"x" * 3_000_000
        await blobs.drop(SPACE)
        await blobs.put(SPACE, b"new", max_bytes=10)
        yield b"y"

    with pytest.raises(Conflict):
        await blobs.put(SPACE, dropping(), max_bytes=1 << 30)
    assert below(spaces)[2:] == [f"ada_first/blobs/{hashlib.sha256(b'new').hexdigest()}"]


async def test_a_drop_that_was_killed_is_finished_by_the_next(blobs: FilesystemBlobs, spaces: Path) -> None:
    await blobs.put(SPACE, b"text", max_bytes=10)
    (spaces / "ada_first" / "blobs").rename(spaces / "ada_first" / ".dropped-before")
    await blobs.drop(SPACE)
    assert below(spaces) == []


async def test_a_space_s_documents_and_blobs_are_dropped_apart(blobs: FilesystemBlobs, spaces: Path) -> None:
    store = SqliteStore(spaces)
    ref = await blobs.put(SPACE, b"text", max_bytes=10)
    await store.put(SPACE, Category.ARTIFACT, "0", "{}")
    await store.drop(SPACE)
    assert await blobs.exists(SPACE, ref)
    await store.put(SPACE, Category.ARTIFACT, "0", "{}")
    await blobs.drop(SPACE)
    assert await store.get(SPACE, Category.ARTIFACT, "0") is not None
    assert (spaces / "ada_first" / FILE_NAME).exists()
    await store.drop(SPACE)
    assert below(spaces) == []
    await store.close()


async def test_a_disk_that_fails_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable) as caught:
        await FilesystemBlobs(tmp_path / "file").put(SPACE, b"x", max_bytes=10)
    assert str(tmp_path) not in str(caught.value)


async def test_after_a_kill_every_blob_is_whole(blobs: FilesystemBlobs, spaces: Path) -> None:
    dice = random.Random(5)
    acknowledged: list[BlobRef] = []
    for _ in range(6):
        process = await asyncio.create_subprocess_exec(sys.executable, PROCESS, spaces, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        lines = await asyncio.wait_for(process.stdout.readline(), 30)
        await asyncio.sleep(dice.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        lines += (await process.communicate())[0]
        for line in lines.decode().splitlines():
            sha256, size = line.split()
            acknowledged.append(BlobRef(sha256=sha256, size=int(size)))
    for ref in acknowledged:
        assert len(await blobs.read(SPACE, ref)) == ref.size
    whole = [path for path in (spaces / "ada_first" / "blobs").iterdir() if not path.name.startswith(".")]
    assert len(whole) >= len(acknowledged) >= 6
    assert all(hashlib.sha256(path.read_bytes()).hexdigest() == path.name for path in whole)
