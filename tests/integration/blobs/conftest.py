"""The adapters that the blobs' conformance suite runs on."""

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from local.emulators import blob_emulator
from shared.adapters.azure_blob import AzureBlobs, BlobAccess, provision
from shared.adapters.filesystem import FilesystemBlobs
from shared.blobs.port import Blobs
from tests.integration.conformance import adapters, need_emulator

#: Opens one more adapter on the same data, as another process would; it is closed at the end of the test.
BlobsFactory = Callable[[], Blobs]


@pytest.fixture(scope="session")
def blob_account() -> Iterator[BlobAccess]:
    """The emulated storage account."""
    need_emulator("Blob Storage")
    with blob_emulator() as emulator:
        yield BlobAccess(emulator.endpoint, SecretStr(emulator.key))


@pytest.fixture
async def blob_access(blob_account: BlobAccess) -> BlobAccess:
    """An empty container."""
    access = replace(blob_account, container=f"test-{secrets.token_hex(8)}")
    await provision(access)
    return access


@asynccontextmanager
async def open_filesystem(request: pytest.FixtureRequest) -> AsyncIterator[BlobsFactory]:
    folder: Path = request.getfixturevalue("tmp_path")
    yield lambda: FilesystemBlobs(folder / "spaces")


@asynccontextmanager
async def open_azure(request: pytest.FixtureRequest) -> AsyncIterator[BlobsFactory]:
    account: BlobAccess = request.getfixturevalue("blob_account")
    access = replace(account, container=f"test-{secrets.token_hex(8)}")
    await provision(access)
    yield lambda: AzureBlobs(access)


@pytest.fixture(params=[open_filesystem, open_azure])
async def blobs_factory(request: pytest.FixtureRequest) -> AsyncIterator[BlobsFactory]:
    async with adapters(request.param, request) as factory:
        yield factory


@pytest.fixture
def blobs(blobs_factory: BlobsFactory) -> Blobs:
    return blobs_factory()
