"""The cache folder, the room on its disk, and the lock."""

import asyncio
import dataclasses
from pathlib import Path

import pytest

from local.models.cache import cache_folder, cached, locked, require_space
from local.models.table import find
from shared.errors import Unavailable


def test_the_environment_moves_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SWARMSTAR_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path / "models"


def test_the_cache_is_in_the_home_folder_otherwise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SWARMSTAR_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "swarmstar" / "models"


def test_a_file_of_another_size_is_not_the_model(tmp_path: Path) -> None:
    model = dataclasses.replace(find(), size=3)
    (tmp_path / model.filename).write_bytes(b"ab")
    assert cached(model, tmp_path) is None
    (tmp_path / model.filename).write_bytes(b"abc")
    assert cached(model, tmp_path) == tmp_path / model.filename


def test_a_disk_without_room_is_refused_with_the_way_out(tmp_path: Path) -> None:
    require_space(tmp_path, 1)
    with pytest.raises(Unavailable, match="SWARMSTAR_CACHE"):
        require_space(tmp_path, 10**18)


async def test_one_holds_the_lock_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "model.lock"
    async with locked(path, wait=1):
        with pytest.raises(Unavailable):
            async with locked(path, wait=0.05, poll=0.01):
                pass
    async with locked(path, wait=0):
        pass


async def test_who_waits_gets_the_lock_when_it_is_free(tmp_path: Path) -> None:
    path, order = tmp_path / "model.lock", []

    async def wait_for_it() -> None:
        async with locked(path, wait=5, poll=0.01):
            order.append("second")

    async with locked(path, wait=1):
        waiting = asyncio.create_task(wait_for_it())
        await asyncio.sleep(0.05)
        order.append("first")
    await waiting
    assert order == ["first", "second"]
