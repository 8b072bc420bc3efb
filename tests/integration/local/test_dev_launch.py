"""`python -m local.dev` as a real process: what its app is told, and how it ends."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

APP = """
import json, os
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="told", methods=["GET"])
def told(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps({k: v for k, v in os.environ.items() if k.startswith("SWARMSTAR_")}))
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts it in a folder of its own with a small app, and no model configured but by `env`."""
    root = tmp_path / "app"
    root.mkdir()
    (root / "function_app.py").write_text(APP, encoding="utf-8")
    (root / "host.json").write_text('{"version": "2.0"}', encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SWARMSTAR_", "OPENAI_"))}
    children: list[subprocess.Popen[str]] = []

    def launch(*options: str, **env: str) -> "subprocess.Popen[str]":
        child = subprocess.Popen(
            [sys.executable, "-m", "local.dev", "--root", str(root), "--port", "0", *options],
            cwd=tmp_path,
            env=kept | env,
            umask=0o022,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        children.append(child)
        return child

    yield launch
    for child in children:
        child.kill()
        with child:  # closes its pipes
            pass


def address(child: "subprocess.Popen[str]") -> str:
    assert child.stdout is not None
    line = child.stdout.readline()
    assert line.startswith("Listening on http://127.0.0.1:"), child.communicate()[1]
    return line.split()[-1]


def test_the_app_is_told_its_model_and_its_folder(start: Start, tmp_path: Path) -> None:
    child = start("--model", "mine", OPENAI_BASE_URL="http://127.0.0.1:9/v1", OPENAI_API_KEY="secret")

    with urlopen(f"{address(child)}/api/told", timeout=10) as response:
        told = json.load(response)
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=15)

    assert child.returncode == 0
    assert told["SWARMSTAR_MODEL_BASE_URL"] == "http://127.0.0.1:9/v1"
    assert told["SWARMSTAR_MODEL_API_KEY"] == "secret"
    assert told["SWARMSTAR_MODEL"] == "mine"
    assert told["SWARMSTAR_SPACES_DIR"] == str(tmp_path / ".swarmstar" / "spaces")
    assert (tmp_path / ".swarmstar" / "host.db").is_file()
    assert "Model: mine at http://127.0.0.1:9/v1" in err
    assert "secret" not in err


def test_its_files_are_its_users_alone(start: Start, tmp_path: Path) -> None:
    """Among them the database of a host that has not come to move its log into it."""
    child = start(OPENAI_API_KEY="secret")
    address(child)

    folder = tmp_path / ".swarmstar"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
    assert modes.keys() >= {"host.db", "host.db-wal", "host.db-shm", "host.db.lock", "api-key"}
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}


def test_it_ends_with_whoever_started_it(start: Start) -> None:
    child = start("--with-parent", OPENAI_API_KEY="secret")
    address(child)

    assert child.stdin is not None
    child.stdin.close()

    assert child.wait(15) == 0


def test_an_unknown_offline_model_is_one_line(start: Start) -> None:
    child = start("--offline", "--model", "huge", OPENAI_API_KEY="secret")

    _, err = child.communicate(timeout=15)

    assert child.returncode == 1
    assert err.startswith("error: no offline model called 'huge'; there are qwen2.5-coder-1.5b")
    assert "Traceback" not in err


def test_a_second_one_says_so_before_anything_else(start: Start, tmp_path: Path) -> None:
    first = start(OPENAI_API_KEY="secret")
    address(first)

    second = start(OPENAI_API_KEY="secret")
    _, err = second.communicate(timeout=15)

    assert second.returncode == 1
    database = tmp_path / ".swarmstar" / "host.db"
    assert err.startswith(f"error: another host (process {first.pid}) already uses {database}; stop it")
    assert len(err.splitlines()) == 1


def test_a_port_in_use_is_said_before_anything_else(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        child = start("--port", str(port), OPENAI_API_KEY="secret")
        _, err = child.communicate(timeout=15)

    assert child.returncode == 1
    assert err.startswith(f"error: port {port} of 127.0.0.1 cannot be listened on (Address already in use)")
    assert len(err.splitlines()) == 1
