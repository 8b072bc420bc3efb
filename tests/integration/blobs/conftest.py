"""The adapters that the blobs' conformance suite runs on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from shared.adapters.filesystem import FilesystemBlobs
from shared.blobs.port import Blobs


def open_filesystem(folder: Path) -> Blobs:
    return FilesystemBlobs(folder / "spaces")


@pytest.fixture(params=[open_filesystem])
def blobs_factory(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Blobs]:
    """Opens one more adapter on the same data, as another process would."""
    return lambda: request.param(tmp_path)


@pytest.fixture
def blobs(blobs_factory: Callable[[], Blobs]) -> Blobs:
    return blobs_factory()
