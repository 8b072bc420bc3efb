"""Where a host that is killed keeps its state, and how to look at it from outside: files, or emulators that live on."""

import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from shared.adapters.sqlite import FILE_NAME, SqliteStore
from shared.llm.journal import JournalEntry
from shared.node.journal import log_documents
from shared.store import Store
from shared.types import SpaceKey


@dataclass(frozen=True)
class Keeping:
    """The state of one deployment."""

    spaces: Path
    #: The app's settings of a store that is no folder; empty for files.
    settings: Mapping[str, str]

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Store]:
        """The store itself, while no host works on it or beside one."""
        store = self._store()
        try:
            yield store
        finally:
            await store.close()

    def _store(self) -> Store:
        if not self.settings:
            return SqliteStore(self.spaces)
        from shared.adapters.cosmos import CosmosAccess, CosmosStore  # not loaded where state lies in files

        endpoint, key = self.settings["SWARMSTAR_COSMOS_ENDPOINT"], self.settings["SWARMSTAR_COSMOS_KEY"]
        return CosmosStore(CosmosAccess(endpoint, SecretStr(key), emulator=True))

    async def journalled(self, space: SpaceKey, folder: Path) -> set[str]:
        """The step keys whose model calls are written down, as a kill left them.

        Files are read from a copy in `folder`: opening them would mend what the kill left.
        """
        if self.settings:
            async with self.opened() as store:
                entries = [entry async for entry in log_documents(store).all(space)]
        else:
            entries = self._entries(space, folder)
        return {f"{space.user_id}/{space.swarm_id}/{entry.node_id}/{entry.step}" for entry in entries}

    def _entries(self, space: SpaceKey, folder: Path) -> list[JournalEntry]:
        file = self.spaces / str(space) / FILE_NAME
        with copied(file, folder) as copy, closing(sqlite3.connect(copy)) as db:
            rows = db.execute("SELECT value FROM document WHERE category = 'node_log'").fetchall()
        return [JournalEntry.model_validate_json(value) for (value,) in rows]


@contextmanager
def copied(file: Path, folder: Path) -> Iterator[Path]:
    """A copy of a SQLite file with its log, so that looking at it changes nothing."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in (file, file.with_name(file.name + "-wal")):
        if path.exists():
            shutil.copy(path, folder)
    yield folder / file.name
    shutil.rmtree(folder)


def leftovers(state: Path, folder: Path) -> list[str]:
    """What a host still has to do or did not do well, in words, by a copy of its state file in `folder`."""
    with copied(state, folder) as copy, closing(sqlite3.connect(copy)) as db:
        counts = {t: db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("inbox", "work", "timers")}
        failed = db.execute("SELECT name, status, output FROM instances WHERE status <> 'Completed'").fetchall()
    found = [f"the host's table {table} has {count} rows" for table, count in counts.items() if count]
    return found + [f"an orchestration {name} is {status}: {output}" for name, status, output in failed]
