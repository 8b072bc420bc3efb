"""The adapters that the workspace's conformance suite runs on: documents and content together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from shared.adapters.filesystem import FilesystemBlobs
from shared.adapters.sqlite import SqliteStore
from tests.integration.blobs.conftest import blob_account, open_azure, open_filesystem
from tests.integration.conformance import adapters
from tests.integration.store.conftest import cosmos_account, open_cosmos, open_sqlite, store_clock
from tests.integration.workspace.workspace_world import WorkspaceWorld

__all__ = ["blob_account", "cosmos_account", "store_clock"]


@pytest.fixture(params=[(open_sqlite, open_filesystem), (open_cosmos, open_azure)], ids=["local", "azure"])
async def any_world(request: pytest.FixtureRequest) -> AsyncIterator[WorkspaceWorld]:
    open_store, open_blobs = request.param
    async with AsyncExitStack() as stack:
        store = (await stack.enter_async_context(adapters(open_store, request)))()
        blobs = (await stack.enter_async_context(adapters(open_blobs, request)))()
        yield WorkspaceWorld(store, blobs)


@pytest.fixture
async def local_world(tmp_path: Path) -> AsyncIterator[WorkspaceWorld]:
    store = SqliteStore(tmp_path / "spaces")
    yield WorkspaceWorld(store, FilesystemBlobs(tmp_path / "spaces"))
    await store.close()
