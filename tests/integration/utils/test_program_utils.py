"""The utils that run programs of a draft, in the real sandbox."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.sandbox import Sandbox
from shared.utils.util import UtilError
from tests.integration.sandbox.sandbox_adapters import open_sandbox
from tests.integration.utils.utils_bench import Desk, make_desk

BROKEN = "def add(a, b):\n    return a - b\n"
TESTS = "from sums import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    made = await open_sandbox("wasm")
    yield made
    await made.close()


@pytest.fixture
async def desk(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[Desk]:
    made, store = await make_desk(tmp_path, sandbox)
    yield made
    await store.close()


async def test_tests_that_fail_are_shown_and_pass_once_the_code_is_mended(desk: Desk) -> None:
    await desk.call("files.write_file", path="sums.py", text=BROKEN)
    await desk.call("files.write_file", path="tests/test_sums.py", text=TESTS)
    failed = await desk.call("programs.run_tests")
    assert failed.startswith("NOT PASSED: 1 failed\nfailing: tests/test_sums.py::test_add")
    assert "assert -1 == 5" in failed
    await desk.call("files.edit_file", path="sums.py", old="a - b", new="a + b")
    assert (await desk.call("programs.run_tests")).startswith("PASSED: 1 passed")
    assert await desk.call("files.list_files") == "sums.py (32 bytes)\ntests/test_sums.py (65 bytes)"


async def test_no_tests_are_not_passed(desk: Desk) -> None:
    await desk.call("files.write_file", path="a.py", text="x = 1\n")
    assert (await desk.call("programs.run_tests")).startswith("NOT PASSED: no tests ran")


async def test_a_program_gets_arguments_and_input_and_its_files_are_kept_if_asked_for(desk: Desk) -> None:
    program = "import sys\nopen('out.txt', 'w').write(sys.argv[1] + sys.stdin.read())\nprint('done')\n"
    await desk.call("files.write_file", path="p.py", text=program)
    told = await desk.call("programs.run", command=["python", "p.py", "a"], stdin="b")
    assert "exit code 0" in told
    assert "stdout:\ndone" in told
    assert "files changed (not kept; set keep_files to keep them): out.txt" in told
    with pytest.raises(UtilError, match="no file"):
        await desk.call("files.read_file", path="out.txt")
    await desk.call("programs.run", command=["python", "p.py", "a"], stdin="b", keep_files=True)
    assert await desk.text("out.txt") == "ab"


async def test_a_crash_a_hang_and_a_missing_module_are_told(desk: Desk) -> None:
    await desk.call("files.write_file", path="crash.py", text="1 / 0\n")
    assert "ZeroDivisionError" in await desk.call("programs.run", command=["python", "crash.py"])
    await desk.call("files.write_file", path="hang.py", text="print('begun', flush=True)\nwhile True: pass\n")
    told = await desk.call("programs.run", command=["python", "hang.py"], seconds=1)
    assert told.startswith("stopped: over its limit of time")
    assert "begun" in told
    await desk.call("files.write_file", path="lacks.py", text="import numpy\n")
    assert "module not available: numpy (not_approved)" in await desk.call(
        "programs.run", command=["python", "lacks.py"]
    )


async def test_a_command_that_no_engine_runs_is_refused(desk: Desk) -> None:
    with pytest.raises(UtilError, match="cannot be run here"):
        await desk.call("programs.run", command=["bash", "-c", "ls"])
