"""Deleting, exporting and importing swarms, usage, quotas and keys, over real HTTP."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from canned_api import STARTED, SWARM_ID, CannedApi, Cli, problem

from cli.commands.usage import BOUNDLESS
from shared.tenancy.quotas import own_machine

ONE = f"/api/v1/swarms/{SWARM_ID}"
USED = {"calls": 2, "input_tokens": 1_000, "output_tokens": 200, "cost_usd": 0.25}
KEY = {
    "key_id": "k1",
    "name": "laptop",
    "scopes": ["read", "write"],
    "created": STARTED,
    "expires": None,
    "revoked": None,
    "last_used": None,
}


class AccountApi(CannedApi):
    """The canned server with what belongs to an account."""

    def __init__(self) -> None:
        super().__init__()
        self.archive = b"PK" + bytes(range(256)) * 1_000
        self.has_ended = True

    def _app(self) -> web.Application:
        app = super()._app()
        app.add_routes(
            [
                web.delete(ONE, self._deleted),
                web.get(f"{ONE}/archive", self._archive),
                web.post("/api/v1/archives", self._imported),
                web.get(f"{ONE}/usage", self._swarm_usage),
                web.get("/api/v1/usage/swarms", self._usage),
                web.get("/api/v1/usage/days", self._days),
                web.get("/api/v1/quotas", self._quotas),
                web.get("/api/v1/keys", self._keys),
                web.post("/api/v1/keys", self._made),
                web.delete("/api/v1/keys/k1", self._revoked),
            ]
        )
        return app

    async def _deleted(self, request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def _archive(self, request: web.Request) -> web.Response:
        if not self.has_ended:
            return problem(409, "it still runs")
        return web.Response(body=self.archive, content_type="application/zip")

    async def _imported(self, request: web.Request) -> web.Response:
        assert request.content_type == "application/zip"
        return web.json_response(self.swarm | {"swarm_id": "anew", "imported": STARTED}, status=201)

    async def _swarm_usage(self, request: web.Request) -> web.Response:
        first = "cursor" not in request.query
        sums = {
            "by_action": {"coding.write_python": USED},
            "by_model": {"a" if first else "b": USED},
            "by_day": {"2026-11-22": USED},
        }
        return web.json_response({"total": USED, **sums, "cursor": "c" if first else None})

    async def _usage(self, request: web.Request) -> web.Response:
        line = {"swarm_id": SWARM_ID, "directive": "Write.", "status": "completed", "created": STARTED, "usage": USED}
        running = line | {"swarm_id": "other", "status": "running", "usage": None}
        return web.json_response({"items": [line, running], "cursor": "more"})

    async def _days(self, request: web.Request) -> web.Response:
        items = [{"day": "2026-11-22", "spending": {"tokens": 1_200, "cost_usd": 0.25}}]
        return web.json_response({"items": items})

    async def _quotas(self, request: web.Request) -> web.Response:
        most = {"swarms": 20, "nodes": 10**15, "tokens_a_day": 5_000, "tokens_a_month": 9_000}
        spent = {"tokens": 1_200, "cost_usd": 0.25}
        standing: dict[str, Any] = {
            "quotas": most | {"cost_a_day_usd": 1.5, "cost_a_month_usd": 30.0},
            "running": 2,
            "reserved": {"nodes": 400, "spending": spent},
            "today": spent,
            "this_month": spent,
            "at": STARTED,
        }
        return web.json_response(standing)

    async def _keys(self, request: web.Request) -> web.Response:
        expired = KEY | {"key_id": "k2", "expires": "2020-01-01T00:00:00Z"}
        return web.json_response({"items": [KEY, expired, KEY | {"key_id": "k3", "revoked": STARTED}], "cursor": None})

    async def _made(self, request: web.Request) -> web.Response:
        return web.json_response(KEY | {"key": "k1.secret"}, status=201)

    async def _revoked(self, request: web.Request) -> web.Response:
        return web.json_response(KEY | {"revoked": STARTED})


@pytest.fixture
def api() -> Iterator[AccountApi]:
    server = AccountApi()
    server.start()
    yield server
    server.stop()


def test_a_swarm_is_deleted_only_for_whoever_means_it(cli: Cli, api: AccountApi) -> None:
    asked = cli("delete", SWARM_ID)
    assert (asked.code, "give --yes" in asked.err) == (2, True)
    assert not [method for method, _, _ in api.received if method == "DELETE"]

    meant = cli("delete", SWARM_ID, "--yes")
    assert (meant.code, meant.out) == (0, f"Deleted {SWARM_ID}.\n")
    assert api.received[-1] == ("DELETE", ONE, None)


@pytest.mark.parametrize(("said", "deleted"), [(b"n\n", False), (b"y\n", True)])
def test_a_terminal_is_asked(api: AccountApi, said: bytes, deleted: bool) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, said)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SWARMSTAR_")}

    ran = subprocess.run(
        [sys.executable, "-m", "cli.main", "--url", api.url, "delete", SWARM_ID],
        stdin=theirs,
        env=kept,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    os.close(ours)
    os.close(theirs)

    assert (ran.returncode == 0) is deleted
    assert f"Delete {SWARM_ID}, Write the report. Be short.?" in ran.stderr + ran.stdout
    assert (("DELETE", ONE, None) in api.received) is deleted


def test_a_swarm_is_exported_to_a_file_that_is_not_there_yet(cli: Cli, api: AccountApi, tmp_path: Path) -> None:
    named, unnamed, again = cli("export", SWARM_ID, "mine.zip"), cli("export", SWARM_ID), cli("export", SWARM_ID)

    assert named.out == "mine.zip  250.0 KiB\n"
    assert (tmp_path / "mine.zip").read_bytes() == (tmp_path / f"{SWARM_ID}.zip").read_bytes() == api.archive
    assert unnamed.code == 0
    assert (again.code, "is not overwritten" in again.err) == (1, True)


def test_an_export_that_fails_leaves_no_file(cli: Cli, api: AccountApi, tmp_path: Path) -> None:
    api.has_ended = False

    ran = cli("export", SWARM_ID, "mine.zip")

    assert (ran.code, ran.err) == (1, "error: it still runs\n")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_imported(cli: Cli, api: AccountApi, tmp_path: Path) -> None:
    (tmp_path / "mine.zip").write_bytes(api.archive)

    ran = cli("import", "mine.zip")

    assert ran.out == "swarm anew is here. Look into it: swarmstar tree anew\n"
    assert api.received == [("POST", "/api/v1/archives", api.archive)]
    assert json.loads(cli("import", "mine.zip", "--json").out)["swarm_id"] == "anew"
    assert "missing.zip is not a file" in cli("import", "missing.zip").err


def test_the_usage_of_one_swarm_adds_up_all_pages(cli: Cli) -> None:
    lines = [line.split() for line in cli("usage", SWARM_ID).out.splitlines()]

    assert lines[0] == ["in", "all", "4", "calls", "2", "400", "tokens", "$0.5000"]
    assert ["coding.write_python", "4", "calls", "2", "400", "tokens", "$0.5000"] in lines
    assert ["a", "2", "calls", "1", "200", "tokens", "$0.2500"] in lines
    assert ["b", "2", "calls", "1", "200", "tokens", "$0.2500"] in lines
    whole = json.loads(cli("usage", SWARM_ID, "--json").out)
    assert (whole["total"]["calls"], whole["cursor"]) == (4, None)


def test_the_usage_of_all_swarms_and_by_day(cli: Cli, api: AccountApi) -> None:
    first, second, more = cli("usage", "--limit", "2").out.splitlines()
    assert first.split() == [SWARM_ID, "2", "calls", "1", "200", "tokens", "$0.2500", "Write."]
    assert second.split() == ["other", "running", "Write."]
    assert "--limit" in more
    assert api.received[0][1] == "/api/v1/usage/swarms?limit=2"

    assert cli("usage", "--days").out.split() == ["2026-11-22", "1", "200", "tokens", "$0.2500"]
    assert cli("usage", SWARM_ID, "--days").code == 2


def test_quotas_show_what_is_taken_up(cli: Cli) -> None:
    lines = [line.split() for line in cli("quotas").out.splitlines()]

    assert lines[0] == ["swarms", "at", "once", "2", "of", "20"]
    assert lines[1] == ["nodes", "at", "once", "400", "of", "no", "ceiling"]
    assert lines[2] == ["tokens", "today", "1", "200", "of", "5", "000"]
    assert lines[-1][-3:] == ["200", "tokens,", "$0.2500."]
    assert own_machine(1).nodes >= BOUNDLESS
    assert json.loads(cli("quotas", "--json").out)["running"] == 2


def test_keys_are_listed_made_and_revoked(cli: Cli, api: AccountApi) -> None:
    good, expired, revoked = cli("keys", "list").out.splitlines()
    assert good.split() == ["k1", "good", "read,write", "laptop"]
    assert expired.split()[:3] == ["k2", "expired", "2020-01-01"]
    assert revoked.split()[:2] == ["k3", "revoked"]

    made = cli("keys", "create", "laptop", "--scope", "read", "--days", "30")
    assert (made.out, "once" in made.err) == ("k1.secret\n", True)
    assert api.received[-1] == ("POST", "/api/v1/keys", {"name": "laptop", "expires_days": 30, "scopes": ["read"]})
    cli("keys", "create", "laptop")
    assert api.received[-1][2] == {"name": "laptop", "expires_days": None}

    assert cli("keys", "revoke", "k1").out == "Revoked k1.\n"
    assert api.received[-1][:2] == ("DELETE", "/api/v1/keys/k1")
