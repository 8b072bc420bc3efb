"""The host as a process: its command line, its signals, and kill -9 at any time."""

import asyncio
import contextlib
import json
import os
import random
import signal
import sqlite3
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiohttp

APPS = Path(__file__).parent / "apps"
KEY = "a-key-for-this-test-only"
EXPECTED = {"fan": 1560, "nest": 336, "retries": 12, "generations": 156, "events": [0, 1, 2]}
INPUTS = {"nest": 3, "generations": [12, 0]}


class Process:
    """A host process on a state file."""

    def __init__(self, app: str, folder: Path) -> None:
        self.state = folder / "host.db"
        self.environment = os.environ | {
            "SWARMSTAR_HOST_KEY": KEY,
            "CRASH_FOLDER": str(folder),
            "NIGHTLY": "0 0 3 * * *",
        }
        self.arguments = ["-m", "local.host", "--root", str(APPS / app), "--port", "0", "--state", str(self.state)]

    async def start(self) -> str:
        """Start it and return its address once it says that it listens."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self.arguments,
            env=self.environment,
            cwd=Path(__file__).parents[4],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert self.process.stdout is not None
        async with asyncio.timeout(20):
            line = (await self.process.stdout.readline()).decode()
        if not line.startswith("Listening on "):
            raise AssertionError((await self.process.communicate())[1].decode())
        return line.removeprefix("Listening on ").strip()

    async def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal and return the exit status and what it wrote to stderr."""
        self.process.send_signal(number)
        async with asyncio.timeout(10):
            _, errors = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, errors.decode()


async def request(url: str, method: str, path: str, body: Any = None) -> Any:
    """A management request; the reply's JSON."""
    address = f"{url}/runtime/webhooks/durabletask/{path}"
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, address, params={"code": KEY}, json=body) as reply,
    ):
        assert reply.status < 300, await reply.text()
        text = await reply.text()
        return json.loads(text) if text else None


async def begin_all(url: str) -> dict[str, str]:
    """Four orchestrations of each kind; their kinds by id."""
    instances = {f"{name}-{number}": name for number in range(4) for name in EXPECTED}
    for instance, name in instances.items():
        await request(url, "POST", f"orchestrators/{name}/{instance}", INPUTS.get(name))
    for number in range(4):
        for value in range(3):
            await request(url, "POST", f"instances/events-{number}/raiseEvent/early", value)
    return instances


async def outputs_of(url: str, instances: Iterable[str]) -> dict[str, Any]:
    """The output of each, once it has ended."""
    outputs: dict[str, Any] = {}
    async with asyncio.timeout(30):
        for instance in instances:
            while instance not in outputs:
                status = await request(url, "GET", f"instances/{instance}")
                if status["runtimeStatus"] in ("Running", "Pending"):
                    await asyncio.sleep(0.05)
                else:
                    outputs[instance] = status["output"]
    return outputs


async def test_kill_9_at_any_time_loses_nothing_and_repeats_no_result(tmp_path):
    chance = random.Random(7)
    host = Process("crash", tmp_path)
    url = await host.start()
    instances = await begin_all(url)
    for _ in range(6):
        await asyncio.sleep(chance.uniform(0, 0.15))
        assert (await host.end(signal.SIGKILL))[0] == -signal.SIGKILL
        url = await host.start()
    outputs = await outputs_of(url, instances)
    code, errors = await host.end(signal.SIGTERM)
    assert outputs == {instance: EXPECTED[name] for instance, name in instances.items()}
    assert (code, "Traceback" in errors) == (0, False), errors
    with contextlib.closing(sqlite3.connect(host.state)) as db:
        for table in ("inbox", "work", "timers"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_sigterm_ends_in_order_and_says_what_it_is(tmp_path):
    host = Process("web", tmp_path)
    url = await host.start()
    assert url.startswith("http://127.0.0.1:")
    async with aiohttp.ClientSession() as session, session.get(f"{url}/api/who") as reply:
        assert reply.status == 200
    code, errors = await host.end(signal.SIGTERM)
    assert code == 0
    assert "this is a development host" in errors
    assert "app: asked who" in errors
    assert "INFO    swarmstar.host: GET who 200" in errors


async def test_a_host_that_cannot_run_says_why_in_one_line(tmp_path):
    first = Process("web", tmp_path)
    await first.start()
    second = Process("web", tmp_path)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *second.arguments, env=second.environment, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.decode().startswith(f"The host cannot run: another host (process {first.process.pid}) already uses")
    assert (await first.end(signal.SIGINT))[0] == 0


async def test_an_activity_that_kills_the_host_is_given_up(tmp_path):
    (tmp_path / "function_app.py").write_text(
        "import os\n"
        "import azure.durable_functions as df\n"
        "app = df.DFApp()\n"
        "@app.activity_trigger(input_name='path')\n"
        "async def deadly(path: str) -> str:\n"
        "    with open(path, 'a') as file:\n"
        "        file.write('x')\n"
        "    os._exit(9)\n"
        "@app.orchestration_trigger(context_name='context')\n"
        "def tries(context):\n"
        "    try:\n"
        "        yield context.call_activity('deadly', context.get_input())\n"
        "    except Exception as error:\n"
        "        return str(error).strip()\n"
    )
    count = tmp_path / "count"
    host = Process(str(tmp_path), tmp_path)
    url = await host.start()
    await request(url, "POST", "orchestrators/tries/one", str(count))
    status = await outlive(host)
    assert status["output"] == "Activity function 'deadly' failed:  the host has ended 5 times during it"
    assert count.read_text() == "x" * 5
    await host.end(signal.SIGTERM)


async def outlive(host: Process) -> Any:
    """Start the host again whenever it has died, until its orchestration has ended."""
    for _ in range(10):
        await host.process.communicate()
        try:
            url = await host.start()
            while True:
                status = await request(url, "GET", "instances/one")
                if status["runtimeStatus"] == "Completed":
                    return status
                await asyncio.sleep(0.05)
        except (AssertionError, aiohttp.ClientError):
            continue
    raise AssertionError("it keeps dying")


async def test_sigterm_does_not_wait_for_an_activity_and_keeps_its_work(tmp_path):
    host = Process("crash", tmp_path)
    url = await host.start()
    await request(url, "POST", "orchestrators/blocked/one", 60)
    report = f"{url}/admin/host/status?code={KEY}"
    async with aiohttp.ClientSession() as session, asyncio.timeout(10):
        while True:
            async with session.get(report) as reply:
                if (await reply.json())["activities_running"] == 1:
                    break
    assert (await host.end(signal.SIGTERM))[0] == 0
    with contextlib.closing(sqlite3.connect(host.state)) as db:
        assert db.execute("SELECT name, crashes FROM work").fetchall() == [("block", 0)]
