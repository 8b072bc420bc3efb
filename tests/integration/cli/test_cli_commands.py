"""Every command over real HTTP, as text and as JSON."""

import base64
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from canned_api import BLOCKED, SWARM_ID, CannedApi, Cli, swarm


def documents(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_run_sends_directive_context_and_limits_and_watches_to_the_end(
    cli: Cli, api: CannedApi, tmp_path: Path
) -> None:
    (tmp_path / "notes.md").write_text("déjà vu", encoding="utf-8")
    (tmp_path / "photo.bin").write_bytes(b"\xff\xfe\x00")
    files = ["--context", str(tmp_path / "notes.md"), "-c", str(tmp_path / "photo.bin")]

    ran = cli("run", "Write the report.", *files, "--limit", "nodes=50", "-l", "cost_usd=0.5")

    assert ran.code == 0
    assert api.received[0] == (
        "POST",
        "/api/v1/swarms",
        {
            "directive": "Write the report.",
            "context": [
                {"name": "notes.md", "content": "déjà vu", "encoding": "utf-8"},
                {"name": "photo.bin", "content": base64.b64encode(b"\xff\xfe\x00").decode(), "encoding": "base64"},
            ],
            "limits": {"nodes": 50, "cost_usd": 0.5},
        },
    )
    lines = ran.out.splitlines()
    assert lines[0] == f"swarm {SWARM_ID}: Write the report. Be short."
    assert "0.0.0" in ran.out
    assert "write python" in ran.out
    assert lines[-4:] == [
        "completed after 1:05",
        "3 nodes, 7 model calls, 12 300 tokens read, 456 tokens written, $0.0123",
        "",
        "All is written.",
    ]


def test_plain_output_has_no_control_codes(cli: Cli) -> None:
    ran = cli("watch", SWARM_ID)

    assert "tally.py" in ran.out
    assert "\x1b" not in ran.out
    assert "\r" not in ran.out


def test_a_sealed_frame_has_no_line(cli: Cli) -> None:
    assert "sealed" not in cli("watch", SWARM_ID).out


def test_run_without_watching_says_how_to_watch(cli: Cli, api: CannedApi) -> None:
    ran = cli("run", "Write.", "--no-watch")

    assert ran.code == 0
    assert f"swarmstar watch {SWARM_ID}" in ran.out
    assert [method for method, _, _ in api.received] == ["POST"]


def test_run_as_json_gives_the_swarm_its_events_and_the_swarm_again(cli: Cli) -> None:
    ran = cli("run", "Write.", "--json")

    first, *events, last = documents(ran.out)
    assert first["swarm_id"] == last["swarm_id"] == SWARM_ID
    assert [event["frame"] for event in events] == list(range(1, 10))
    assert last["report"] == "All is written."
    assert json.dumps(last["limits"]) == '{"nodes": 50}'


@pytest.mark.parametrize("status", ["incomplete", "failed", "cancelled"])
def test_a_swarm_that_did_not_complete_exits_3(cli: Cli, api: CannedApi, status: str) -> None:
    api.swarm = swarm(status)

    ran = cli("watch", SWARM_ID)

    assert ran.code == 3
    assert f"{status} after" in ran.out


def test_an_open_question_is_shown_once_with_the_command_that_answers_it(cli: Cli, api: CannedApi) -> None:
    api.events = [*BLOCKED, BLOCKED[4] | {"frame": 7}]

    ran = cli("watch", SWARM_ID)

    assert ran.out.count("Which currency?") == 1
    assert f'swarmstar answer {SWARM_ID} q1 "…"' in ran.out
    assert "assumes: euros" in ran.out


def test_long_histories_are_read_page_by_page(cli: Cli, api: CannedApi) -> None:
    api.events = [api.events[0], *(api.events[1] | {"frame": frame} for frame in range(2, 1203))]

    ran = cli("events", SWARM_ID, "--json")

    assert [event["frame"] for event in documents(ran.out)] == list(range(1, 1203))
    assert [path for _, path, _ in api.received if "/events" in path][1].endswith("after=500&wait=0&limit=500")


def test_tree_folds_the_router_into_its_child(cli: Cli) -> None:
    ran = cli("tree", SWARM_ID)

    lines = ran.out.splitlines()
    assert lines[0] == f"✓ swarm {SWARM_ID}  completed  1:05"
    assert lines[1].startswith("● 0 decompose directive")
    assert lines[2] == "└─ ✗ 0.0.0 write python  Directive of 0.0.0"
    assert lines[3] == "2 nodes · 1 acting · 1 failed"


def test_tree_as_json_is_what_the_server_said(cli: Cli) -> None:
    (tree,) = documents(cli("tree", SWARM_ID, "--json").out)

    assert tree["frame"] == 9
    assert [node["node_id"] for node in tree["nodes"]] == ["0", "0.0", "0.0.0"]
    assert tree["nodes"][0]["alive"] is True


def test_node_shows_report_route_and_calls(cli: Cli) -> None:
    ran = cli("node", SWARM_ID, "0.0.0")

    assert "Wrote it." in ran.out
    assert "  memory: none of these (of 1 option)\n" in ran.out
    assert "  actions: coding.write_python (of 2 options, confidence high)\n" in ran.out
    assert "Call 0.0.1  write_python  local  15 tokens  2 s" in ran.out
    assert "Please write." not in ran.out


def test_node_with_log_shows_what_was_said(cli: Cli) -> None:
    ran = cli("node", SWARM_ID, "0.0.0", "--log")

    assert "  [user]\n    Please write.\n  [answer]\n    def f(): ..." in ran.out


def test_node_as_json_keeps_the_whole_log(cli: Cli) -> None:
    (node,) = documents(cli("node", SWARM_ID, "0.0.0", "--json").out)

    assert node["log"][0]["messages"] == [{"role": "user", "content": "Please write."}]
    assert node["log"][0]["started"] == "2026-11-22T10:00:00Z"


def test_events_start_after_a_frame_and_end_with_what_there_is(cli: Cli, api: CannedApi) -> None:
    api.ended = False

    ran = cli("events", SWARM_ID, "--after", "7")

    assert [line.split()[0] for line in ran.out.splitlines()] == ["8", "9"]


def test_events_follow_to_the_end(cli: Cli) -> None:
    ran = cli("events", SWARM_ID, "--follow", "--json")

    assert ran.code == 0
    assert documents(ran.out)[-1]["status"] == "terminated"


def test_a_question_is_answered_once(cli: Cli, api: CannedApi) -> None:
    assert "Which currency?" in cli("questions", SWARM_ID).out

    answered = cli("answer", SWARM_ID, "q1", "Francs")
    again = cli("answer", SWARM_ID, "q1", "Pounds")

    assert answered.code == 0
    assert "Node 0.0.0 goes on" in answered.out
    assert again.code == 1
    assert again.err == "error: The question is no longer open.\n"
    assert api.question["answer"] == "Francs"
    assert "answered: Francs" in cli("questions", SWARM_ID).out


def test_questions_and_answer_as_json(cli: Cli) -> None:
    assert documents(cli("questions", SWARM_ID, "--json").out)[0]["items"][0]["asked"] == "2026-11-22T10:00:00Z"
    assert documents(cli("answer", SWARM_ID, "q1", "Francs", "--json").out)[0]["state"] == "answered"


@pytest.mark.parametrize("command", ["cancel", "pause", "resume"])
def test_control_commands(cli: Cli, api: CannedApi, command: str) -> None:
    assert cli(command, SWARM_ID).out.startswith(f"swarm {SWARM_ID} ")
    assert documents(cli(command, SWARM_ID, "--json").out)[0]["swarm_id"] == SWARM_ID
    assert api.received[0][:2] == ("POST", f"/api/v1/swarms/{SWARM_ID}/{command}")


@pytest.mark.parametrize("command", ["cancel", "pause", "resume"])
def test_control_of_one_branch(cli: Cli, api: CannedApi, command: str) -> None:
    ran = cli(command, SWARM_ID, "--node", "0.1")
    assert ran.out.startswith(f"node 0.1 of swarm {SWARM_ID}, with all below it, ")
    assert ("swarmstar resume" in ran.out) == (command == "pause")
    assert documents(cli(command, SWARM_ID, "--node", "0.1", "--json").out)[0]["node_id"] == "0.1"
    assert api.received[0][:2] == ("POST", f"/api/v1/swarms/{SWARM_ID}/nodes/0.1/{command}")
    assert "node id" in cli(command, SWARM_ID, "--node", "a/b").err


def test_list_shows_swarms_and_where_the_next_page_is(cli: Cli, api: CannedApi) -> None:
    ran = cli("list", "--limit", "1", "--cursor", "here")

    assert f"✓ {SWARM_ID}" in ran.out
    assert "swarmstar list --cursor next-page" in ran.out
    assert api.received[0][1] == "/api/v1/swarms?limit=1&cursor=here"
    assert documents(cli("list", "--json").out)[0]["cursor"] == "next-page"


def test_list_says_what_a_swarm_comes_from_and_that_it_is_paused(cli: Cli, api: CannedApi) -> None:
    api.swarm = swarm("running", paused=True, origin={"kind": "schedule", "id": "s1", "due": None})
    (line, _) = cli("list").out.splitlines()
    assert line.startswith(f"‖ {SWARM_ID}")
    assert "  paused  " in line
    assert line.endswith("  (by schedule s1)")
    assert cli("tree", SWARM_ID).out.startswith(f"‖ swarm {SWARM_ID}  paused")

    api.swarm = swarm("completed", paused=True, imported="2026-11-22T10:00:00Z")
    (line, _) = cli("list").out.splitlines()
    assert line.startswith(f"✓ {SWARM_ID}")
    assert line.endswith("  (imported)")


def test_an_answer_to_a_paused_swarm_waits_for_it_to_be_resumed(cli: Cli, api: CannedApi) -> None:
    api.swarm = swarm("running", paused=True)

    assert f"once you resume it: swarmstar resume {SWARM_ID}" in cli("answer", SWARM_ID, "q1", "Francs").out


def test_a_question_that_nobody_answered_says_so(cli: Cli, api: CannedApi) -> None:
    api.question["state"] = "expired"
    assert "expired: nobody answered by the deadline" in cli("questions", SWARM_ID).out

    api.question["state"] = "cancelled"
    assert "cancelled: its node was cancelled" in cli("questions", SWARM_ID).out


def test_address_and_format_may_come_before_the_command(
    cli: Cli, api: CannedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWARMSTAR_URL", "http://127.0.0.1:1")

    before = cli("--url", api.url, "--json", "list")
    nested = cli("--url", api.url, "memory", "list", SWARM_ID)
    after = cli("--url", "http://127.0.0.1:2", "list", "--url", api.url)

    assert documents(before.out)[0]["items"][0]["swarm_id"] == SWARM_ID
    assert [ran.code for ran in (before, nested, after)] == [0, 0, 0]
    assert "http://127.0.0.1:1." in cli("list").err


def test_the_version_is_shown(cli: Cli) -> None:
    assert cli("--version").out == f"swarmstar {version('swarmstar')}\n"


def test_a_file_is_no_folder_to_save_in(cli: Cli, api: CannedApi, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()

    ran = cli("artifacts", SWARM_ID, "--save", "taken")

    assert (ran.code, "taken is a file, not a folder" in ran.err) == (2, True)
    assert api.received == []


def test_artifacts_are_listed_and_saved_and_never_written_over(cli: Cli, tmp_path: Path) -> None:
    mine = tmp_path / "tally.py"
    mine.write_text("mine", encoding="utf-8")

    listed = cli("artifacts", SWARM_ID)
    saved = cli("artifacts", SWARM_ID, "--save", str(tmp_path))
    again = cli("artifacts", SWARM_ID, "--save", str(tmp_path), "--json")

    assert "tally.py" in listed.out
    assert "15 B" in listed.out
    assert saved.out == f"tally.py -> {tmp_path / 'tally-2.py'}\n"
    assert mine.read_text(encoding="utf-8") == "mine"
    assert (tmp_path / "tally-2.py").read_bytes() == b"print('hello')\n"
    assert documents(again.out)[0]["items"][0]["saved"] == str(tmp_path / "tally-2.py")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tally-2.py", "tally.py"]


def test_no_artifact_leaves_the_folder(cli: Cli, api: CannedApi, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    target = tmp_path / "target"
    names = ["../evil.py", "/etc/evil.py", "..\\..\\evil.py", "C:\\evil.py", ".bashrc", "a/../../evil.py", "..", ""]
    api.artifacts = {f"a{number}": (name, str(number).encode()) for number, name in enumerate(names)}

    ran = cli("artifacts", SWARM_ID, "--save", str(target))

    assert ran.code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outside", "target"]
    written = [path for path in target.rglob("*") if path.is_file()]
    assert len(written) == len(names)
    assert not [path for path in written if path.name.startswith(".")]


def test_no_artifact_is_saved_through_a_link_that_leads_out(cli: Cli, api: CannedApi, tmp_path: Path) -> None:
    outside, target = tmp_path / "outside", tmp_path / "target"
    outside.mkdir()
    target.mkdir()
    (target / "src").symlink_to(outside)
    api.artifacts = {"a1": ("src/evil.py", b"x")}

    ran = cli("artifacts", SWARM_ID, "--save", str(target))

    assert ran.code == 1
    assert "leads out of" in ran.err
    assert list(outside.iterdir()) == []


def test_an_artifact_that_cannot_be_saved_is_named_and_the_rest_is_saved(
    cli: Cli, api: CannedApi, tmp_path: Path
) -> None:
    outside, target = tmp_path / "outside", tmp_path / "target"
    outside.mkdir()
    target.mkdir()
    (target / "src").symlink_to(outside)
    (target / "file").touch()
    long = "報" * 255 + ".md"
    api.artifacts = {
        "a1": ("first.md", b"1"),
        "a2": ("src/evil.py", b"2"),
        "a3": ("file/below.md", b"3"),
        "a4": (long, b"4"),
        "a5": ("last.md", b"5"),
    }

    ran = cli("artifacts", SWARM_ID, "--save", str(target))
    listed = cli("artifacts", SWARM_ID, "--save", str(target), "--json")

    assert (ran.code, listed.code) == (1, 1)
    assert "src leads out of" in ran.err
    assert "file/below.md cannot be saved" in ran.err
    assert "2 of 5 files were not saved" in ran.err
    assert {path.read_bytes() for path in target.iterdir() if path.is_file()} == {b"1", b"", b"4", b"5"}
    items = documents(listed.out)[0]["items"]
    assert [item["saved"] is None for item in items] == [False, True, True, False, False]
    assert list(outside.iterdir()) == []


def test_an_artifact_the_server_no_longer_has_does_not_keep_the_rest(cli: Cli, api: CannedApi, tmp_path: Path) -> None:
    api.artifacts = {"a1": ("first.md", b"1"), "a2": ("gone.md", b"2"), "a3": ("last.md", b"3")}
    api.gone = {"a2"}

    ran = cli("artifacts", SWARM_ID, "--save", str(tmp_path))

    assert ran.code == 1
    assert "gone.md: the content of this artifact is gone" in ran.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.md", "last.md"]
