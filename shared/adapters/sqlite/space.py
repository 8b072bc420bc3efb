"""One space's SQLite file: opening it, running batches of requests on it, removing it."""

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from shared.adapters.sqlite.folder import PATIENCE, changing, make_file, make_folder, remove_file
from shared.adapters.sqlite.requests import (
    Drop,
    KeyRequest,
    NewEtag,
    Request,
    Result,
    Row,
    Scan,
    apply_all,
)
from shared.errors import Unavailable
from shared.store.port import MAX_PAGE_CHARACTERS, Page, Stored
from shared.store.rules import encode_cursor

_SCHEMA_VERSION = 2
_EXPIRY_INDEX = "CREATE INDEX IF NOT EXISTS document_expiry ON document (expires) WHERE expires IS NOT NULL;"
_SCHEMA = f"""
BEGIN IMMEDIATE;
-- key is {{category}}_{{id}}; seq is NULL for a counter, which keeps it out of every scan
-- expires is in milliseconds since 1970, NULL for what stays
CREATE TABLE IF NOT EXISTS document (
    key TEXT NOT NULL PRIMARY KEY, category TEXT NOT NULL, seq INTEGER, etag TEXT NOT NULL, value TEXT NOT NULL,
    expires INTEGER
);
CREATE INDEX IF NOT EXISTS document_order ON document (category, seq, key);
{_EXPIRY_INDEX}
PRAGMA user_version = 2;
COMMIT;
"""
#: What brings the file of an older version to this one's schema.
_MIGRATIONS = {
    0: _SCHEMA,
    1: f"""
BEGIN IMMEDIATE;
ALTER TABLE document ADD COLUMN expires INTEGER;
{_EXPIRY_INDEX}
PRAGMA user_version = 2;
COMMIT;
""",
}
_UPSERT = (
    "INSERT INTO document (key, category, seq, etag, value, expires) VALUES {} ON CONFLICT (key) DO UPDATE SET "
    "seq = excluded.seq, etag = excluded.etag, value = excluded.value, "
    "expires = excluded.expires"
)
_SELECT = "SELECT key, category, seq, etag, value, expires FROM document "
_SCAN = (
    "SELECT key, category, seq, etag, value FROM document WHERE category = ? AND (seq, key) > (?, ?) "
    "AND (expires IS NULL OR expires > ?) ORDER BY seq, key LIMIT ?"
)
# "/" follows "." in the order of characters, so the range holds what begins with the top and a dot.
_SCAN_SUBTREE = (
    "SELECT key, category, seq, etag, value FROM document WHERE rowid IN ("
    "SELECT rowid FROM document WHERE (key = ? OR (key > ? || '.' AND key < ? || '/')) "
    "AND (seq, key) > (?, ?) AND (expires IS NULL OR expires > ?) ORDER BY seq, key LIMIT ?) ORDER BY seq, key"
)
_CLEAR = "DELETE FROM document WHERE rowid IN (SELECT rowid FROM document WHERE expires <= ? LIMIT ?)"
#: The most expired documents that a batch takes away which writes some that will expire.
_CLEARED = 100
#: Keys or rows in one statement. Few long statements matter: each ends with a fight for the interpreter lock.
_CHUNK = 128


class _Moved(Exception):
    """The open file is not the one in the folder any more: another process dropped the space."""


class SpaceFile:
    """One space's file, opened when first needed. Used by one thread at a time."""

    def __init__(self, spaces: Path, path: Path, synchronous: str, clock: Callable[[], float]) -> None:
        """`clock` gives the seconds since 1970, by which documents expire."""
        self._spaces = spaces
        self._clock = clock
        self._path = path
        self._synchronous = synchronous
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        # Random, so that an etag is not repeated by another process or by another life of the space.
        self._etag_prefix = secrets.token_hex(6)
        self._etag_numbers = count()

    @property
    def is_open(self) -> bool:
        """Whether it holds files open."""
        return self._connection is not None

    def run(self, requests: Sequence[Request[object]]) -> list[Result]:
        """Run requests in one transaction and tell what each came to. `Drop` must be alone in its batch.

        Raises `sqlite3.Error` or `OSError` when nothing was done at all.
        """
        try:
            if isinstance(requests[0], Drop):
                self._drop()
                return [None]
            while True:
                try:
                    return self._run(requests)
                except _Moved:
                    self.close()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the files; the last to do so moves the log into the file."""
        connection, self._connection = self._connection, None
        if connection is not None:
            # The lock only matters against a drop at the same moment; no lock must not keep the files open.
            with suppress(OSError, Unavailable), changing(self._spaces):
                connection.close()
            connection.close()

    def _run(self, requests: Sequence[Request[object]]) -> list[Result]:
        if self._connection is None and not self._open(create=any(one.creates() for one in requests)):
            return _run_on_nothing(requests, self._new_etag)
        if not any(request.writes for request in requests):
            self._check_unmoved()
            return self._answer(requests)
        self._rows("BEGIN IMMEDIATE")
        self._check_unmoved()
        results = self._answer(requests)
        self._rows("COMMIT")
        return results

    def _open(self, *, create: bool) -> bool:
        """Open the file; False if there is none and none shall be made."""
        if create:
            make_folder(self._spaces)
        elif not self._path.exists():
            return False
        with changing(self._spaces):
            if create:
                make_file(self._path)
            elif not self._path.exists():
                return False
            self._connection = _connect(self._path, self._synchronous)
            self._inode = os.stat(self._path).st_ino
        return True

    def _drop(self) -> None:
        self.close()
        if not self._path.exists():
            return
        with changing(self._spaces):
            if self._path.exists():
                with _sole_writer(self._path):
                    remove_file(self._path)

    def _check_unmoved(self) -> None:
        try:
            if os.stat(self._path).st_ino == self._inode:
                return
        except FileNotFoundError:
            pass
        raise _Moved

    def _answer(self, requests: Sequence[Request[object]]) -> list[Result]:
        on_keys = [request for request in requests if isinstance(request, KeyRequest)]
        results = self._apply(on_keys) if on_keys else []
        if len(on_keys) == len(requests):
            return results
        following = iter(results)
        return [self._scan(one) if isinstance(one, Scan) else next(following) for one in requests]

    def _apply(self, requests: list[KeyRequest[object]]) -> list[Result]:
        before = self._load({request.key for request in requests})
        after: dict[str, Row | None] = dict(before)
        results = apply_all(requests, after, self._new_etag)
        self._save({key: row for key, row in after.items() if row is not before.get(key)})
        return results

    def _load(self, keys: set[str]) -> dict[str, Row]:
        rows: dict[str, Row] = {}
        wanted = list(keys)
        for start in range(0, len(wanted), _CHUNK):
            chunk = _padded(wanted[start : start + _CHUNK])
            found = self._rows(_by_keys(_SELECT, len(chunk)), chunk)
            now = self._now()
            rows.update((row[0], row[1:]) for row in found if row[5] is None or row[5] > now)
        return rows

    def _save(self, rows: dict[str, Row | None]) -> None:
        if not rows:
            return
        gone = [key for key, row in rows.items() if row is None]
        for start in range(0, len(gone), _CHUNK):
            chunk = _padded(gone[start : start + _CHUNK])
            self._rows(_by_keys("DELETE FROM document ", len(chunk)), chunk)
        written = [(key, *row) for key, row in rows.items() if row is not None]
        if any(row[5] is not None for row in written):
            self._rows(_CLEAR, (self._now(), _CLEARED))
        while written:
            size = min(_CHUNK, 1 << (len(written).bit_length() - 1))
            self._rows(_upsert(size), [field for row in written[:size] for field in row])
            del written[:size]

    def _scan(self, scan: Scan) -> Page:
        if scan.top is None:
            statement = _SCAN
            bounds: tuple[str | int, ...] = (scan.category, *scan.after, self._now(), scan.limit + 1)
        else:
            statement = _SCAN_SUBTREE
            bounds = (scan.top, scan.top, scan.top, *scan.after, self._now(), scan.limit + 1)
        items: list[Stored] = []
        characters = 0
        skip = len(scan.category) + 1
        assert self._connection is not None
        with closing(self._connection.execute(statement, bounds)) as cursor:
            for key, _, seq, etag, value in cursor:
                if len(items) == scan.limit or characters > MAX_PAGE_CHARACTERS:
                    return Page(tuple(items), encode_cursor(items[-1].seq, items[-1].key))
                items.append(Stored(key[skip:], value, etag, seq))
                characters += len(value)
        return Page(tuple(items), None)

    def _rows(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        assert self._connection is not None
        return self._connection.execute(statement, parameters).fetchall()

    def _now(self) -> int:
        return int(self._clock() * 1000)

    def _new_etag(self) -> str:
        return f"{self._etag_prefix}{next(self._etag_numbers):x}"


def _connect(path: Path, synchronous: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        # Syncing each step of making a file buys nothing when the first writes to it are not synced either.
        making = synchronous == "NORMAL" and not path.stat().st_size
        connection.execute(f"PRAGMA synchronous = {'OFF' if making else synchronous}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        connection.execute("PRAGMA journal_size_limit = 16777216")
        connection.execute("PRAGMA cache_size = -1024")
        # Reading the version also opens the log, so that it belongs to the file for as long as both are open.
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > _SCHEMA_VERSION:
            raise Unavailable("the file of this space was written by a newer version of the program")
        if version < _SCHEMA_VERSION:
            connection.executescript(_MIGRATIONS[version])
        connection.execute(f"PRAGMA synchronous = {synchronous}")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _sole_writer(path: Path) -> Iterator[None]:
    """Keep every other writer out, in any process; a file that is damaged has no writers."""
    with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            pass
        yield


def _run_on_nothing(requests: Sequence[Request[object]], new_etag: NewEtag) -> list[Result]:
    """What requests come to in a space that does not exist, none of which brings it into being."""
    return [
        apply_all([request], {}, new_etag)[0] if isinstance(request, KeyRequest) else Page((), None)
        for request in requests
    ]


def _padded(keys: list[str]) -> list[str]:
    """The keys, the last one repeated up to a power of two, so that there are few different statements."""
    return keys + keys[-1:] * ((1 << (len(keys) - 1).bit_length()) - len(keys))


@cache
def _by_keys(statement: str, number: int) -> str:
    return f"{statement}WHERE key IN ({','.join('?' * number)})"


@cache
def _upsert(rows: int) -> str:
    return _UPSERT.format(",".join(["(?,?,?,?,?,?)"] * rows))
