"""All durable state in one SQLite file, written in batches.

Everything noted between two commits goes into one transaction. The engine notes a whole step at a time, on the
loop, and commits run as callbacks of their own, so a transaction always holds whole steps. What must not happen
before its cause is stored waits for `after_commit`.

The connection belongs to the loop. In WAL mode with synchronous=NORMAL a commit is a few writes into the page cache;
a thread would cost more in hand-overs of the interpreter lock than it saves. What can block, the checkpoint,
runs in a thread on a connection of its own. A killed process loses nothing that was committed; a power cut may lose
the last commits, but never tears one.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli.private_files import make_folder
from local.host.durable.model import Instance, Message
from local.host.durable.schema import (
    ADD_TOTAL,
    FORMAT,
    INSERT_INSTANCE,
    REPLACE_HISTORY,
    REPLACE_INSTANCE,
    SCHEMA,
    UPDATE_INSTANCE,
    Row,
    changing_row,
    whole_row,
)
from local.host.logs import log

#: Pages of WAL after which a checkpoint is due, and after which it no longer waits for a quiet moment.
_CHECKPOINT_PAGES = 2_000
_BLOCKING_PAGES = 16_000
_PURGE_SLICE = 200


class StorageError(Exception):
    """The state file cannot be used; the message says why."""


@dataclass(slots=True)
class _Rows:
    """Rows to insert into a table and to delete from it. One that comes and goes in a batch is never written."""

    table: str
    columns: int
    added: dict[int, Row] = field(default_factory=dict)
    gone: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        self.added[row[0]] = row

    def drop(self, row_id: int) -> None:
        if self.added.pop(row_id, None) is None:
            self.gone.append((row_id,))

    def statements(self) -> Iterator[tuple[str, Iterable[Row]]]:
        if self.added:
            marks = ",".join("?" * self.columns)
            yield f"INSERT INTO {self.table} VALUES ({marks})", self.added.values()  # noqa: S608  a constant
        if self.gone:
            yield f"DELETE FROM {self.table} WHERE id=?", self.gone  # noqa: S608  a constant


class _Batch:
    """Everything noted since the last commit."""

    def __init__(self) -> None:
        self.instances: dict[int, Instance] = {}
        self.history: list[Row] = []
        self.past: list[Row] = []
        self.replaced: list[Row] = []
        self.inbox = _Rows("inbox", 7)
        self.work = _Rows("work", 7)
        self.timers = _Rows("timers", 5)
        self.crashes: list[Row] = []
        self.schedules: list[Row] = []
        self.totals: dict[str, int] = {}
        self.callbacks: list[Callable[[], None]] = []
        self.waiters: list[asyncio.Future[None]] = []

    def statements(self) -> Iterator[tuple[str, Iterable[Row]]]:
        """The batch as SQL. The order is that of the tables, which is right because no row comes again once gone."""
        instances = self.instances.values()
        yield INSERT_INSTANCE, [whole_row(instance) for instance in instances if not instance.stored]
        yield UPDATE_INSTANCE, [(*changing_row(item), item.row) for item in instances if item.stored]
        yield "INSERT INTO history VALUES (?,?,?,?)", self.history
        yield "DELETE FROM history WHERE instance=? AND generation<=?", self.past
        for rows in (self.inbox, self.work, self.timers):
            yield from rows.statements()
        yield "UPDATE work SET crashes=? WHERE id=?", self.crashes
        yield REPLACE_HISTORY, self.replaced
        yield REPLACE_INSTANCE, self.replaced
        yield "INSERT OR REPLACE INTO schedules VALUES (?,?,?)", self.schedules
        yield ADD_TOTAL, list(self.totals.items())


class Storage:
    """The state file. `on_failure` is called once if a commit fails; nothing can be trusted from then on."""

    def __init__(self, path: Path, on_failure: Callable[[BaseException], None]) -> None:
        self._path = path
        self._on_failure = on_failure
        self._batch = _Batch()
        self._scheduled = self._failed = False
        self._thread = ThreadPoolExecutor(1, "host-checkpoint")
        self._checkpointing = False
        self._next_row: dict[str, int] = {}
        self.totals: dict[str, int] = {}
        self.commits = 0

    def open(self) -> None:
        """Open or create the file. Raises `StorageError` if it is not a state file of this version."""
        make_folder(self._path.parent)
        self._loop = asyncio.get_running_loop()
        try:
            self._close_to_others()
            self._db = sqlite3.connect(self._path, isolation_level=None, cached_statements=256)
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            raise StorageError(f"cannot use {self._path} as state file: {error}") from error

    def _close_to_others(self) -> None:
        """Make the file, or what an older version left, readable by its owner alone; SQLite's log takes its mode."""
        self._path.touch(mode=0o600)
        for ending in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.chmod(f"{self._path}{ending}", 0o600)

    def _prepare(self) -> None:
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "wal_autocheckpoint=0",
            "cache_size=-32000",
            "journal_size_limit=16777216",
            "temp_store=MEMORY",
        ):
            self._db.execute(f"PRAGMA {pragma}")
        found = self._db.execute("PRAGMA user_version").fetchone()[0]
        if found == 0:
            self._db.executescript(f"BEGIN IMMEDIATE;{SCHEMA}PRAGMA user_version={FORMAT};COMMIT")
        elif found != FORMAT:
            raise StorageError(f"{self._path} was written by another version (format {found}, not {FORMAT})")
        for table in ("instances", "inbox", "work", "timers"):
            # Finished instances are purged and rows are consumed, so an id may have been used and freed before.
            # That is harmless: nothing outlives a process that remembers such an id.
            highest = self._db.execute(f"SELECT max(id) FROM {table}").fetchone()[0]  # noqa: S608  a constant
            self._next_row[table] = (highest or 0) + 1
        self.totals = dict(self._db.execute("SELECT name, value FROM totals"))

    def close(self) -> None:
        """Commit what is noted and close the file."""
        if not self._failed:
            self.commit()
        self._thread.shutdown()
        self._db.close()

    def new_row(self, table: str) -> int:
        """The id of a new row."""
        row = self._next_row[table]
        self._next_row[table] = row + 1
        return row

    # Noting changes. All of them are cheap; nothing is written before the next commit.

    def touch(self, instance: Instance) -> None:
        """Store the instance as it is when the batch is committed."""
        self._batch.instances[instance.row] = instance
        self._schedule()

    def replace(self, instance_id: str, row: int) -> None:
        """Forget finished instances of that id older than `row`."""
        self._batch.replaced.append((instance_id, row))

    def add_history(self, instance: Instance, count: int, events: str) -> None:
        """Append a turn's events, joined by commas, to the instance's history."""
        self._batch.history.append((instance.row, instance.generation, instance.chunks, events))
        instance.chunks += 1
        instance.history_events += count
        instance.history_bytes += len(events)
        self.count("history_events_total", count)
        self.count("history_bytes_total", len(events))
        self.touch(instance)

    def drop_history(self, instance: Instance) -> None:
        """Forget the history of the instance up to its present generation."""
        self._batch.past.append((instance.row, instance.generation))

    def add_message(self, instance: Instance, message: Message) -> None:
        """Keep a message until its instance has taken it."""
        self._batch.inbox.add(
            (
                message.row,
                instance.row,
                int(message.kind),
                message.generation,
                message.task_id,
                message.name,
                message.body,
            )
        )
        self._schedule()

    def drop_message(self, row: int) -> None:
        self._batch.inbox.drop(row)

    def add_work(self, row: int, instance: Instance, task_id: int, name: str, body: str | None) -> None:
        """Keep an activity until its result is kept."""
        self._batch.work.add((row, instance.row, instance.generation, task_id, name, body, 0))

    def drop_work(self, row: int) -> None:
        self._batch.work.drop(row)

    def set_crashes(self, row: int, crashes: int) -> None:
        """Note how often the host has been found dead with this activity started."""
        self._batch.crashes.append((crashes, row))
        self._schedule()

    def add_timer(self, row: int, instance: Instance, task_id: int, fire_at: str) -> None:
        self._batch.timers.add((row, instance.row, instance.generation, task_id, fire_at))

    def drop_timer(self, row: int) -> None:
        self._batch.timers.drop(row)

    def set_schedule(self, name: str, last: str | None, following: str) -> None:
        """Keep when a timer trigger ran last and is due next."""
        self._batch.schedules.append((name, last, following))
        self._schedule()

    def count(self, name: str, amount: int) -> None:
        """Add to a running total that outlives what it counts."""
        self._batch.totals[name] = self._batch.totals.get(name, 0) + amount
        self.totals[name] = self.totals.get(name, 0) + amount

    # Commits.

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call back once everything noted so far is stored."""
        self._batch.callbacks.append(callback)
        self._schedule()

    def committed(self) -> asyncio.Future[None]:
        """Resolves once everything noted so far is stored; fails with `StorageError` if it cannot be."""
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._batch.waiters.append(waiter)
        if self._failed:
            self._release(self._batch, StorageError("the state file can no longer be written"))
        else:
            self._schedule()
        return waiter

    def commit(self) -> None:
        """Write everything noted so far in one transaction. Does nothing after a failure."""
        self._scheduled = False
        if self._failed:
            return
        batch, self._batch = self._batch, _Batch()
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for sql, rows in batch.statements():
                if rows:
                    self._db.executemany(sql, rows)
            self._db.execute("COMMIT")
        except (sqlite3.Error, UnicodeError) as error:
            self._failed = True
            log.critical("cannot write %s: %s", self._path, error)
            self._release(batch, StorageError("the state file can no longer be written"))
            self._on_failure(error)
            return
        self.commits += 1
        for instance in batch.instances.values():
            instance.stored = True
        self._release(batch)
        for callback in batch.callbacks:
            callback()
        self._consider_checkpoint()

    @staticmethod
    def _release(batch: _Batch, error: Exception | None = None) -> None:
        for waiter in batch.waiters:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)
        batch.waiters = []

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self.commit)

    def _consider_checkpoint(self) -> None:
        if self._checkpointing or self.commits % 64:
            return
        wal = self._path.with_name(self._path.name + "-wal")
        pages = wal.stat().st_size // 4096 if wal.exists() else 0
        if pages > _BLOCKING_PAGES:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        elif pages > _CHECKPOINT_PAGES:
            self._checkpointing = True
            self._loop.run_in_executor(self._thread, self._checkpoint).add_done_callback(self._checkpointed)

    def _checkpoint(self) -> None:
        db = sqlite3.connect(self._path)
        try:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            db.close()

    def _checkpointed(self, done: "asyncio.Future[None]") -> None:
        self._checkpointing = False
        if not done.cancelled() and done.exception():
            log.warning("the checkpoint of %s failed: %s", self._path, done.exception())

    # Reading. What is noted is written first, so that a reader sees it.

    def query(self, sql: str, values: Iterable[Any] = ()) -> list[Row]:
        """Rows of a SELECT over everything noted so far. Not to be used in the middle of a step."""
        self.commit()
        return self._db.execute(sql, tuple(values)).fetchall()

    def histories(self, instance: Instance) -> list[str]:
        """The stored chunks of the instance's present generation, in order."""
        rows = self.query(
            "SELECT events FROM history WHERE instance=? AND generation=? ORDER BY chunk",
            (instance.row, instance.generation),
        )
        return [row[0] for row in rows]

    def forget(self, rows: list[int]) -> None:
        """Remove finished instances with their history."""
        self.commit()
        if not rows:
            return
        marks = [(row,) for row in rows]
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("DELETE FROM history WHERE instance=?", marks)
        self._db.executemany("DELETE FROM instances WHERE id=?", marks)
        self._db.execute("COMMIT")

    def purge(self, keep: int, not_before: str) -> bool:
        """Remove a slice of the finished instances that are over a bound; say whether there may be more."""
        rows = self.query(
            "SELECT id FROM instances WHERE finished IS NOT NULL AND (finished < ? OR id IN ("
            "SELECT id FROM instances WHERE finished IS NOT NULL ORDER BY finished DESC LIMIT -1 OFFSET ?)) LIMIT ?",
            (not_before, keep, _PURGE_SLICE),
        )
        self.forget([row[0] for row in rows])
        return len(rows) == _PURGE_SLICE

    def forgive_crashes(self) -> None:
        """Forget crash counts; for an orderly stop, which is nobody's crash."""
        self.commit()
        if self._failed:
            return
        self._db.execute("UPDATE work SET crashes=0 WHERE crashes>0")
