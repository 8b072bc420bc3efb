"""The adapters that the store's conformance suite runs on."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from shared.adapters.sqlite import SqliteStore
from shared.store.port import Store

#: Opens one more store on the same data, as another process would; it is closed at the end of the test.
StoreFactory = Callable[[], Store]


def open_sqlite(folder: Path) -> Store:
    return SqliteStore(folder / "spaces")


@pytest.fixture(params=[open_sqlite])
async def store_factory(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StoreFactory]:
    opened: list[Store] = []

    def factory() -> Store:
        opened.append(request.param(tmp_path))
        return opened[-1]

    yield factory
    for store in opened:
        await store.close()


@pytest.fixture
def store(store_factory: StoreFactory) -> Store:
    return store_factory()
