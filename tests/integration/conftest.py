"""A deployment for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.swarm_world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    built = World(tmp_path / "spaces")
    yield built
    await built.store.close()
