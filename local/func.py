"""`python -m local.func`: the app under Azure Functions Core Tools, on emulators of this machine."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from cli.options import KEY_FILE
from cli.output import remark
from cli.private_files import set_private_umask
from local.dev.endpoint import Endpoint, configured, offline
from local.dev.environment import app_environment
from local.dev.key import local_key
from local.dev.stores import Store, kept_in
from local.emulators import storage_emulator
from shared.errors import InvalidInput, SwarmStarError, Unavailable
from shared.tenancy.api_keys import digest

#: The checkout, where function_app.py and host.json lie.
HOME = Path(__file__).resolve().parents[1]
SETTINGS = "local.settings.json"
EXAMPLE = f"{SETTINGS}.example"
MISSING = """\
Azure Functions Core Tools are not installed: there is no `func` on the path. Install version 4 with one of
  npm install --global azure-functions-core-tools@4        (Node 22 or newer)
  brew tap azure/functions && brew install azure-functions-core-tools@4
  winget install Microsoft.Azure.FunctionsCoreTools
or from Microsoft's package repository on Debian and Ubuntu
  sudo apt-get install azure-functions-core-tools-4        (after adding packages.microsoft.com)
Without them `make dev` runs the same app on the embedded host."""
_STOP_SECONDS = 30.0
_KEY_HASH = "SWARMSTAR_LOCAL_KEY_SHA256"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def func(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Where it listens on this machine.")] = 7071,
    root: Annotated[Path, typer.Option(help="Where function_app.py and host.json lie.")] = HOME,
    model: Annotated[str | None, typer.Option(help="The endpoint's model, or an offline one by its name.")] = None,
    store: Annotated[Store, typer.Option(help="Files, or the emulators of Cosmos DB and Blob Storage.")] = Store.SQLITE,
    check: Annotated[bool, typer.Option("--check", help="Only see that Core Tools are installed.")] = False,
) -> None:
    """Run the app under `func start`; Ctrl-C ends it."""
    program = shutil.which("func")
    if program is None:
        raise Unavailable(MISSING)
    if check:
        return
    root = root.resolve()
    known = _settings(root) | os.environ
    endpoint = configured(known, model)
    storage = root / ".swarmstar" / "azurite"
    with (
        storage_emulator(storage) as connection,
        kept_in(store) as kept,
        offline(model) if endpoint is None else nullcontext(endpoint) as chosen,
    ):
        typer.echo(chosen.notice, err=True)
        environment = _environment(root, known, chosen) | kept | {"AzureWebJobsStorage": connection}
        status = _run([program, "start", "--port", str(port)], root, environment, port)
    raise SystemExit(status)


def _settings(root: Path) -> dict[str, str]:
    """What `local.settings.json` sets; it is made from the example, with a key of this machine, if there is none."""
    path = root / SETTINGS
    hashed = {_KEY_HASH: digest(local_key(root / KEY_FILE))}
    if not path.exists():
        document = _read(root / EXAMPLE)
        document["Values"] |= hashed
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        key = (root / KEY_FILE).read_text(encoding="ascii").strip()
        typer.echo(f"Made {SETTINGS}. API key: {key} (in {KEY_FILE}, where `swarmstar` finds it)", err=True)
    return hashed | {name: str(value) for name, value in _read(path)["Values"].items() if value != ""}


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise InvalidInput(f"{path.name} is not JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("Values"), dict):
        raise InvalidInput(f"{path.name} has no object `Values`")
    return document


def _environment(root: Path, known: Mapping[str, str], endpoint: Endpoint) -> dict[str, str]:
    """The environment of `func`, which goes before local.settings.json: the Python of this process, and the model."""
    binaries = str(Path(sys.executable).parent)
    python = {"VIRTUAL_ENV": sys.prefix, "PATH": os.pathsep.join((binaries, os.environ.get("PATH", "")))}
    spaces = root / ".swarmstar" / "spaces"
    key = {_KEY_HASH: known[_KEY_HASH]}  # one that is written down nowhere is asked for as well
    return {**os.environ, **app_environment(endpoint, spaces, known), **key, **python}


def _run(command: list[str], root: Path, environment: Mapping[str, str], port: int) -> int:
    """Run it until it ends or this process is told to end; its exit status, 0 when it was told to."""
    # In a session of its own, so that a Ctrl-C reaches it once: from here.
    child = subprocess.Popen(command, cwd=root, env=environment, start_new_session=True)  # noqa: S603 - our own words
    threading.Thread(target=_announce, args=(child, port), daemon=True).start()
    told = False
    with _signals() as asked:
        while child.poll() is None:
            if asked.wait(0.2):
                told = True
                _stop(child)
    return 0 if told else child.returncode


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set while the context lasts."""
    asked = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(child: "subprocess.Popen[bytes]") -> None:
    """End it in order, as Ctrl-C does; what does not end in time is killed with its workers."""
    os.killpg(child.pid, signal.SIGINT)
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _announce(child: "subprocess.Popen[bytes]", port: int) -> None:
    """Write the line that scripts wait for, once the app answers."""
    while child.poll() is None:
        if _healthy(port):
            typer.echo(f"Listening on http://127.0.0.1:{port}")
            return
        time.sleep(0.2)


def _healthy(port: int) -> bool:
    """Whether the app answers; it does not while it loads."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/api/health")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def main() -> None:
    """Run it; what goes wrong is one message, not a traceback."""
    set_private_umask()
    try:
        app()
    except (SwarmStarError, OSError) as error:
        remark(f"error: {error}")
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
