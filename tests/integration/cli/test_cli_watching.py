"""Watching as a real process: in a terminal, through Ctrl-C and through a restart of the host."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from canned_api import BLOCKED, HISTORY, SWARM_ID, CannedApi, swarm

COMMAND = [sys.executable, "-m", "cli.main"]


@pytest.fixture
def running(api: CannedApi) -> CannedApi:
    """A swarm that goes on until a test ends it."""
    api.swarm, api.events, api.ended = swarm("running"), HISTORY[:4], False
    return api


def finish(api: CannedApi) -> None:
    api.swarm = swarm()
    api.events, api.ended = HISTORY, True


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [*COMMAND, *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SWARMSTAR_")}
    return kept | {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "error"} | more


def read_until(child: subprocess.Popen[str], part: str) -> str:
    assert child.stdout is not None
    read = ""
    while part not in read:
        line = child.stdout.readline()
        assert line, f"ended before {part!r}: {read}"
        read += line
    return read


def test_ctrl_c_leaves_the_swarm_running_and_says_how_to_come_back(running: CannedApi) -> None:
    with process("watch", SWARM_ID, "--url", running.url) as child:
        read_until(child, "0.0.0")
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=10)

    assert child.returncode == 130
    assert f"The swarm goes on. Come back: swarmstar watch {SWARM_ID}" in err
    assert "Traceback" not in err
    assert all(method == "GET" for method, _, _ in running.received)


def test_watching_survives_a_restart_of_the_host(running: CannedApi) -> None:
    with process("watch", SWARM_ID, "--url", running.url, "--patience", "30") as child:
        read_until(child, "0.0.0")
        running.stop()
        time.sleep(1.2)
        finish(running)
        running.start()
        out, err = child.communicate(timeout=20)

    assert child.returncode == 0
    assert "Trying again for" in err
    assert out.splitlines()[-1] == "All is written."
    frames = [int(match) for _, path, _ in running.received for match in re.findall(r"events\?after=(\d+)", path)]
    assert frames == sorted(frames)


def test_watching_says_when_the_swarm_is_paused_and_when_it_goes_on(running: CannedApi) -> None:
    with process("watch", SWARM_ID, "--url", running.url) as child:
        read_until(child, "0.0.0")
        assert child.stderr is not None
        running.swarm = swarm("running", paused=True)
        paused = child.stderr.readline()
        running.swarm = swarm("running")
        resumed = child.stderr.readline()
        finish(running)
        child.communicate(timeout=20)

    assert paused == f"The swarm is paused; go on with it: swarmstar resume {SWARM_ID}.\n"
    assert resumed == "The swarm is resumed.\n"


def in_terminal(api: CannedApi, *arguments: str, until: str, then: Callable[[], None] | None = None) -> tuple[str, int]:
    """What a terminal of 100 by 30 gets to see; `then` is called once `until` was seen."""
    ours, theirs = pty.openpty()
    env = environment(TERM="xterm-256color", COLUMNS="100", LINES="30", SWARMSTAR_URL=api.url)
    child = subprocess.Popen([*COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    seen, deadline = b"", time.monotonic() + 20
    try:
        while time.monotonic() < deadline:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    seen += os.read(ours, 65536)
                except OSError:  # the terminal's other end is closed
                    break
            if then and until in seen.decode(errors="replace"):
                then()
                then = None
        return seen.decode(errors="replace"), child.wait(5)
    finally:
        child.kill()
        child.wait()
        os.close(ours)


def test_a_terminal_gets_a_live_tree_with_open_questions(running: CannedApi) -> None:
    running.events = BLOCKED

    shown, code = in_terminal(running, "watch", SWARM_ID, until="Which currency?", then=lambda: finish(running))

    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert code == 0
    assert "\x1b[" in shown
    assert "└─ ? 0.0.0 write python" in text
    assert f'swarmstar answer {SWARM_ID} q1 "…"' in text
    assert "2 nodes · 1 blocked · 1 waiting" in text
    final = text[text.rindex("✓ swarm") :]
    assert "└─ ✓ 0.0.0 write python" in final
    assert "2 nodes · 2 terminated" in final
    assert "Which currency?" not in final
    assert final.rstrip().endswith("All is written.")


def test_colour_is_left_out_where_it_is_not_wanted(api: CannedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    shown, code = in_terminal(api, "tree", SWARM_ID, until="")

    assert code == 0
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", shown)
