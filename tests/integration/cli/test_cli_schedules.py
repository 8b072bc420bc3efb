"""The commands for schedules over real HTTP."""

from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from canned_api import STARTED, SWARM_ID, CannedApi, Cli

PATH = "/api/v1/schedules"


class TimedApi(CannedApi):
    """The canned server with one schedule."""

    def __init__(self) -> None:
        super().__init__()
        self.schedule: dict[str, Any] = {
            "schedule_id": "s1",
            "name": "Mornings",
            "cron": "0 9 * * 1-5",
            "timezone": "Europe/Berlin",
            "enabled": True,
            "overlap": "skip",
            "directive": "Look at the mail.",
            "limits": {"nodes": 50, "cost_usd": 0.5},
            "context": [{"context_id": "context-0", "name": "a.md", "type": "markdown", "size": 5}],
            "created": STARTED,
            "next_due": "2026-11-23T08:00:00Z",
            "last": {"at": STARTED, "due": "2026-07-20T07:00:00Z", "swarm_id": SWARM_ID},
            "started": 3,
            "not_started": 1,
        }

    def _app(self) -> web.Application:
        app = super()._app()
        app.add_routes(
            [web.get(PATH, self._schedules), web.get(f"{PATH}/s1", self._one), web.patch(f"{PATH}/s1", self._one)]
        )
        return app

    async def _schedules(self, request: web.Request) -> web.Response:
        return web.json_response({"items": [self.schedule], "cursor": None})

    async def _one(self, request: web.Request) -> web.Response:
        return web.json_response(self.schedule)


@pytest.fixture
def api() -> Iterator[TimedApi]:
    server = TimedApi()
    server.start()
    yield server
    server.stop()


def test_times_are_those_of_the_schedules_own_zone(cli: Cli, api: TimedApi) -> None:
    assert "2026-11-23 09:00 Europe/Berlin" in cli("schedules", "list").out
    out = cli("schedules", "show", "s1").out
    assert "due 0 9 * * 1-5 (Europe/Berlin), next 2026-11-23 09:00 Europe/Berlin" in out
    assert f"last 2026-07-20 09:00 Europe/Berlin: swarm {SWARM_ID}" in out

    api.schedule["timezone"] = "Mars/Olympus"
    assert "2026-11-23 08:00 UTC" in cli("schedules", "list").out
    api.schedule |= {"next_due": None, "enabled": False}
    assert "(Mars/Olympus), paused, overlap" in cli("schedules", "show", "s1").out


def test_show_names_context_and_limits(cli: Cli) -> None:
    out = cli("schedules", "show", "s1").out

    assert "context a.md, 5 B" in out
    assert "limits nodes=50, cost_usd=0.5" in out


def test_edit_sends_what_is_changed(cli: Cli, api: TimedApi) -> None:
    assert cli("schedules", "edit", "s1", "--directive", "Look", "--limit", "nodes=5").code == 0

    swarm = {"directive": "Look", "context": [], "limits": {"nodes": 5}}
    assert api.received == [("PATCH", f"{PATH}/s1", {"swarm": swarm})]
    assert api.headers["If-Match"] == "*"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--limit", "nodes=5"), "Invalid value for --limit: give --directive too"),
        (("--context", "a.md", "-l", "nodes=5"), "Invalid value for --context and --limit: give --directive too"),
        ((), "error: say what to change: --name, --cron, --timezone, --overlap or --directive"),
    ],
)
def test_edit_names_the_option_that_is_wrong(
    cli: Cli, api: TimedApi, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], said: str
) -> None:
    monkeypatch.setenv("COLUMNS", "200")

    ran = cli("schedules", "edit", "s1", *options)

    assert (ran.code, said in ran.err) == (2, True)
    assert api.received == []
