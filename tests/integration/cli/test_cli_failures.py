"""What the user reads when something does not work."""

import socket
from pathlib import Path

import pytest
from canned_api import SWARM_ID, CannedApi, Cli


def test_a_problem_shows_its_detail(cli: Cli) -> None:
    ran = cli("tree", "another")

    assert (ran.code, ran.out, ran.err) == (1, "", "error: There is no such swarm.\n")


def test_an_error_that_is_no_problem_document_shows_the_status(cli: Cli, api: CannedApi) -> None:
    api.refusal = (502, b"<html>Bad gateway</html>", {"content-type": "text/html"})

    assert cli("tree", SWARM_ID).err == "error: The server answered 502 Bad Gateway.\n"


def test_a_missing_key_is_explained(cli: Cli, api: CannedApi) -> None:
    api.refusal = (401, b'{"detail": "No credential."}', {"content-type": "application/problem+json"})

    assert cli("list").err == "error: No credential. Put your key into SWARMSTAR_API_KEY.\n"


def test_the_key_is_sent(cli: Cli, api: CannedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWARMSTAR_API_KEY", "sk-test")

    assert cli("list").code == 0
    assert api.headers["Authorization"] == "Bearer sk-test"


def test_a_key_is_not_sent_in_the_clear_to_another_machine(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWARMSTAR_API_KEY", "sk-test")

    ran = cli("list", "--url", "http://swarmstar.example")

    assert ran.code == 1
    assert "use https" in ran.err


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)

    assert cli("list").code == 0


def test_nothing_listening_says_how_to_start(cli: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"

    ran = cli("list", "--url", url)

    assert ran.code == 1
    assert f"Nothing answers at {url}. Start it with `make dev`" in ran.err


def test_watching_gives_up_when_the_host_stays_away(cli: Cli, api: CannedApi) -> None:
    api.refusal = (503, b'{"detail": "Starting."}', {"retry-after": "1"})

    ran = cli("watch", SWARM_ID, "--patience", "1.5")

    assert ran.code == 1
    assert len(api.received) == 3
    assert ran.err.splitlines()[-1] == "error: Starting."


def test_watching_does_not_retry_what_will_not_pass(cli: Cli, api: CannedApi) -> None:
    ran = cli("watch", "another")

    assert ran.code == 1
    assert len(api.received) == 1


def test_an_answer_of_another_shape_is_an_error(cli: Cli, api: CannedApi) -> None:
    api.refusal = (200, b'{"frame": "x"}', {"content-type": "application/json"})

    ran = cli("tree", SWARM_ID)

    assert ran.code == 1
    assert "does not understand (frame:" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("tree", "../../health"),
        ("node", SWARM_ID, "0/../x"),
        ("run", "  "),
        ("run", "Write.", "--limit", "nodes=many"),
        ("run", "Write.", "--limit", "wishes=3"),
        ("answer", SWARM_ID, "q1", ""),
        ("tree",),
        ("fly", SWARM_ID),
        ("list", "--limit", "0"),
    ],
)
def test_wrong_usage_exits_2_and_asks_the_server_nothing(cli: Cli, api: CannedApi, arguments: tuple[str, ...]) -> None:
    assert cli(*arguments).code == 2
    assert api.received == []


def test_context_that_cannot_be_read_is_named(cli: Cli, api: CannedApi, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.md").touch()

    missing = cli("run", "Write.", "-c", str(tmp_path / "missing.md"))
    same = cli("run", "Write.", "-c", str(tmp_path / "a/same.md"), "-c", str(tmp_path / "b/same.md"))

    assert (missing.code, same.code) == (1, 1)
    assert "missing.md is not a file" in missing.err
    assert "Two context files are named same.md" in same.err
    assert api.received == []
