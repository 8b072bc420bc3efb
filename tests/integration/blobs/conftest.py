"""The adapters that the blobs' conformance suite runs on."""

import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from local.emulators import blob_emulator, node
from shared.adapters.azure_blob import AzureBlobs, BlobAccess, provision
from shared.adapters.filesystem import FilesystemBlobs
from shared.blobs.port import Blobs

#: Opens one more adapter on the same data, as another process would; it is closed at the end of the test.
BlobsFactory = Callable[[], Blobs]


@pytest.fixture(scope="session")
def blob_account() -> Iterator[BlobAccess]:
    """The emulated storage account."""
    if node() is None and not os.environ.get("CI"):
        pytest.skip("the Blob Storage emulator needs Node.js 20 or later")
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
    opened: list[Blobs] = []
    adapter: AbstractAsyncContextManager[BlobsFactory] = request.param(request)
    async with adapter as open_one:

        def factory() -> Blobs:
            opened.append(open_one())
            return opened[-1]

        yield factory
        for blobs in opened:
            await blobs.close()


@pytest.fixture
def blobs(blobs_factory: BlobsFactory) -> Blobs:
    return blobs_factory()
