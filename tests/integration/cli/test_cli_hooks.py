"""The commands for hooks over real HTTP, as text and as JSON."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from canned_api import STARTED, SWARM_ID, CannedApi, Cli, problem

from shared.hooks.model import Hook
from shared.hooks.signing import Verification, kept, new_secret

HOOK_ID = "0123456789abcdef" * 2


class HookedApi(CannedApi):
    """The canned server with one hook, which looks at what is delivered as the product does."""

    def __init__(self) -> None:
        super().__init__()
        self.way = Verification.STANDARD
        self.secret = new_secret(self.way)
        self.delivered: list[tuple[dict[str, str], bytes]] = []
        self.hook: dict[str, Any] = {
            "hook_id": HOOK_ID,
            "name": "builds\x1b[31m",
            "path": f"/hooks/{HOOK_ID}",
            "verification": "standard",
            "enabled": True,
            "created": STARTED,
            "previous_until": None,
            "last_started": {"at": STARTED, "swarm_id": SWARM_ID},
            "last_refused": {"at": STARTED, "reason": "the hook is paused"},
        }
        self.more: dict[str, Any] = {
            "directive": "Look into the build.",
            "limits": {"nodes": 50},
            "context": [{"context_id": "context-0", "name": "a.md", "type": "markdown", "size": 5}],
        }

    def use(self, way: Verification) -> None:
        self.way, self.secret = way, new_secret(way)
        self.hook["verification"] = way.value

    def _app(self) -> web.Application:
        app = super()._app()
        one = f"/api/v1/hooks/{HOOK_ID}"
        app.add_routes(
            [
                web.post("/api/v1/hooks", self._made),
                web.get("/api/v1/hooks", self._hooks),
                web.get(one, self._hook),
                web.patch(one, self._changed),
                web.delete(one, self._deleted),
                web.post(one + "/rotate", self._made),
                web.post(f"/hooks/{HOOK_ID}", self._deliver),
            ]
        )
        return app

    @web.middleware
    async def _record(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path.startswith("/hooks/"):
            response: web.StreamResponse = await handler(request)
            return response
        return await super()._record(request, handler)

    async def _made(self, request: web.Request) -> web.Response:
        status = 201 if request.path.endswith("/hooks") else 200
        until = None if status == 201 else "2026-11-23T10:00:00Z"
        shown = self.hook | self.more | {"secret": self.secret, "previous_until": until}
        return web.json_response(shown, status=status)

    async def _hooks(self, request: web.Request) -> web.Response:
        second = self.hook | {"hook_id": "f" * 32, "name": "second", "enabled": False}
        at_first = "cursor" not in request.query
        return web.json_response({"items": [self.hook if at_first else second], "cursor": "c" if at_first else None})

    async def _hook(self, request: web.Request) -> web.Response:
        return web.json_response(self.hook | self.more)

    async def _changed(self, request: web.Request) -> web.Response:
        self.hook |= await request.json()
        return web.json_response(self.hook | self.more)

    async def _deleted(self, request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def _deliver(self, request: web.Request) -> web.Response:
        headers, body = {name.lower(): value for name, value in request.headers.items()}, await request.read()
        self.delivered.append((headers, body))
        stored = kept(self.way, self.secret)
        hook = Hook(hook_id=HOOK_ID, name="builds", verification=self.way, created=datetime.now(UTC), secret=stored)
        fault = hook.look_at(headers, body, datetime.now(UTC)).fault
        return problem(401, "not taken") if fault else web.json_response({"swarm_id": SWARM_ID}, status=202)


@pytest.fixture
def api() -> Iterator[HookedApi]:
    server = HookedApi()
    server.start()
    yield server
    server.stop()


def test_create_sends_what_is_to_be_started_and_shows_the_secret(cli: Cli, api: HookedApi, tmp_path: Any) -> None:
    (tmp_path / "a.md").write_text("known")
    ran = cli(
        "hooks", "create", "builds", "Look", "--verification", "github", "-c", str(tmp_path / "a.md"), "-l", "nodes=9"
    )
    context = [{"name": "a.md", "content": "known", "encoding": "utf-8"}]
    swarm = {"directive": "Look", "context": context, "limits": {"nodes": 9}}
    assert api.received == [("POST", "/api/v1/hooks", {"name": "builds", "verification": "github", "swarm": swarm})]
    assert ran.code == 0
    assert f"{api.url}/hooks/{HOOK_ID}" in ran.out
    assert api.secret in ran.out
    assert "once" in ran.err
    assert "\x1b" not in ran.out
    assert json.loads(cli("hooks", "create", "builds", "Look", "--json").out)["secret"] == api.secret


def test_list_takes_every_page(cli: Cli, api: HookedApi) -> None:
    lines = cli("hooks", "list").out.splitlines()
    assert [line.split()[:3] for line in lines] == [[HOOK_ID, "on", "standard"], ["f" * 32, "paused", "standard"]]
    assert len(json.loads(cli("hooks", "list", "--json").out)["items"]) == 2


def test_show_says_what_came(cli: Cli, api: HookedApi) -> None:
    out = cli("hooks", "show", HOOK_ID).out
    for said in (
        "starts: Look into the build.",
        "a.md",
        f"started {SWARM_ID}",
        "the hook is paused",
        "limits nodes=50",
        "once a minute",
        api.url,
    ):
        assert said in out
    assert api.secret not in out


@pytest.mark.parametrize(("command", "enabled"), [("pause", False), ("resume", True)])
def test_pausing_and_resuming(cli: Cli, api: HookedApi, command: str, enabled: bool) -> None:
    assert cli("hooks", command, HOOK_ID).code == 0
    assert api.received == [("PATCH", f"/api/v1/hooks/{HOOK_ID}", {"enabled": enabled})]
    assert api.headers["If-Match"] == "*"


def test_rotate_shows_the_new_secret_and_until_when_the_old_one_is_good(cli: Cli, api: HookedApi) -> None:
    ran = cli("hooks", "rotate", HOOK_ID)
    assert api.secret in ran.out
    assert "good until" in ran.out


def test_delete(cli: Cli, api: HookedApi) -> None:
    assert cli("hooks", "delete", HOOK_ID).code == 0
    assert api.received == [("DELETE", f"/api/v1/hooks/{HOOK_ID}", None)]


@pytest.mark.parametrize("way", Verification)
def test_send_signs_as_the_other_system_would(
    cli: Cli, api: HookedApi, way: Verification, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.use(way)
    monkeypatch.setenv("SWARMSTAR_API_KEY", "the-users-own-key")
    monkeypatch.setenv("SWARMSTAR_HOOK_SECRET", api.secret)
    ran = cli("hooks", "send", HOOK_ID, '{"a": 1}')
    assert (ran.code, SWARM_ID in ran.out) == (0, True)
    ((headers, body),) = api.delivered
    assert body == b'{"a": 1}'
    assert "the-users-own-key" not in str(headers)
    assert way is Verification.TOKEN or api.secret not in str(headers)


def test_send_takes_a_file_and_an_id(cli: Cli, api: HookedApi, tmp_path: Any) -> None:
    (tmp_path / "payload").write_bytes(b"\xff\x00")
    send = ("hooks", "send", HOOK_ID, "--secret", api.secret, "--file", str(tmp_path / "payload"), "--id", "mine")
    assert json.loads(cli(*send, "--json").out) == {"swarm_id": SWARM_ID}
    ((headers, body),) = api.delivered
    assert (body, headers["webhook-id"]) == (b"\xff\x00", "mine")


def test_a_wrong_secret_is_an_error_that_asks_for_no_key(cli: Cli, api: HookedApi) -> None:
    ran = cli("hooks", "send", HOOK_ID, "--secret", new_secret(Verification.STANDARD))
    assert (ran.code, ran.err.strip()) == (1, "error: not taken")
    ran = cli("hooks", "send", HOOK_ID, "--secret", "no base64")
    assert ran.code == 2
    assert len(api.delivered) == 1
