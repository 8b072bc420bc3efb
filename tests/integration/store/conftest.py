"""The adapters that the store's conformance suite runs on."""

import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from local.emulators import cosmos_emulator, node
from shared.adapters.azure_client import is_loopback
from shared.adapters.cosmos import CosmosAccess, CosmosStore
from shared.adapters.cosmos.provision import provision, remove
from shared.adapters.sqlite import SqliteStore
from shared.store.port import Store

#: Opens one more store on the same data, as another process would; it is closed at the end of the test.
StoreFactory = Callable[[], Store]


@pytest.fixture(scope="session")
def cosmos_account() -> Iterator[CosmosAccess]:
    """The account that `COSMOS_ENDPOINT` and `COSMOS_KEY` name, or else the emulator."""
    if endpoint := os.environ.get("COSMOS_ENDPOINT"):
        key = os.environ.get("COSMOS_KEY")
        yield CosmosAccess(endpoint, SecretStr(key) if key else None, emulator=is_loopback(endpoint))
        return
    if node() is None and not os.environ.get("CI"):
        pytest.skip("the Cosmos DB emulator needs Node.js 20 or later")
    with cosmos_emulator() as emulator:
        yield CosmosAccess(emulator.endpoint, SecretStr(emulator.key), emulator=True)


@asynccontextmanager
async def open_sqlite(request: pytest.FixtureRequest) -> AsyncIterator[StoreFactory]:
    folder: Path = request.getfixturevalue("tmp_path")
    yield lambda: SqliteStore(folder / "spaces")


@asynccontextmanager
async def open_cosmos(request: pytest.FixtureRequest) -> AsyncIterator[StoreFactory]:
    async with container_in(request.getfixturevalue("cosmos_account")) as access:
        yield lambda: CosmosStore(access)


@asynccontextmanager
async def container_in(account: CosmosAccess) -> AsyncIterator[CosmosAccess]:
    """A container of its own for one test."""
    access = replace(account, database="swarmstar-test", container=f"test-{secrets.token_hex(8)}")
    await provision(access)
    yield access
    await remove(access)


@pytest.fixture
async def cosmos_access(cosmos_account: CosmosAccess) -> AsyncIterator[CosmosAccess]:
    async with container_in(cosmos_account) as access:
        yield access


@pytest.fixture(params=[open_sqlite, open_cosmos])
async def store_factory(request: pytest.FixtureRequest) -> AsyncIterator[StoreFactory]:
    opened: list[Store] = []
    adapter: AbstractAsyncContextManager[StoreFactory] = request.param(request)
    async with adapter as open_one:

        def factory() -> Store:
            opened.append(open_one())
            return opened[-1]

        yield factory
        for store in opened:
            await store.close()


@pytest.fixture
def store(store_factory: StoreFactory) -> Store:
    return store_factory()
