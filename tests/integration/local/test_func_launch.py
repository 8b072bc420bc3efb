"""`python -m local.func` with a stand-in for Core Tools: what that is told, and how both end."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.emulators import node
from local.func import EXAMPLE, MISSING, SETTINGS
from shared.tenancy.api_keys import digest

ROOT = Path(__file__).parents[3]
#: Writes down what it is told, then answers as the app does until it is interrupted.
STAND_IN = """#!{python}
import http.server, json, os, pathlib, socket, sys

class App(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/api/health" else 404)
        self.end_headers()
    def log_message(self, *words):
        pass

def reached(service):
    parts = dict(part.split("=", 1) for part in os.environ["AzureWebJobsStorage"].split(";"))
    address = parts[service + "Endpoint"].split("/")[2].split(":")
    socket.create_connection((address[0], int(address[1])), timeout=5).close()
    return True

found = {{name: reached(name) for name in ("Blob", "Queue", "Table")}}
told = {{"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd(), "found": found, "pid": os.getpid()}}
pathlib.Path("told.json").write_text(json.dumps(told))
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), App)
try:
    server.serve_forever()
except KeyboardInterrupt:
    pathlib.Path("ended").touch()
    if "STUBBORN" in os.environ:
        sys.exit(7)
"""

Launch = Callable[..., "subprocess.Popen[str]"]

needs_node = pytest.mark.skipif(node() is None and not os.environ.get("CI"), reason="the emulators need Node.js")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    shutil.copy(ROOT / EXAMPLE, folder)
    return folder


@pytest.fixture
def launch(tmp_path: Path, root: Path) -> Iterator[Launch]:
    tools = tmp_path / "tools"
    tools.mkdir()
    stand_in = tools / "func"
    stand_in.write_text(STAND_IN.format(python=sys.executable), encoding="utf-8")
    stand_in.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SWARMSTAR_", "OPENAI_"))}
    kept |= {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    children: list[subprocess.Popen[str]] = []

    def start(*options: str, **env: str) -> "subprocess.Popen[str]":
        child = subprocess.Popen(
            [sys.executable, "-m", "local.func", "--root", str(root), *options],
            cwd=tmp_path,
            env=kept | env,
            umask=0o022,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        children.append(child)
        return child

    yield start
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        child.communicate(timeout=40)


def listening(child: "subprocess.Popen[str]") -> str:
    assert child.stdout is not None
    line = child.stdout.readline()
    assert line.startswith("Listening on http://127.0.0.1:"), child.communicate()[1]
    return line.split()[-1]


@needs_node
def test_the_tools_get_the_app_its_settings_and_storage(launch: Launch, root: Path) -> None:
    port = free_port()
    child = launch("--port", str(port), "--model", "mine", OPENAI_BASE_URL="http://127.0.0.1:9/v1", OPENAI_API_KEY="k")
    assert listening(child) == f"http://127.0.0.1:{port}"
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=40)

    told = json.loads((root / "told.json").read_text())
    env = told["env"]
    key = (root / ".swarmstar" / "api-key").read_text().strip()
    assert child.returncode == 0
    assert (root / "ended").exists()
    assert told["argv"] == ["start", "--port", str(port)]
    assert Path(told["cwd"]) == root
    assert told["found"] == {"Blob": True, "Queue": True, "Table": True}
    assert env["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    assert (env["SWARMSTAR_MODEL"], env["SWARMSTAR_MODEL_BASE_URL"]) == ("mine", "http://127.0.0.1:9/v1")
    assert env["SWARMSTAR_SPACES_DIR"] == str(root / ".swarmstar" / "spaces")
    assert env["SWARMSTAR_LOCAL_KEY_SHA256"] == digest(key)
    made = json.loads((root / SETTINGS).read_text())["Values"]
    assert made == json.loads((root / EXAMPLE).read_text())["Values"] | {"SWARMSTAR_LOCAL_KEY_SHA256": digest(key)}
    assert err.count(key) == 1
    made = [root / SETTINGS, root / ".swarmstar", *(root / ".swarmstar").rglob("*")]
    assert len(made) > 5
    assert [path.name for path in made if path.stat().st_mode & 0o077] == []


@needs_node
def test_settings_that_are_there_stay(launch: Launch, root: Path) -> None:
    values = {"SWARMSTAR_LOCAL_USER": "ada", "SWARMSTAR_MODEL_API_KEY": "k", "SWARMSTAR_MODEL": "theirs"}
    text = json.dumps({"Values": values})
    (root / SETTINGS).write_text(text)
    child = launch("--port", str(free_port()), SWARMSTAR_MODEL="ours")
    listening(child)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=40)

    env = json.loads((root / "told.json").read_text())["env"]
    assert (root / SETTINGS).read_text() == text
    assert "SWARMSTAR_LOCAL_USER" not in env  # the file says it
    assert (env["SWARMSTAR_MODEL"], env["SWARMSTAR_MODEL_API_KEY"]) == ("ours", "k")
    assert len(env["SWARMSTAR_LOCAL_KEY_SHA256"]) == 64
    assert "API key" not in err


@needs_node
def test_it_ends_with_the_tools(launch: Launch, root: Path) -> None:
    child = launch("--port", str(free_port()), OPENAI_API_KEY="k", STUBBORN="1")
    listening(child)
    os.kill(json.loads((root / "told.json").read_text())["pid"], signal.SIGINT)
    child.communicate(timeout=40)
    assert child.returncode == 7


@needs_node
def test_the_emulator_of_cosmos_is_named(launch: Launch, root: Path) -> None:
    child = launch("--port", str(free_port()), "--store", "cosmos", OPENAI_API_KEY="k")
    listening(child)
    env = json.loads((root / "told.json").read_text())["env"]
    assert env["SWARMSTAR_STORE"] == "cosmos"
    assert env["SWARMSTAR_COSMOS_ENDPOINT"].startswith("http://127.0.0.1:")
    assert env["SWARMSTAR_BLOB_ENDPOINT"].startswith("http://127.0.0.1:")


def test_without_the_tools_it_says_what_to_install(launch: Launch, root: Path) -> None:
    child = launch(PATH=str(root))
    out, err = child.communicate(timeout=40)
    assert (child.returncode, out) == (1, "")
    assert err == f"error: {MISSING}\n"
    assert not (root / SETTINGS).exists()


@needs_node
def test_an_account_is_no_emulator(launch: Launch) -> None:
    child = launch("--store", "cosmos", OPENAI_API_KEY="k", COSMOS_ENDPOINT="https://x.documents.azure.com")
    _, err = child.communicate(timeout=40)
    assert child.returncode == 1
    assert "must be an emulator on this machine" in err
    assert "Traceback" not in err


def test_make_looks_for_the_tools_before_it_installs_emulators(tmp_path: Path) -> None:
    """In a folder where npm would leave a mark, with all that comes before it in place."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("package.json", "package-lock.json", "pyproject.toml", *(f.name for f in ROOT.glob("requirements*"))):
        (tmp_path / name).touch()
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("node", "npm"):
        (programs / name).write_text(f"#!/bin/sh\n: > '{tmp_path}/installing'\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    (tmp_path / "ready").touch()
    make = shutil.which("make")
    assert make is not None

    run = subprocess.run(
        [make, "func", f"READY={tmp_path / 'ready'}", f"BIN={Path(sys.executable).parent}"],
        cwd=tmp_path,
        env={"PATH": str(programs), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=40,
    )

    assert run.returncode != 0
    assert f"error: {MISSING}\n" in run.stderr
    assert not (tmp_path / "installing").exists()
