"""Rows made durable in SQLite, as many in one commit as wait for it: WAL, `synchronous=NORMAL`, as this project's."""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

_Row = tuple[str, str, str, str]


class GroupCommit:
    """Keeps the latest row of each node."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[tuple[_Row, asyncio.Future[None]]] = []
        self._thread = ThreadPoolExecutor(1)
        self._writer: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        await self._loop.run_in_executor(self._thread, self._open)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._loop.run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    async def keep(self, node_id: str, status: str, directive: str, report: str) -> None:
        """Return once the row is durable."""
        stored: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append(((node_id, status, directive, report), stored))
        if self._writer is None:
            self._writer = self._loop.create_task(self._write())
        await stored

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await self._loop.run_in_executor(self._thread, self._commit, [row for row, _ in batch])
            for _, stored in batch:
                stored.set_result(None)
        self._writer = None

    def _open(self) -> None:
        self._db = sqlite3.connect(self._path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS node (id TEXT PRIMARY KEY, status TEXT, directive TEXT, report TEXT)"
        )

    def _close(self) -> None:
        self._db.close()

    def _commit(self, rows: list[_Row]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("INSERT OR REPLACE INTO node VALUES (?, ?, ?, ?)", rows)
        self._db.execute("COMMIT")
