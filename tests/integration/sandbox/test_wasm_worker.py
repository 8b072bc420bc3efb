"""What a program can do to the worker that runs it, and what the worker hands back of a flood."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from sandbox_adapters import installation, open_sandbox, request

from shared.adapters.sandboxes.wasm import WasmWorkers
from shared.adapters.sandboxes.worker_process import WorkerProcess

#: What a guest may say in place of a request for a child program.
NONSENSE = ["", "nonsense", "[]", "7", "{}", '{"arguments": 7}', "[" * 20_000]


async def test_a_request_that_makes_no_sense_is_a_child_that_fails() -> None:
    sandbox = await open_sandbox("wasm")
    try:
        for said in NONSENSE:
            code = f"import swarmstar_world\nprint(swarmstar_world.run_child({said!r}))\nprint('alive')\n"
            result = await sandbox.run(request("python", "a.py", files={"a.py": code}))
            assert (result.exit_code, result.stopped) == (0, None), said[:20]
            assert result.stdout.endswith("alive\n")
            assert '"exit_code": 1' in result.stdout
    finally:
        await sandbox.close()


async def test_no_more_files_come_back_than_may_be_added() -> None:
    sandbox = await open_sandbox("wasm")
    try:
        code = "for n in range(40): open(f'f{n:02}.txt', 'w').write('x')\n"
        result = await sandbox.run(request("python", "a.py", files={"a.py": code}, new_files=10))
        assert len(result.changed) <= 10
        assert result.stopped == "files" or any("too many" in told for told in result.left_out)
    finally:
        await sandbox.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL there")
async def test_a_worker_that_has_died_is_not_waited_for(tmp_path: Path) -> None:
    kind = WasmWorkers(await installation())
    worker = WorkerProcess(kind.module, kind.told(tmp_path, 1 << 20), tmp_path)
    os.kill(worker.pid, signal.SIGKILL)
    while worker.next_frame(20.0) is not None:
        pass
    began = time.monotonic()
    worker.kill()
    assert time.monotonic() - began < 5.0
