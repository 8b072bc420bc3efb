"""What every sandbox does alike: projects, input, output, files, ends."""

import asyncio
import json
import os
import time
from pathlib import Path

import pytest
from sandbox_adapters import request
from sandbox_projects import COMMAND_LINE, PROJECTS, Project

from shared.sandbox import MissingModule, RunResult, Sandbox


def shown(result: RunResult) -> str:
    """A result for a failed assertion."""
    return f"{result.exit_code} {result.stopped}\n{result.stdout[-3_000:]}\n{result.stderr[-3_000:]}"


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
async def test_tests_of_projects_pass(sandbox: Sandbox, project: Project) -> None:
    result = await sandbox.run(request("pytest", "-q", files=project.files))
    assert result.exit_code == 0, shown(result)
    assert f"{project.tests} passed" in result.stdout
    assert result.changed == {}
    assert result.deleted == frozenset()
    assert (result.missing, result.left_out, result.truncated) == ((), (), False)
    assert result.traits == sandbox.traits
    assert result.used.seconds > 0


async def test_a_program_gets_arguments_input_and_exit_code(sandbox: Sandbox) -> None:
    code = "import sys; print(sys.argv, sys.stdin.read().upper()); print('so', file=sys.stderr); sys.exit(7)"
    result = await sandbox.run(
        request("python", "tell.py", "-x", "a b", "ä", files={"tell.py": code}, stdin="grüße".encode())
    )
    assert (result.exit_code, result.stopped) == (7, None), shown(result)
    assert result.stdout == "['tell.py', '-x', 'a b', 'ä'] GRÜSSE\n"
    assert result.stderr == "so\n"
    assert not result.succeeded


async def test_modules_and_scripts_are_run(sandbox: Sandbox) -> None:
    files = COMMAND_LINE.files | {
        "tools/show.py": "import helper; print(helper.X, __name__)",
        "tools/helper.py": "X = 5",
    }
    added = await sandbox.run(request("python", "-m", "notes", "add", "milk", files=files))
    assert added.exit_code == 0, shown(added)
    assert list(added.changed) == ["notes.json"]
    script = await sandbox.run(request("tools/show.py", files=files))
    assert script.stdout == "5 __main__\n", shown(script)
    typed = await sandbox.run(request("python", stdin=b"print(6 * 7)"))
    assert typed.stdout == "42\n", shown(typed)
    nothing = await sandbox.run(request("python", "absent.py"))
    assert nothing.exit_code == 2
    assert "can't open file" in nothing.stderr


@pytest.mark.parametrize(
    ("ending", "code"),
    [("sys.exit()", 0), ("sys.exit('no')", 1), ("sys.exit(256 + 3)", 3), ("raise ValueError('x')", 1)],
)
async def test_exit_codes(sandbox: Sandbox, ending: str, code: int) -> None:
    result = await sandbox.run(request("python", "-c", f"import sys; {ending}"))
    assert (result.exit_code, result.stopped) == (code, None), shown(result)


async def test_a_traceback_shows_the_program_and_nothing_else(sandbox: Sandbox) -> None:
    files = {"a.py": "import b\nb.f()\n", "b.py": "def f():\n    return 1 / 0\n"}
    result = await sandbox.run(request("python", "a.py", files=files))
    assert "ZeroDivisionError" in result.stderr
    assert "return 1 / 0" in result.stderr
    assert result.stderr.count('File "') == 2, shown(result)


async def test_changed_and_deleted_files_come_back(sandbox: Sandbox) -> None:
    code = """
import os, pathlib
pathlib.Path("kept.txt").write_text("kept")
pathlib.Path("same.txt").write_bytes(pathlib.Path("same.txt").read_bytes())
pathlib.Path("deep/er").mkdir(parents=True)
pathlib.Path("deep/er/new.bin").write_bytes(bytes(range(256)))
pathlib.Path("empty").touch()
os.remove("gone.txt")
os.rename("folder/old.txt", "folder/moved.txt")
os.makedirs("__pycache__"); open("__pycache__/x.pyc", "w").close()
"""
    before = {"run.py": code, "kept.txt": "", "same.txt": "same", "gone.txt": "x", "folder/old.txt": "o"}
    result = await sandbox.run(request("python", "run.py", files=before))
    assert result.exit_code == 0, shown(result)
    assert dict(result.changed) == {
        "kept.txt": b"kept",
        "deep/er/new.bin": bytes(range(256)),
        "empty": b"",
        "folder/moved.txt": b"o",
    }
    assert result.deleted == {"gone.txt", "folder/old.txt"}


async def test_runs_do_not_see_each_other(sandbox: Sandbox) -> None:
    leave = """
import os, sys, tempfile
for folder in (tempfile.gettempdir(), "."):
    open(os.path.join(folder, "left"), "w").close()
os.environ["LEFT"] = sys.modules["left"] = "1"
"""
    look = """
import os, sys, tempfile
print(*(os.path.exists(os.path.join(folder, "left")) for folder in (tempfile.gettempdir(), ".")))
print("LEFT" in os.environ, "left" in sys.modules)
"""
    first = await sandbox.run(request("python", "-c", leave))
    second = await sandbox.run(request("python", "-c", look))
    assert list(first.changed) == ["left"], shown(first)
    assert second.stdout == "False False\nFalse False\n", shown(second)


async def test_own_modules_stand_before_others_of_the_same_name(sandbox: Sandbox) -> None:
    files = {
        "main.py": "import calendar, queue; print(calendar.X, queue.X)",
        "calendar.py": "X = 1",
        "queue/__init__.py": "X = 2",
    }
    result = await sandbox.run(request("python", "main.py", files=files))
    assert result.stdout == "1 2\n", shown(result)


@pytest.mark.parametrize(
    "hang",
    [
        "while True: pass",
        "import time; time.sleep(60)",
        "import threading; threading.Event().wait(60)",
        "sum(iter(int, 1))",
    ],
    ids=["busy", "asleep", "waiting", "in C"],
)
async def test_a_hanging_test_ends_in_time_and_its_output_is_kept(sandbox: Sandbox, hang: str) -> None:
    files = {
        "test_it.py": f"def test_first():\n    print('one')\n\n\ndef test_hangs():\n    print('here')\n    {hang}\n"
    }
    began = time.monotonic()
    result = await sandbox.run(request("pytest", "-q", "-s", files=files, seconds=2))
    assert result.stopped == "time", shown(result)
    assert result.exit_code is None
    assert "one" in result.stdout
    assert "here" in result.stdout
    assert time.monotonic() - began < 2 + 3


async def test_output_is_kept_from_both_ends(sandbox: Sandbox) -> None:
    code = "print('first'); [print('x' * 99) for _ in range(500)]; print('last')"
    result = await sandbox.run(request("python", "-c", code, output=4_000))
    assert (result.exit_code, result.truncated) == (0, True), shown(result)
    assert result.stdout.startswith("first\n")
    assert result.stdout.endswith("last\n")
    assert "bytes left out ...]" in result.stdout
    assert len(result.stdout) < 4_200
    assert result.used.output == 500 * 100 + 11


async def test_a_program_that_writes_without_end_is_stopped(sandbox: Sandbox) -> None:
    result = await sandbox.run(request("python", "-c", "while True: print('x' * 9_999)", output=10_000))
    assert (result.stopped, result.truncated) == ("output", True), shown(result)


async def test_memory_is_bounded(sandbox: Sandbox) -> None:
    code = "kept = []\nwhile True: kept.append(bytearray(b'x' * (1 << 20)))"
    result = await sandbox.run(request("python", "-c", code, memory=128 << 20))
    assert result.stopped == "memory" or (result.exit_code == 1 and "MemoryError" in result.stderr), shown(result)


async def test_disk_and_files_are_bounded(sandbox: Sandbox) -> None:
    big = """
import time
for n in range(400):
    with open(f"f{n}", "wb") as file:
        file.write(bytes(range(256)) * 4096)
    time.sleep(0.005)
"""
    result = await sandbox.run(request("python", "-c", big, disk=8 << 20))
    assert result.stopped == "disk", shown(result)
    many = "import time\nfor n in range(100_000):\n  open(f'f{n}', 'w').close()"
    result = await sandbox.run(request("python", "-c", many, new_files=50))
    assert result.stopped == "files", shown(result)
    one = "with open('f', 'wb') as file:\n  for n in range(100): file.write(bytes(100_000))"
    result = await sandbox.run(request("python", "-c", one, file_size=1 << 20))
    assert not result.succeeded
    assert len(result.changed.get("f", b"")) <= 1 << 20


async def test_what_is_missing_is_named(sandbox: Sandbox) -> None:
    files = {
        "a.py": "import numpy",
        "b.py": "from fantasy_library.part import thing",
        "c.py": "import house_tool",
        "requirements.txt": "house-tool>=1\n",
        "test_d.py": "import pandas\n\ndef test(): pass\n",
        "e.py": "try:\n    import ujson\nexcept ImportError:\n    pass\nprint('fine')",
        "f.py": "print(\"ModuleNotFoundError: No module named 'numpy'\"); raise SystemExit(1)",
    }
    expected = {
        ("python", "a.py"): (MissingModule("numpy", "not_approved"),),
        ("python", "b.py"): (MissingModule("fantasy_library", "unknown"),),
        ("python", "c.py"): (MissingModule("house_tool", "not_approved"),),
        ("pytest", "test_d.py"): (MissingModule("pandas", "not_approved"),),
        ("python", "e.py"): (),
        ("python", "-m", "absent_module"): (MissingModule("absent_module", "unknown"),),
    }
    for command, missing in expected.items():
        result = await sandbox.run(request(*command, files=files))
        assert result.missing == missing, (command, shown(result))
    alone = await sandbox.run(request("python", "f.py", files={"f.py": files["f.py"]}))
    assert alone.missing == ()


async def test_a_cancelled_run_is_killed_before_the_call_returns(sandbox: Sandbox) -> None:
    await sandbox.run(request("python", "-c", "1"))
    before = processes()
    running = asyncio.create_task(sandbox.run(request("python", "-c", "while True: pass", seconds=60)))
    await asyncio.sleep(0.5)
    began = time.monotonic()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert time.monotonic() - began < 2
    assert busy_since(before) == []
    assert (await sandbox.run(request("python", "-c", "print(1)"))).stdout == "1\n"


async def test_versions_are_told(sandbox: Sandbox) -> None:
    code = "import json, platform; print(json.dumps(platform.python_version()))"
    result = await sandbox.run(request("python", "-c", code))
    assert json.loads(result.stdout) == result.traits.versions["python"]


def processes() -> set[int]:
    """Ids of the children of this process, and of theirs."""
    found: set[int] = set()
    waiting = [os.getpid()]
    while waiting:
        for children in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            waiting += [pid for pid in map(int, children.read_text().split()) if pid not in found]
        found.update(waiting)
    return found


def busy_since(before: set[int]) -> list[int]:
    """Of the children that were there or are new, those that use the processor."""
    used = {pid: _ticks(pid) for pid in processes() | before}
    time.sleep(0.3)
    return [pid for pid, ticks in used.items() if _ticks(pid) > ticks + 10]


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])
