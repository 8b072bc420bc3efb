"""A swarm's memory and the actions, from the command line."""

import json
from pathlib import Path

from canned_api import SWARM_ID, CannedApi, Cli

PATH = f"/api/v1/swarms/{SWARM_ID}/memory"


def test_a_folder_is_listed(cli: Cli, api: CannedApi) -> None:
    ran = cli("memory", "list", SWARM_ID, "user")

    assert ran.code == 0
    folder, fact = ran.out.splitlines()
    assert folder.split() == ["facts", "Facts/", "Single", "facts."]
    assert fact.split() == ["user-1", "Tea", "What", "they", "drink."]
    assert api.received == [("GET", f"{PATH}?limit=200&parent=user", None)]
    assert cli("memory", "list", SWARM_ID, "empty").out == "Nothing lies there.\n"
    assert json.loads(cli("memory", "list", SWARM_ID, "--json").out)["folder"]["memory_id"] == "facts"


def test_a_search_says_when_it_did_not_look_everywhere(cli: Cli, api: CannedApi) -> None:
    ran = cli("memory", "search", SWARM_ID, "hot", "tea", "--folder", "user")

    assert [line.split()[0] for line in ran.out.splitlines()] == ["user-1"]
    assert "--folder" in ran.err
    assert api.received == [("GET", f"{PATH}?limit=200&parent=user&query=hot+tea", None)]
    assert cli("memory", "search", SWARM_ID, " ").code == 2


def test_a_memory_is_shown_with_its_content(cli: Cli) -> None:
    ran = cli("memory", "show", SWARM_ID, "user-1")

    lines = ["user-1  User / Facts / Tea", "  text, 10 B, added by you", "  What they drink.", "", "Likes [31mtea."]
    assert ran.out.splitlines() == lines
    assert "Long.Long." in cli("memory", "show", SWARM_ID, "large").out
    assert json.loads(cli("memory", "show", SWARM_ID, "user-1", "--json").out)["own"]


def test_a_text_or_a_file_is_added(cli: Cli, api: CannedApi, tmp_path: Path) -> None:
    ran = cli("memory", "add", SWARM_ID, "Tea", "Likes tea.")
    assert ran.out == "Added user-1 to User / Facts. Nodes that act from now on find it.\n"
    new = {"name": "Tea", "description": "", "type": "text", "content": "Likes tea."}
    assert api.received == [("POST", PATH, new)]

    (tmp_path / "plan.md").write_text("# Plan\n", encoding="utf-8")
    options = ["--type", "markdown", "--folder", "projects", "--description", "All of it.", "--json"]
    ran = cli("memory", "add", SWARM_ID, "Plan", "--file", str(tmp_path / "plan.md"), *options)
    assert json.loads(ran.out)["name"] == "Plan"
    assert api.received[-1][2] == {
        "name": "Plan",
        "description": "All of it.",
        "type": "markdown",
        "content": "# Plan\n",
        "folder_id": "projects",
    }


def test_what_cannot_be_added_is_said_before_anything_is_sent(cli: Cli, api: CannedApi, tmp_path: Path) -> None:
    (tmp_path / "photo.bin").write_bytes(b"\xff\xfe\x00")
    assert cli("memory", "add", SWARM_ID, "Tea").code == 2
    assert cli("memory", "add", SWARM_ID, "Tea", "").code == 2
    assert cli("memory", "add", SWARM_ID, "Tea", "text", "--file", "x").code == 2
    ran = cli("memory", "add", SWARM_ID, "Tea", "--file", str(tmp_path / "photo.bin"))
    assert (ran.code, "not UTF-8 text" in ran.err) == (1, True)
    assert api.received == []


def test_what_was_added_is_removed(cli: Cli, api: CannedApi) -> None:
    assert cli("memory", "remove", SWARM_ID, "user-1").out == "Removed user-1.\n"
    assert api.received == [("DELETE", f"{PATH}/user-1", None)]
    assert cli("memory", "remove", SWARM_ID, "../x").code == 2


def test_actions_are_listed_with_their_use_in_a_swarm(cli: Cli) -> None:
    (shipped,) = cli("actions").out.splitlines()
    assert shipped.split(maxsplit=1) == ["communication.ask_user_questions", "Ask the user.  (may ask you)"]
    first, made = cli("actions", SWARM_ID).out.splitlines()
    assert first.split()[:3] == ["3", "nodes", "communication.ask_user_questions"]
    assert made.split() == ["1", "node", "made-0", "Counts.", "(made", "here)"]
    assert len(json.loads(cli("actions", SWARM_ID, "--json").out)["items"]) == 2


def test_a_folder_that_is_not_there_is_answered_with_those_that_are(cli: Cli, api: CannedApi) -> None:
    ran = cli("memory", "add", SWARM_ID, "Tea", "Likes tea.", "--folder", "x")

    assert ran.code == 1
    assert ran.err == "error: There is no folder x; there are: facts.\n"
