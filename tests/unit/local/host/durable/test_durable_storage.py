"""The state file: whole batches, rows that come and go, refusals."""

import contextlib
import os
import sqlite3

import pytest

from local.host.durable.model import Instance, Kind, Message
from local.host.durable.storage import Storage, StorageError


@pytest.fixture
async def storage(tmp_path):
    storage = Storage(tmp_path / "deep" / "host.db", on_failure=lambda _: None)
    storage.open()
    yield storage
    storage.close()


def instance(storage, name="i"):
    return Instance(storage.new_row("instances"), name, "flow", "", "e", None, "2026", "2026")


def message(storage):
    return Message(storage.new_row("inbox"), Kind.EVENT, 0, -1, "e", "1")


async def test_everything_noted_is_stored_at_once_and_then_called_back(storage):
    owner, seen = instance(storage), []
    storage.touch(owner)
    storage.add_message(owner, message(storage))
    storage.add_history(owner, 2, '{"a":1},{"a":2}')
    with contextlib.closing(sqlite3.connect(storage._path)) as other:
        count = "SELECT (SELECT count(*) FROM instances) + (SELECT count(*) FROM inbox)"
        storage.after_commit(lambda: seen.extend(other.execute(count).fetchone()))
        assert other.execute(count).fetchone() == (0,)
        await storage.committed()
    assert seen == [2]
    assert storage.totals == {"history_events_total": 2, "history_bytes_total": 15}


async def test_a_row_that_comes_and_goes_in_a_batch_is_never_written(storage):
    owner = instance(storage)
    writes = []
    storage._db.set_trace_callback(writes.append)
    passing = message(storage)
    storage.add_message(owner, passing)
    storage.drop_message(passing.row)
    await storage.committed()
    assert not [sql for sql in writes if "inbox" in sql]


async def test_what_was_written_can_be_dropped_later(storage):
    owner = instance(storage)
    kept, dropped = message(storage), message(storage)
    for item in (kept, dropped):
        storage.add_message(owner, item)
    await storage.committed()
    storage.drop_message(dropped.row)
    assert storage.query("SELECT id FROM inbox") == [(kept.row,)]


async def test_a_replaced_instance_goes_with_its_history(storage):
    old = instance(storage)
    old.finished = "2026"
    storage.add_history(old, 1, "{}")
    await storage.committed()
    new = instance(storage)
    storage.replace("i", new.row)
    storage.touch(new)
    assert storage.query("SELECT id FROM instances") == [(new.row,)]
    assert storage.query("SELECT * FROM history") == []


async def test_a_failed_commit_is_told_to_everybody_and_ends_all_writing(tmp_path):
    told = []
    storage = Storage(tmp_path / "host.db", told.append)
    storage.open()
    storage._db.execute("PRAGMA query_only=1")
    storage.touch(instance(storage))
    storage.after_commit(lambda: told.append("never"))
    with pytest.raises(StorageError):
        await storage.committed()
    with pytest.raises(StorageError):
        await storage.committed()
    assert len(told) == 1
    storage.close()


async def test_totals_and_row_numbers_go_on_after_a_restart(tmp_path):
    path = tmp_path / "host.db"
    for expected in (1, 2):
        storage = Storage(path, print)
        storage.open()
        assert storage.new_row("instances") == expected
        owner = Instance(expected, f"i{expected}", "flow", "", "e", None, "2026", "2026")
        storage.add_history(owner, 3, "{}")
        storage.close()
    storage.open()
    assert storage.totals["history_events_total"] == 6
    storage.close()


async def test_its_files_are_its_owners_alone_and_older_ones_become_so(tmp_path):
    path = tmp_path / "deep" / "host.db"
    before = os.umask(0o022)
    try:
        for _ in range(2):
            storage = Storage(path, print)
            storage.open()
            touched = [path, *(path.with_name(f"host.db{ending}") for ending in ("-wal", "-shm"))]
            assert [oct(one.stat().st_mode & 0o777) for one in touched] == ["0o600"] * 3
            assert path.parent.stat().st_mode & 0o777 == 0o700
            for one in touched:
                one.chmod(0o644)
            storage.close()
    finally:
        os.umask(before)


@pytest.mark.parametrize("content", [b"not a database, but long enough to be one" * 50, None])
async def test_a_file_that_is_not_its_own_is_refused(tmp_path, content):
    path = tmp_path / "host.db"
    if content is None:
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA user_version=99")
    else:
        path.write_bytes(content)
    with pytest.raises(StorageError, match=r"host\.db"):
        Storage(path, print).open()


async def test_purge_works_in_slices_and_spares_the_newest_and_the_running(storage):
    storage.touch(instance(storage, "running"))
    for number in range(450):
        done = instance(storage, f"done-{number}")
        done.finished = f"2026-{number:04}"
        storage.add_history(done, 1, "{}")
    assert [storage.purge(50, "2000") for _ in range(4)] == [True, True, False, False]
    left = storage.query("SELECT finished FROM instances ORDER BY finished")
    assert [row[0] for row in left] == [None, *(f"2026-{number:04}" for number in range(400, 450))]
    assert storage.query("SELECT count(*) FROM history") == [(50,)]
    assert storage.purge(50, "2026-0440") is False
    assert storage.query("SELECT count(*) FROM history") == [(10,)]
