"""The measurement of many files, with few: everything comes out as it went in, and a step reads no more for more."""

from pathlib import Path

from shared.adapters.filesystem import FilesystemBlobs
from shared.adapters.sqlite import SqliteStore
from tests.workspace.many_files import Measured, run


async def measured(folder: Path, files: int) -> Measured:
    store = SqliteStore(folder / "spaces")
    try:
        return await run(store, FilesystemBlobs(folder / "spaces"), folder, files, size=300)
    finally:
        await store.close()


async def test_a_step_of_a_node_costs_the_same_with_more_files(tmp_path: Path) -> None:
    few, more = await measured(tmp_path / "few", 60), await measured(tmp_path / "more", 240)
    assert few.faults == more.faults == []
    assert few.step_calls == more.step_calls
    assert set(more.step_calls) == {"get", "put", "read"}
    assert more.step_calls.total() < 20
