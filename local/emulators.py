"""Servers that stand in for Azure on one's own machine and in the tests: Cosmos DB and Storage, from npm.

`npm ci` brings them, pinned by the lock file. Each runs as a child process on a free loopback port, keeps
everything in memory and ends with its parent.
"""

import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from base64 import b64encode
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread, Timer
from typing import IO

from shared.errors import Unavailable

MODULES = Path(__file__).resolve().parents[1] / "node_modules"
START_TIMEOUT = 60.0
STOP_TIMEOUT = 5.0

_COSMOS = ("@vercel/cosmosdb-server/lib/cli.js", "--no-ssl", "--host", "127.0.0.1", "--port", "0")
_BLOB = (
    *("azurite/dist/src/blob/main.js", "--blobHost", "127.0.0.1", "--blobPort", "0"),
    *("--inMemoryPersistence", "--extentMemoryLimit", "1024", "--disableTelemetry", "--skipApiVersionCheck"),
)
_STORAGE = ("azurite/dist/src/azurite.js", "--disableTelemetry", "--skipApiVersionCheck")
#: What each server says when it can be reached.
_ADDRESS = re.compile(r"(?:connections at |listens on http://|listening (?:at|on) http://)(127\.0\.0\.1:[1-9]\d*)")
#: A server ends when its input does, so that none outlives a parent that was killed.
_END_WITH_PARENT = "data:text/javascript,process.stdin.on('end',()=>process.exit(0)).resume()"
_TAIL = 20


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running server, and the key of its account, which lives no longer than the server."""

    endpoint: str
    key: str = field(repr=False)


def node() -> str | None:
    """The program that runs the emulators, or None where there is none."""
    return shutil.which("node")


@contextmanager
def cosmos_emulator() -> Iterator[Emulator]:
    """A Cosmos DB account; raises `Unavailable` that says what is missing."""
    with _serving(_COSMOS, {}) as address:
        yield Emulator(f"http://{address}", _new_key())  # it takes any key


@contextmanager
def blob_emulator() -> Iterator[Emulator]:
    """A storage account with Blob Storage; raises `Unavailable` that says what is missing."""
    account, key = "swarmstar", _new_key()
    with _serving(_BLOB, {"AZURITE_ACCOUNTS": f"{account}:{key}"}) as address:
        yield Emulator(f"http://{address}/{account}", key)


@contextmanager
def storage_emulator(folder: Path) -> Iterator[str]:
    """The connection string of a storage account with blobs, queues and tables, which are kept in `folder`.

    That is what the Functions host needs. Raises `Unavailable` that says what is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    account, key = "swarmstar", _new_key()
    ports = dict(zip(("blob", "queue", "table"), _free_ports(3), strict=True))
    options = [word for name, port in ports.items() for word in (f"--{name}Port", str(port))]
    hosts = [word for name in ports for word in (f"--{name}Host", "127.0.0.1")]
    settings = {"AZURITE_ACCOUNTS": f"{account}:{key}"}
    with _serving((*_STORAGE, "--location", str(folder), *options, *hosts), settings):
        for port in ports.values():
            _await_port(port)
        places = [f"{name.title()}Endpoint=http://127.0.0.1:{port}/{account}" for name, port in ports.items()]
        yield ";".join(["DefaultEndpointsProtocol=http", f"AccountName={account}", f"AccountKey={key}", *places])


def _free_ports(count: int) -> list[int]:
    """Ports that nobody uses; the table service cannot tell which one it took, so all are chosen before."""
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(one.getsockname()[1]) for one in taken]


def _await_port(port: int) -> None:
    """Wait until a server takes connections; raises `Unavailable`."""
    late = time.monotonic() + START_TIMEOUT
    while time.monotonic() < late:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise Unavailable(f"an emulator does not answer on port {port}")


def _new_key() -> str:
    return b64encode(secrets.token_bytes(64)).decode()


@contextmanager
def _serving(command: tuple[str, ...], settings: Mapping[str, str]) -> Iterator[str]:
    """The address of a server that runs until the context ends."""
    program, script = node(), MODULES / command[0]
    if program is None:
        raise Unavailable("the emulators need Node.js 20 or later, and there is no `node` on the path")
    if not script.exists():
        raise Unavailable("the emulators are not installed: run `npm ci --ignore-scripts`")
    child = subprocess.Popen(  # noqa: S603 - nothing in the command comes from outside
        (program, "--import", _END_WITH_PARENT, str(script), *command[1:]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **settings},
        start_new_session=True,  # a Ctrl-C at the terminal is for the parent, which then ends the child in order
    )
    try:
        yield _address(child)
    finally:
        _end(child)


def _address(child: "subprocess.Popen[str]") -> str:
    """Where the child serves, once it says so; from then on a thread drains what else it says."""
    assert child.stdout is not None
    said: deque[str] = deque(maxlen=_TAIL)
    impatience = Timer(START_TIMEOUT, child.kill)
    impatience.start()
    try:
        for line in child.stdout:
            said.append(line.strip()[:300])
            if found := _ADDRESS.search(line):
                Thread(target=_drain, args=(child.stdout,), daemon=True).start()
                return found[1]
    finally:
        impatience.cancel()
    child.stdout.close()
    raise Unavailable(f"an emulator did not start: {' '.join(said)[-500:]}")


def _drain(stream: IO[str]) -> None:
    with stream:
        for _ in stream:
            pass


def _end(child: "subprocess.Popen[str]") -> None:
    """Close the child's input, which ends it; kill it if that does not."""
    assert child.stdin is not None
    child.stdin.close()
    try:
        child.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
