"""A process of its own on the same spaces, for `test_store_sqlite.py`: `store_process.py SPACES WHAT [ARGUMENT]`."""

import asyncio
import json
import os
import sys
from pathlib import Path

from shared.adapters.sqlite import SqliteStore
from shared.store.port import Category
from shared.types import SpaceKey

SPACE = SpaceKey("ada", "first")


async def count(store: SqliteStore, times: str) -> None:
    """Take numbers and say which."""
    taken = [await store.increment(SPACE, Category.SWARM_HISTORY, "n") for _ in range(int(times))]
    os.write(1, json.dumps(taken).encode())


async def write(store: SqliteStore, name: str) -> None:
    """Write without end and say what was acknowledged, one line a write."""

    async def one(key: str) -> None:
        await store.put(SPACE, Category.SWARM_STATE, key, json.dumps({"key": key, "text": key * 1000}))
        os.write(1, f"{key}\n".encode())

    for turn in range(1_000_000):
        await asyncio.gather(*(one(f"{name}.{turn}.{number}") for number in range(20)))


async def churn(store: SqliteStore, name: str) -> None:
    """Write, read and drop many spaces that other processes write, read and drop too."""
    for turn in range(40):
        space = SpaceKey("ada", f"s{turn % 5}")
        key = f"{name}.{turn}"
        await store.put(space, Category.SWARM_STATE, key, json.dumps(key))
        found = await store.get(space, Category.SWARM_STATE, key)
        assert found is None or found.value == json.dumps(key)
        for item in (await store.scan(space, Category.SWARM_STATE)).items:
            assert item.value == json.dumps(item.key)
        if turn % 7 == 3:
            await store.drop(space)


async def main() -> None:
    spaces, what, argument = sys.argv[1:]
    store = SqliteStore(Path(spaces), max_open=3)
    await {"count": count, "write": write, "churn": churn}[what](store, argument)
    await store.close()


asyncio.run(main())
