import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from urllib.parse import urlsplit

import pytest

from local import emulators
from local.emulators import Emulator, blob_emulator, cosmos_emulator, node
from shared.errors import Unavailable

pytestmark = pytest.mark.skipif(node() is None and not os.environ.get("CI"), reason="the emulators need Node.js")

KINDS: list[Callable[[], AbstractContextManager[Emulator]]] = [cosmos_emulator, blob_emulator]


def answers(endpoint: str) -> bool:
    address = urlsplit(endpoint)
    try:
        socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_it_serves_until_its_context_ends(kind: Callable[[], AbstractContextManager[Emulator]]) -> None:
    with kind() as one, kind() as other:
        assert one.endpoint != other.endpoint
        assert answers(one.endpoint)
        assert one.key not in repr(one)
    assert not answers(one.endpoint)
    assert not answers(other.endpoint)


@pytest.mark.parametrize("kind", ["cosmos_emulator", "blob_emulator"])
async def test_it_does_not_outlive_a_parent_that_is_killed(kind: str) -> None:
    code = f"from local.emulators import *\nwith {kind}() as it: print(it.endpoint, flush=True); input()"
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    endpoint = (await asyncio.wait_for(parent.stdout.readline(), 60)).decode().strip()
    assert answers(endpoint)
    parent.send_signal(signal.SIGKILL)
    await parent.communicate()
    for _ in range(100):
        if not answers(endpoint):
            return
        await asyncio.sleep(0.1)
    pytest.fail("the server is still there")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_missing_is_said(
    kind: Callable[[], AbstractContextManager[Emulator]], monkeypatch: pytest.MonkeyPatch, tmp_path: os.PathLike[str]
) -> None:
    monkeypatch.setattr(emulators, "MODULES", tmp_path)
    with pytest.raises(Unavailable, match="npm ci"), kind():
        pass
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match=r"Node\.js"), kind():
        pass


def test_a_server_that_breaks_at_once_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulators, "_COSMOS", (emulators._COSMOS[0], "--no-ssl", "--port", "99999"))
    with pytest.raises(Unavailable, match="ERR_SOCKET_BAD_PORT"), cosmos_emulator():
        pass
