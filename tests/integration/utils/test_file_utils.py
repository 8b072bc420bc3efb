"""The utils that read and change a draft, and what they tell a model that asks for the wrong thing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.utils.memory.save_memory import MAX_REMEMBERED
from shared.utils.util import UtilError
from tests.integration.utils.utils_bench import Desk, make_desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made, store = await make_desk(tmp_path)
    yield made
    await store.close()


async def test_a_package_is_written_read_and_changed(desk: Desk) -> None:
    await desk.call("files.write_file", path="pkg/__init__.py", text="")
    said = await desk.call("files.write_file", path="pkg/a.py", text="x = 1\ny = 2\n")
    assert said == "pkg/a.py now has 12 bytes"
    await desk.call("files.write_file", path="pkg/a.py", text="z = 3\n", append=True)
    assert await desk.call("files.read_file", path="pkg/a.py", first=2) == (
        "pkg/a.py, lines 2 to 3 of 3:\ny = 2\nz = 3"
    )
    await desk.call("files.edit_file", path="pkg/a.py", old="y = 2", new="y = 20")
    await desk.call("files.move_file", path="pkg/a.py", to="pkg/b.py")
    assert await desk.call("files.list_files") == "pkg/__init__.py (0 bytes)\npkg/b.py (19 bytes)"
    assert await desk.call("files.search_files", wanted=r"^[yz] =", is_regex=True) == (
        "pkg/b.py:2: y = 20\npkg/b.py:3: z = 3"
    )
    await desk.call("files.delete_file", path="pkg")
    assert await desk.call("files.list_files") == "there are no such files"


async def test_an_edit_that_does_not_match_is_answered_so_that_it_can_be_mended(desk: Desk) -> None:
    await desk.call("files.write_file", path="a.py", text="x = 1\nx = 1\n")
    with pytest.raises(UtilError, match="not in the file: read it again"):
        await desk.call("files.edit_file", path="a.py", old="x = 2", new="x = 3")
    with pytest.raises(UtilError, match="2 times, not 1"):
        await desk.call("files.edit_file", path="a.py", old="x = 1", new="x = 3")
    await desk.call("files.edit_file", path="a.py", old="x = 1", new="x = 3", occurrences=2)
    assert await desk.text("a.py") == "x = 3\nx = 3\n"


@pytest.mark.parametrize("path", ["/etc/passwd", "../up.py", "a//b", "con.txt", "x\x00y"])
async def test_a_path_that_cannot_be_kept_is_refused_by_name(desk: Desk, path: str) -> None:
    with pytest.raises(UtilError):
        await desk.call("files.write_file", path=path, text="x")
    assert await desk.call("files.list_files") == "there are no such files"


async def test_a_file_that_is_not_there_says_what_is_near(desk: Desk) -> None:
    await desk.call("files.write_file", path="pkg/tides.py", text="x\n")
    with pytest.raises(UtilError, match=r"there is pkg/tides\.py"):
        await desk.call("files.read_file", path="tides.py")


async def test_a_long_file_is_read_in_parts(desk: Desk) -> None:
    lines = [f"line {number} of a long file" for number in range(3_000)]
    await desk.call("files.write_file", path="long.txt", text="\n".join(lines))
    first = await desk.call("files.read_file", path="long.txt")
    assert first.startswith("long.txt, lines 1 to ")
    assert "; read on from line " in first.partition("\n")[0]
    assert len(first) < 4_000 * 4


async def test_memory_reports_and_the_model_are_asked(desk: Desk) -> None:
    assert await desk.call("memory.search_memory", question="When is high tide?") == (
        "[tides.md] (memory m-0)\nHigh at noon."
    )
    assert await desk.call("memory.read_report", node_id="0.0") == "The tide is high at noon."
    with pytest.raises(UtilError, match="has not ended"):
        await desk.call("memory.read_report", node_id="0.1")
    with pytest.raises(UtilError, match="no node"):
        await desk.call("memory.read_report", node_id="7")
    assert await desk.call("model.ask_model", question="Is it?") == "asked: Is it?"


async def test_what_is_remembered_is_drafted_and_bounded(desk: Desk) -> None:
    fact = {"name": "Port", "description": "Which port.", "content": "8080"}
    drafted = await desk.drafted("memory.save_memory", **fact)
    assert drafted.memory is not None
    assert (drafted.memory.folder_id, drafted.memory.content) == ("references", "8080")
    desk.bench.remembered = MAX_REMEMBERED
    with pytest.raises(UtilError, match="at most 20"):
        await desk.call("memory.save_memory", **fact)


async def test_without_a_sandbox_a_model_is_told_what_to_do_instead(desk: Desk) -> None:
    with pytest.raises(UtilError, match="no sandbox"):
        await desk.call("programs.run", command=["python", "a.py"])
