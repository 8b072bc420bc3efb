"""The app on the embedded host, for one user or for none."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local.scripted import ScriptedModel
from tests.crash.crash_script import rule
from tests.integration.functions.deployed_app import Deployed, serving


@pytest.fixture
async def model_url() -> AsyncIterator[str]:
    async with ScriptedModel(rule) as model:
        yield model.base_url


@pytest.fixture
async def deployed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model_url: str) -> AsyncIterator[Deployed]:
    monkeypatch.setenv("SWARMSTAR_LOCAL_USER", "ada")
    async with serving(monkeypatch, tmp_path, model_url) as started:
        yield started


@pytest.fixture
async def deployed_for_nobody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model_url: str
) -> AsyncIterator[Deployed]:
    monkeypatch.delenv("SWARMSTAR_LOCAL_USER", raising=False)
    async with serving(monkeypatch, tmp_path, model_url) as started:
        yield started
