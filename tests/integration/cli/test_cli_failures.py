"""What the user reads when something does not work."""

import socket
from pathlib import Path

import pytest
from canned_api import SWARM_ID, CannedApi, Cli

from cli.api import MAX_ARCHIVE
from cli.context import MAX_DOCUMENT, MAX_DOCUMENTS, MAX_DOCUMENTS_BYTES, MAX_MEMORY, MAX_PAYLOAD
from cli.transport import MAX_BODY
from functions._requests import MAX_SWARM_BODY
from shared.archives import model as archive
from shared.hooks import payloads
from shared.usecases import context_documents, memory


def test_a_problem_shows_its_detail(cli: Cli) -> None:
    ran = cli("tree", "another")

    assert (ran.code, ran.out, ran.err) == (1, "", "error: There is no such swarm.\n")


def test_an_error_that_is_no_problem_document_shows_the_status(cli: Cli, api: CannedApi) -> None:
    api.refusal = (502, b"<html>Bad gateway</html>", {"content-type": "text/html"})

    assert cli("tree", SWARM_ID).err == "error: The server answered 502 Bad Gateway.\n"


def refuse_the_key(api: CannedApi) -> None:
    api.refusal = (401, b'{"detail": "No credential."}', {"content-type": "application/problem+json"})


def test_a_missing_key_is_explained_with_where_it_was_looked_for(cli: Cli, api: CannedApi, tmp_path: Path) -> None:
    refuse_the_key(api)
    key_file = tmp_path / ".swarmstar" / "api-key"

    none = cli("list").err
    key_file.parent.mkdir()
    key_file.write_text("of-another-deployment\n", encoding="ascii")
    refused = cli("list").err

    assert none.startswith("error: No credential. There is no key: SWARMSTAR_API_KEY is not set, and ")
    assert f"{key_file} holds none" in none
    assert refused == f"error: No credential. The key that was sent lies in {key_file}.\n"


def test_a_refused_key_of_the_environment_is_named(cli: Cli, api: CannedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_the_key(api)
    monkeypatch.setenv("SWARMSTAR_API_KEY", "old")

    assert cli("list").err == "error: No credential. The key that was sent is that of SWARMSTAR_API_KEY.\n"


def test_white_space_around_a_key_is_not_sent(cli: Cli, api: CannedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWARMSTAR_API_KEY", " sk-test\r\n")

    assert cli("list").code == 0
    assert api.headers["Authorization"] == "Bearer sk-test"


@pytest.mark.parametrize("key", ["öö", "two words", "bell\x07", "\udcff"])
def test_a_malformed_key_is_said_and_not_sent(
    cli: Cli, api: CannedApi, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("SWARMSTAR_API_KEY", key)

    ran = cli("list")

    assert (ran.code, ran.err.startswith("error: The key in SWARMSTAR_API_KEY is malformed")) == (1, True)
    assert api.received == []


@pytest.mark.parametrize("url", ["http://[::1", "http://127.0.0.1:port", "ftp://127.0.0.1", "http://", "http://a\x7fb"])
def test_an_address_that_is_none_is_said(cli: Cli, url: str) -> None:
    ran = cli("list", "--url", url)

    assert (ran.code, "is not an address" in ran.err) == (1, True)


def test_what_is_no_text_is_not_sent(cli: Cli, api: CannedApi) -> None:
    ran = cli("run", "Write \udcff.")

    assert (ran.code, "is not UTF-8" in ran.err) == (1, True)
    assert api.received == []


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
        ("run", "Write.", "--limit", "nodes=0"),
        ("run", "Write.", "--limit", "cost_usd=nan"),
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


def test_files_over_a_limit_are_named_before_anything_is_sent(cli: Cli, api: CannedApi, tmp_path: Path) -> None:
    (tmp_path / "large.md").write_bytes(b"x" * (MAX_DOCUMENT + 1))
    for number in range(MAX_DOCUMENTS + 1):
        (tmp_path / f"{number:02}.md").write_text("x")
    for name in ("a.md", "b.md", "c.md"):
        (tmp_path / name).write_bytes(b"x" * MAX_DOCUMENT)
    (tmp_path / "control.md").write_bytes(b"\x01" * (MAX_DOCUMENT - 1))

    large = cli("run", "Write.", "-c", "large.md")
    many = cli("run", "Write.", *(part for number in range(MAX_DOCUMENTS + 1) for part in ("-c", f"{number:02}.md")))
    total = cli("run", "Write.", "-c", "a.md", "-c", "b.md", "-c", "c.md")
    body = cli("run", "Write.", "-c", "control.md")

    assert large.err == "error: large.md is over 1.0 MiB, the limit for one file.\n"
    assert many.err == "error: 16.md is one file too many: a directive takes 16.\n"
    assert total.err == "error: With c.md, the files are over 2.0 MiB, the limit for all of them.\n"
    assert body.err == "error: The request has 6.0 MiB, and 4 MiB is the limit: hand over less.\n"
    assert {ran.code for ran in (large, many, total, body)} == {1}
    assert api.received == []


def test_the_limits_are_those_of_a_deployment(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert MAX_DOCUMENTS == context_documents.MAX_DOCUMENTS
    assert MAX_DOCUMENT == context_documents.MAX_DOCUMENT_BYTES
    assert MAX_DOCUMENTS_BYTES == context_documents.MAX_TOTAL_BYTES
    assert MAX_MEMORY == memory.MAX_CONTENT
    assert MAX_PAYLOAD == payloads.MAX_PAYLOAD
    assert MAX_ARCHIVE == archive.MAX_ARCHIVE
    assert MAX_BODY == MAX_SWARM_BODY
    assert "1.0 MiB" in " ".join(cli("run", "--help").out.split())
