"""What the store over SQLite does besides: files, processes, sudden ends, bounds."""

import asyncio
import json
import os
import random
import signal
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from shared.adapters.sqlite import FILE_NAME, SqliteStore, batching
from shared.adapters.sqlite.requests import Put
from shared.adapters.sqlite.space import _SCAN, _SCAN_SUBTREE
from shared.errors import Conflict, Unavailable
from shared.store.port import Category, IfEtag, Stored
from shared.types import SpaceKey

SPACE = SpaceKey("ada", "first")
NODE = Category.SWARM_STATE
PROCESS = Path(__file__).with_name("store_process.py")


@pytest.fixture
def spaces(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "spaces"


@pytest.fixture
async def store(spaces: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(spaces)
    yield store
    await store.close()


async def start(spaces: Path, what: str, argument: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, PROCESS, spaces, what, argument, stdout=asyncio.subprocess.PIPE, limit=1 << 24
    )


async def finished(process: asyncio.subprocess.Process) -> bytes:
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    return out


def rows(path: Path) -> list[tuple[str, str]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT key, value FROM document ORDER BY key").fetchall()
    finally:
        connection.close()


def below(path: Path) -> list[Path]:
    return sorted(path.rglob("*"))


class TestFiles:
    async def test_a_space_is_one_folder_and_one_file_with_plain_keys(self, store: SqliteStore, spaces: Path) -> None:
        await store.put(SPACE, NODE, "0", '{"alive": true}')
        await store.increment(SPACE, Category.SWARM_HISTORY, "current_frame", 4)
        await store.close()
        assert below(spaces) == [spaces / "ada_first", spaces / "ada_first" / FILE_NAME]
        assert rows(spaces / "ada_first" / FILE_NAME) == [
            ("swarm_history_current_frame", "4"),
            ("swarm_state_0", '{"alive": true}'),
        ]

    async def test_files_are_for_this_user_alone(self, store: SqliteStore, spaces: Path) -> None:
        previous = os.umask(0)
        try:
            await store.put(SPACE, NODE, "0", "{}")
        finally:
            os.umask(previous)
        found = [spaces, *below(spaces)]
        assert len(found) == 5  # with the log and its index
        for path in found:
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)

    async def test_what_writes_nothing_creates_nothing(self, store: SqliteStore, spaces: Path) -> None:
        assert await store.get(SPACE, NODE, "0") is None
        assert (await store.scan(SPACE, NODE, subtree="0")).items == ()
        assert await store.delete(SPACE, NODE, "0") is False
        with pytest.raises(Conflict):
            await store.put(SPACE, NODE, "0", "{}", condition=IfEtag("x"))
        await store.drop(SPACE)
        assert not spaces.parent.exists()

    async def test_a_drop_leaves_no_file(self, store: SqliteStore, spaces: Path) -> None:
        other = SqliteStore(spaces)
        await store.put(SPACE, NODE, "0", "{}")
        assert await other.get(SPACE, NODE, "0") is not None
        await store.drop(SPACE)
        assert below(spaces) == []
        await other.close()
        assert below(spaces) == []

    async def test_a_drop_spares_what_else_is_in_the_folder(self, store: SqliteStore, spaces: Path) -> None:
        await store.put(SPACE, NODE, "0", "{}")
        (spaces / "ada_first" / "blobs").mkdir()
        await store.drop(SPACE)
        assert [path.name for path in (spaces / "ada_first").iterdir()] == ["blobs"]

    async def test_closing_an_old_file_does_no_harm_to_the_new_one(self, store: SqliteStore, spaces: Path) -> None:
        """SQLite removes the log by its name when the last connection closes; the name may be another's by then."""
        old = SqliteStore(spaces)
        await old.put(SPACE, NODE, "old", "{}")
        await store.drop(SPACE)
        await store.put(SPACE, NODE, "new", "{}")
        await old.close()
        assert (spaces / "ada_first" / f"{FILE_NAME}-wal").exists()
        third = SqliteStore(spaces)
        assert [item.key for item in (await third.scan(SPACE, NODE)).items] == ["new"]
        await third.close()

    async def test_what_a_drop_that_was_killed_left_is_not_taken_over(self, store: SqliteStore, spaces: Path) -> None:
        """The file is gone; its log and the index of it are there, and another process has them open."""
        process = await start(spaces, "write", "old")
        assert process.stdout is not None
        await asyncio.wait_for(process.stdout.readline(), 30)
        process.send_signal(signal.SIGSTOP)
        try:
            (spaces / "ada_first" / FILE_NAME).unlink()
            await asyncio.wait_for(store.put(SPACE, NODE, "new", "{}"), 5)
            assert [item.key for item in (await store.scan(SPACE, NODE)).items] == ["new"]
        finally:
            process.kill()
            await process.communicate()

    async def test_a_drop_waits_for_a_write_under_way(self, store: SqliteStore, spaces: Path) -> None:
        await store.put(SPACE, NODE, "0", "{}")
        holder = sqlite3.connect(spaces / "ada_first" / FILE_NAME, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        dropping = asyncio.create_task(store.drop(SPACE))
        await asyncio.sleep(0.1)
        assert not dropping.done()
        holder.close()
        await dropping
        assert below(spaces) == []

    async def test_full_synchronous_works_the_same(self, spaces: Path) -> None:
        store = SqliteStore(spaces, synchronous="FULL")
        etag = await store.put(SPACE, NODE, "0", "{}")
        await store.put(SPACE, NODE, "0", "[]", condition=IfEtag(etag))
        await store.close()
        assert rows(spaces / "ada_first" / FILE_NAME) == [("swarm_state_0", "[]")]

    async def test_closing_moves_the_log_into_the_file(self, store: SqliteStore, spaces: Path) -> None:
        await store.put(SPACE, NODE, "0", "{}")
        assert (spaces / "ada_first" / f"{FILE_NAME}-wal").stat().st_size > 0
        await store.close()
        assert [path.name for path in (spaces / "ada_first").iterdir()] == [FILE_NAME]


class TestFailures:
    async def test_a_damaged_file_is_unavailable_until_it_is_dropped(self, store: SqliteStore, spaces: Path) -> None:
        home = spaces / "ada_first"
        home.mkdir(parents=True)
        (home / FILE_NAME).write_bytes(b"this is no database, it only has the name of one" * 100)
        with pytest.raises(Unavailable) as caught:
            await store.get(SPACE, NODE, "0")
        assert str(spaces) not in str(caught.value)
        await store.put(SpaceKey("ada", "second"), NODE, "0", "{}")
        await store.drop(SPACE)
        await store.put(SPACE, NODE, "0", "{}")

    async def test_a_file_of_a_newer_version_is_left_alone(self, store: SqliteStore, spaces: Path) -> None:
        home = spaces / "ada_first"
        home.mkdir(parents=True)
        connection = sqlite3.connect(home / FILE_NAME)
        connection.execute("PRAGMA user_version = 99")
        connection.close()
        with pytest.raises(Unavailable, match="newer version"):
            await store.put(SPACE, NODE, "0", "{}")

    async def test_a_folder_that_cannot_be_is_unavailable(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        store = SqliteStore(tmp_path / "file" / "spaces")
        with pytest.raises(Unavailable):
            await store.put(SPACE, NODE, "0", "{}")
        await store.close()

    async def test_a_short_lock_is_waited_for(self, store: SqliteStore, spaces: Path) -> None:
        await store.put(SPACE, NODE, "0", "{}")
        holder = sqlite3.connect(spaces / "ada_first" / FILE_NAME, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(store.put(SPACE, NODE, "1", "{}"))
        await asyncio.sleep(0.1)
        assert not writing.done()
        await store.put(SpaceKey("ada", "second"), NODE, "0", "{}")  # nobody else waits
        holder.close()
        await writing

    async def test_a_long_lock_is_unavailable_and_writes_nothing(
        self, spaces: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shared.adapters.sqlite.space.PATIENCE", 0.05)
        store = SqliteStore(spaces)
        await store.put(SPACE, NODE, "0", "{}")
        holder = sqlite3.connect(spaces / "ada_first" / FILE_NAME, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        results = await asyncio.gather(
            *(store.put(SPACE, NODE, f"1.{number}", "{}") for number in range(3)), return_exceptions=True
        )
        assert [type(result) for result in results] == [Unavailable] * 3
        assert await store.get(SPACE, NODE, "0") is not None  # readers need no lock
        holder.close()
        await store.put(SPACE, NODE, "2", "{}")
        assert [item.key for item in (await store.scan(SPACE, NODE)).items] == ["0", "2"]
        await store.close()

    async def test_too_much_waiting_is_refused(self, store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(batching, "MAX_WAITING", 10)
        results = await asyncio.gather(*(store.get(SPACE, NODE, "0") for _ in range(12)), return_exceptions=True)
        assert [type(result) for result in results] == [type(None)] * 10 + [Unavailable] * 2


class TestBounds:
    async def test_hundreds_of_spaces_share_a_few_open_files(self, spaces: Path) -> None:
        store = SqliteStore(spaces, max_open=5)
        many = [SpaceKey("ada", f"s{number}") for number in range(200)]
        for turn in range(2):
            await asyncio.gather(*(store.put(space, NODE, f"0.{turn}", f'"{space}"') for space in many))
            held = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if _is_link(fd)]
            assert len({path for path in held if path.startswith(str(spaces)) and path.endswith(FILE_NAME)}) <= 5
        pages = await asyncio.gather(*(store.scan(space, NODE) for space in many))
        assert [page.items[1].value for page in pages] == [f'"{space}"' for space in many]
        await store.close()

    async def test_a_batch_larger_than_one_transaction_is_split(
        self, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(batching, "MAX_BATCH_CHARACTERS", 2_000)
        monkeypatch.setattr(batching, "MAX_BATCH", 7)
        await asyncio.gather(*(store.put(SPACE, NODE, f"0.{n}", json.dumps("x" * 900)) for n in range(50)))
        assert len((await store.scan(SPACE, NODE)).items) == 50

    async def test_many_operations_in_one_go(self, store: SqliteStore) -> None:
        """More keys than one statement takes, written and deleted in the same transactions."""
        names = [f"0.{number}" for number in range(700)]
        await asyncio.gather(*(store.put(SPACE, NODE, name, f'"{name}"') for name in names))
        found = await asyncio.gather(*(store.get(SPACE, NODE, name) for name in names))
        assert [item and item.value for item in found] == [f'"{name}"' for name in names]
        gone = await asyncio.gather(*(store.delete(SPACE, NODE, name) for name in names[:650]))
        assert all(gone)
        assert len((await store.scan(SPACE, NODE, limit=1000)).items) == 50

    async def test_a_subtree_is_found_without_reading_its_category(self, store: SqliteStore, spaces: Path) -> None:
        await store.put(SPACE, NODE, "0", "{}")
        connection = sqlite3.connect(spaces / "ada_first" / FILE_NAME)
        for statement, bounds in ((_SCAN_SUBTREE, ("k", "k", "k", 0, "", 0, 1)), (_SCAN, ("c", 0, "", 0, 1))):
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", bounds)]
            assert not [step for step in plan if step.startswith("SCAN")]
        connection.close()


class TestExpiry:
    async def test_what_has_expired_is_cleared_away_some_at_a_time(self, spaces: Path) -> None:
        now = [1_000.0]
        store = SqliteStore(spaces, clock=lambda: now[0])
        await asyncio.gather(*(store.put(SPACE, NODE, f"0.{number}", "{}", ttl=5) for number in range(150)))
        await store.put(SPACE, NODE, "stays", "{}")
        now[0] += 5
        left = []
        for number in range(3):
            await store.put(SPACE, NODE, "new", str(number), ttl=5)
            left.append(_rows(spaces))
        assert left == [52, 2, 2]
        await store.close()

    async def test_a_write_without_an_end_clears_nothing(self, spaces: Path) -> None:
        now = [1_000.0]
        store = SqliteStore(spaces, clock=lambda: now[0])
        await store.put(SPACE, NODE, "0", "{}", ttl=5)
        now[0] += 5
        await store.put(SPACE, NODE, "1", "{}")
        assert _rows(spaces) == 2
        await store.close()

    async def test_a_file_of_the_version_before_is_taken_over(self, spaces: Path) -> None:
        _make_old(spaces)
        stores = [SqliteStore(spaces), SqliteStore(spaces)]
        found = await asyncio.gather(*(store.get(SPACE, NODE, "0") for store in stores))
        assert found == [Stored("0", '{"old": 1}', "e1", 3)] * 2
        assert await stores[0].increment(SPACE, Category.SWARM_HISTORY, "current_frame") == 42
        await stores[1].put(SPACE, NODE, "0", "2", condition=IfEtag("e1"), ttl=60)
        assert [item.value for item in (await stores[0].scan(SPACE, NODE)).items] == ["2"]
        for store in stores:
            await store.close()

    async def test_only_a_file_that_is_being_made_is_written_unsynced(
        self, spaces: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A file of the version before has content, which a power cut must not spoil."""
        levels: list[int] = []

        class Watched(sqlite3.Connection):
            def executescript(self, script: str) -> sqlite3.Cursor:
                levels.append(self.execute("PRAGMA synchronous").fetchone()[0])
                return super().executescript(script)

        _make_old(spaces)
        monkeypatch.setattr("sqlite3.connect", partial(sqlite3.connect, factory=Watched))
        store = SqliteStore(spaces)
        await store.put(SPACE, NODE, "0", "{}")
        await store.put(SpaceKey("ada", "second"), NODE, "0", "{}")
        await store.close()
        assert levels == [1, 0]  # NORMAL, OFF


def _make_old(spaces: Path) -> None:
    """A file of the version before, with a document and a counter."""
    (spaces / "ada_first").mkdir(parents=True)
    with closing(sqlite3.connect(spaces / "ada_first" / FILE_NAME)) as connection:
        connection.executescript(
            """
            PRAGMA journal_mode = WAL;
            CREATE TABLE document (
                key TEXT NOT NULL PRIMARY KEY, category TEXT NOT NULL, seq INTEGER, etag TEXT NOT NULL,
                value TEXT NOT NULL
            );
            CREATE INDEX document_order ON document (category, seq, key);
            INSERT INTO document VALUES ('swarm_state_0', 'swarm_state', 3, 'e1', '{"old": 1}');
            INSERT INTO document VALUES ('swarm_history_current_frame', 'swarm_history', NULL, 'e2', '41');
            PRAGMA user_version = 1;
            """
        )


def _rows(spaces: Path) -> int:
    with closing(sqlite3.connect(spaces / "ada_first" / FILE_NAME)) as connection:
        return int(connection.execute("SELECT count(*) FROM document").fetchone()[0])


class TestLoops:
    def test_one_loop_after_another(self, spaces: Path) -> None:
        store = SqliteStore(spaces)

        async def use(number: int) -> int:
            await store.put(SPACE, NODE, f"0.{number}", "{}")
            return len((await store.scan(SPACE, NODE)).items)

        assert [asyncio.run(use(number)) for number in range(3)] == [1, 2, 3]
        asyncio.run(store.close())

    def test_a_loop_that_ends_early_does_not_stop_the_next(self, spaces: Path) -> None:
        store = SqliteStore(spaces)

        async def begin_only() -> None:
            asyncio.get_running_loop().stop()
            store._dispatcher.submit(SPACE, Put(NODE.value, "swarm_state_0.0", "{}", 0, None))

        async def use() -> None:
            await asyncio.wait_for(store.put(SPACE, NODE, "0.1", "{}"), 5)

        loop = asyncio.new_event_loop()
        task = loop.create_task(begin_only())
        loop.run_forever()
        assert task.done()
        loop.close()
        asyncio.run(use())
        asyncio.run(store.close())


class TestProcesses:
    async def test_eight_processes_never_get_the_same_number(self, spaces: Path) -> None:
        counting = [await start(spaces, "count", "50") for _ in range(8)]
        numbers = [json.loads(await finished(process)) for process in counting]
        assert sorted(number for taken in numbers for number in taken) == list(range(1, 401))

    async def test_processes_write_read_and_drop_the_same_spaces(self, spaces: Path) -> None:
        for process in [await start(spaces, "churn", name) for name in ("a", "b", "c", "d")]:
            await finished(process)

    async def test_a_store_notices_what_another_process_dropped(self, store: SqliteStore, spaces: Path) -> None:
        await store.put(SPACE, NODE, "0", "{}")
        await finished(await start(spaces, "count", "1"))
        assert await store.increment(SPACE, Category.SWARM_HISTORY, "n") == 2

    async def test_nothing_acknowledged_is_lost_and_nothing_is_half_there_after_a_kill(self, spaces: Path) -> None:
        dice = random.Random(7)
        acknowledged: set[str] = set()
        for turn in range(10):
            process = await start(spaces, "write", f"k{turn}")
            assert process.stdout is not None
            acknowledged.add((await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip())
            await asyncio.sleep(dice.uniform(0, 0.15))
            process.send_signal(signal.SIGKILL)
            rest, _ = await process.communicate()
            acknowledged.update(rest.decode().split())
        store = SqliteStore(spaces)
        found: dict[str, str] = {}
        cursor = None
        while True:
            page = await store.scan(SPACE, NODE, cursor=cursor, limit=500)
            found.update((item.key, item.value) for item in page.items)
            cursor = page.cursor
            if cursor is None:
                break
        await store.close()
        assert len(acknowledged) > 100
        assert acknowledged <= found.keys()
        assert all(json.loads(value) == {"key": key, "text": key * 1000} for key, value in found.items())


def _is_link(fd: str) -> bool:
    return os.path.islink(f"/proc/self/fd/{fd}")
