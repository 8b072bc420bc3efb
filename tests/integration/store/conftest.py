"""The adapters that the store's conformance suite runs on."""

import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from local.emulators import cosmos_emulator
from shared.adapters.azure_client import is_loopback
from shared.adapters.cosmos import CosmosAccess, CosmosStore
from shared.adapters.cosmos.provision import provision, remove
from shared.adapters.sqlite import SqliteStore
from shared.store.port import Store
from tests.integration.conformance import adapters, need_emulator

#: Opens one more store on the same data, as another process would; it is closed at the end of the test.
StoreFactory = Callable[[], Store]


@dataclass
class StoreClock:
    """The seconds since 1970 by which the stores of a test expire documents; it stands still unless it is moved."""

    now: float

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store_clock() -> StoreClock:
    return StoreClock(time.time())


@pytest.fixture(scope="session")
def cosmos_account() -> Iterator[CosmosAccess]:
    """The account that `COSMOS_ENDPOINT` and `COSMOS_KEY` name, or else the emulator."""
    if endpoint := os.environ.get("COSMOS_ENDPOINT"):
        key = os.environ.get("COSMOS_KEY")
        yield CosmosAccess(endpoint, SecretStr(key) if key else None, emulator=is_loopback(endpoint))
        return
    need_emulator("Cosmos DB")
    with cosmos_emulator() as emulator:
        yield CosmosAccess(emulator.endpoint, SecretStr(emulator.key), emulator=True)


@asynccontextmanager
async def open_sqlite(request: pytest.FixtureRequest) -> AsyncIterator[StoreFactory]:
    folder: Path = request.getfixturevalue("tmp_path")
    clock: StoreClock = request.getfixturevalue("store_clock")
    yield lambda: SqliteStore(folder / "spaces", clock=clock)


@asynccontextmanager
async def open_cosmos(request: pytest.FixtureRequest) -> AsyncIterator[StoreFactory]:
    clock: StoreClock = request.getfixturevalue("store_clock")
    async with container_in(request.getfixturevalue("cosmos_account")) as access:
        yield lambda: CosmosStore(access, clock=clock)


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
    async with adapters(request.param, request) as factory:
        yield factory


@pytest.fixture
def store(store_factory: StoreFactory) -> Store:
    return store_factory()
