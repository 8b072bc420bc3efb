"""Hooks over HTTP: another system proves itself by its signature alone, and a swarm of the owner starts."""

import asyncio
import gzip
import json
import os
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
import pytest_asyncio
from e2e_client import Answer, Deployment, Run, Swarms
from e2e_script import Script
from e2e_tenants import Tenant, Tenants

from shared.hooks.signing import Verification, sign

pytestmark = pytest.mark.asyncio(loop_scope="session")

BODY = json.dumps({"action": "opened", "issue": {"title": "The lamp is broken"}}).encode()
#: So little that a swarm nobody speaks to ends at once.
LITTLE = {"calls": 12}
each_way = pytest.mark.parametrize("way", Verification)


@dataclass(frozen=True)
class Hook:
    """One hook of a test, and who may change it."""

    deployment: Deployment
    shown: dict[str, Any]
    etag: str

    @property
    def path(self) -> str:
        return f"hooks/{self.shown['hook_id']}"

    async def call(self, method: str, below: str = "", **options: Any) -> Answer:
        """A request of its owner."""
        return await self.deployment.call(method, self.path + below, **options)

    async def deliver(
        self, body: bytes = BODY, delivery_id: str = "d1", age: float = 0.0, secret: str = "", **headers: str
    ) -> Answer:
        """A request of the other system, with nothing but its signature."""
        at = datetime.now(UTC) - timedelta(seconds=age)
        way = Verification(self.shown["verification"])
        signed = sign(way, secret or self.shown["secret"], body, delivery_id, at)
        replaced = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        kept = {name: value for name, value in signed.items() if name.lower() not in replaced}
        url = f"{self.deployment.url}{self.shown['path']}"
        told = {
            "Content-Type": "application/json",
            **kept,
            **{name: value for name, value in replaced.items() if value},
        }
        async with self.deployment.session.post(url, data=body, headers=told) as reply:
            return Answer(reply.status, reply.content_type, reply.headers, await reply.json(content_type=None))


async def make(deployment: Deployment, way: str = "standard", **swarm: Any) -> Hook:
    """A new hook."""
    body = {"name": "issues", "verification": way, "swarm": {"directive": "Sort", "limits": LITTLE, **swarm}}
    made = await deployment.call("POST", "hooks", json=body)
    assert made.status == 201, made
    return Hook(deployment, made.body, made.headers["ETag"])


@pytest_asyncio.fixture(loop_scope="session")
async def ada(tenants: Tenants) -> Tenant:
    """A user with nothing yet."""
    return await tenants.user("Ada")


async def started(tenant: Tenant) -> list[str]:
    return [swarm["swarm_id"] for swarm in (await tenant.deployment.get("swarms"))["items"]]


@each_way
async def test_a_delivery_starts_a_swarm_that_works_with_the_payload(swarms: Swarms, way: Verification) -> None:
    script = Script({"Sort": ["Write one.md."]})
    hook = await make(swarms.deployment, way, limits={})
    async with swarms.deployment.creating:
        swarms.switchboard.coming = script
        try:
            delivered = await hook.deliver()
            swarms.switchboard.scripts[delivered.body["swarm_id"]] = script
        finally:
            swarms.switchboard.coming = None
    assert delivered.status == 202
    run = Run(swarms.deployment, delivered.body["swarm_id"], script)
    swarms.runs.append(run)
    ended = await run.ended()
    assert ended.status == "completed"
    assert ended.swarm["origin"] == {"kind": "hook", "id": hook.shown["hook_id"], "due": None, "delivery_id": "d1"}
    assert [doc["name"] for doc in ended.swarm["context"]] == ["payload.json"]
    told = [asked.prompt for asked in script.heard]
    assert any("The lamp is broken" in prompt and "the hook 'issues'" in prompt for prompt in told)
    assert not any("lamp" in asked.directive for asked in script.heard)
    again = await hook.deliver()
    assert (again.status, again.body) == (202, delivered.body)
    assert (await run.get())["ended"] == ended.swarm["ended"]
    assert (await hook.call("DELETE")).status == 204


@each_way
async def test_one_delivery_starts_one_swarm(ada: Tenant, way: Verification) -> None:
    hook = await make(ada.deployment, way)
    answers = await asyncio.gather(*(hook.deliver() for _ in range(6)))
    assert {answer.status for answer in answers} == {202}
    (swarm_id,) = {answer.body["swarm_id"] for answer in answers}
    assert all(answer.body.keys() == {"swarm_id"} for answer in answers)
    other = await hook.deliver(delivery_id="d2")
    assert sorted(await started(ada)) == sorted([swarm_id, other.body["swarm_id"]])


async def test_every_refusal_reads_the_same(ada: Tenant) -> None:
    hook = await make(ada.deployment)
    unknown = replace(hook, shown={**hook.shown, "path": f"/hooks/{'0' * 32}"})
    malformed = replace(hook, shown={**hook.shown, "path": "/hooks/Not.an-id"})
    answers = [
        await unknown.deliver(),
        await malformed.deliver(),
        await unknown.deliver(webhook_signature=""),
        await hook.deliver(webhook_signature=""),
        await hook.deliver(webhook_signature="v1,AAAA"),
        await hook.deliver(age=301),
        await hook.deliver(age=-301),
        await hook.deliver(webhook_id="d2"),
        await hook.deliver(authorization=f"Bearer {hook.shown['secret']}", webhook_signature=""),
        await hook.deliver(authorization=f"Bearer {ada.deployment.key}", webhook_signature=""),
    ]
    assert (await hook.call("PATCH", json={"enabled": False}, headers={"If-Match": "*"})).status == 200
    answers.append(await hook.deliver())
    assert (await hook.call("DELETE")).status == 204
    answers.append(await hook.deliver())
    assert {answer.status for answer in answers} == {401}
    assert len({json.dumps(answer.body) for answer in answers}) == 1
    assert {answer.type for answer in answers} == {"application/problem+json"}
    assert await started(ada) == []


async def test_the_owner_is_shown_what_came(ada: Tenant) -> None:
    hook = await make(ada.deployment)
    await hook.deliver(webhook_signature="v1,AAAA")
    delivered = await hook.deliver()
    (listed,) = (await ada.deployment.get("hooks"))["items"]
    assert listed["last_started"]["swarm_id"] == delivered.body["swarm_id"]
    assert "signature" in listed["last_refused"]["reason"]
    assert "secret" not in listed
    assert "context" not in listed


async def test_a_hook_is_managed_by_its_version(ada: Tenant) -> None:
    hook = await make(ada.deployment, context=[{"name": "a.md", "content": "known"}])
    assert hook.shown["path"] == f"/hooks/{hook.shown['hook_id']}"
    shown = await hook.call("GET")
    assert shown.headers["ETag"] == hook.etag
    assert shown.body == {name: value for name, value in hook.shown.items() if name != "secret"}
    assert [(doc["name"], doc["size"]) for doc in shown.body["context"]] == [("a.md", 5)]
    change = {"name": "renamed", "swarm": {"directive": "Else", "limits": LITTLE}}
    assert (await hook.call("PATCH", json=change)).status == 428
    assert (await hook.call("PATCH", json=change, headers={"If-Match": '"not-this"'})).status == 412
    await hook.deliver()  # being used does not change what a version is of
    changed = await hook.call("PATCH", json=change, headers={"If-Match": hook.etag})
    assert (changed.status, changed.body["name"], changed.body["directive"]) == (200, "renamed", "Else")
    assert changed.body["context"] == []
    assert (await hook.call("PATCH", json=change, headers={"If-Match": hook.etag})).status == 412
    assert (await hook.call("DELETE")).status == 204
    assert {(await hook.call(method)).status for method in ("GET", "DELETE")} == {404}


async def test_hooks_are_listed_page_by_page(ada: Tenant) -> None:
    made = [(await make(ada.deployment)).shown["hook_id"] for _ in range(3)]
    first = await ada.deployment.get("hooks?limit=2")
    rest = await ada.deployment.get(f"hooks?limit=2&cursor={first['cursor']}")
    assert sorted(one["hook_id"] for page in (first, rest) for one in page["items"]) == sorted(made)


async def test_making_one_is_done_once_for_one_key(ada: Tenant) -> None:
    body = {"name": "issues", "swarm": {"directive": "Sort"}}
    headers = {"Idempotency-Key": "4b1b2b0c-1c0f-4f5e-9f0b-once"}
    first = await ada.deployment.call("POST", "hooks", json=body, headers=headers)
    again = await ada.deployment.call("POST", "hooks", json=body, headers=headers)
    assert (first.status, first.body) == (again.status, again.body)
    assert first.headers["Location"] == f"/api/v1/hooks/{first.body['hook_id']}"
    assert len((await ada.deployment.get("hooks"))["items"]) == 1
    for field, value in (("limits", {"nodes": 1}), ("directive", " "), ("context", [{"name": "a", "content": ""}])):
        bad = {**body, "swarm": {**body["swarm"], field: value}}  # type: ignore[dict-item]  # a body of mixed shapes
        assert (await ada.deployment.call("POST", "hooks", json=bad)).status == 400, field


async def test_a_new_secret_leaves_the_old_one_good_for_a_while(ada: Tenant) -> None:
    hook = await make(ada.deployment)
    headers = {"Idempotency-Key": "rotated-once"}
    rotated = await hook.call("POST", "/rotate", headers=headers)
    assert rotated.status == 200
    assert (await hook.call("POST", "/rotate", headers=headers)).body["secret"] == rotated.body["secret"]
    assert (await hook.deliver()).status == 202
    assert (await hook.deliver(delivery_id="d2", secret=rotated.body["secret"])).status == 202
    assert (await hook.call("POST", "/rotate")).status == 200
    assert (await hook.deliver(delivery_id="d3")).status == 401
    other = await make(ada.deployment)
    assert (await other.call("POST", "/rotate", headers=headers)).body["hook_id"] == other.shown["hook_id"]


async def test_payloads_have_a_bound_and_are_text(ada: Tenant) -> None:
    hook = await make(ada.deployment)
    assert (await hook.deliver(b"x" * 262_145)).status == 413
    assert (await hook.deliver(b"\xff\xfe", content_type="text/plain")).status == 400
    assert (await hook.deliver(b"no json")).status == 400
    assert (await hook.deliver(b"abc", content_type="text/plain; charset=utf-16")).status == 415
    assert await started(ada) == []
    for number, (body, kind) in enumerate(
        [(b"x" * 262_144, "text/plain"), (b"a=1&b=2", "application/x-www-form-urlencoded"), (b"", "")]
    ):
        answer = await hook.deliver(body, delivery_id=f"d{number}", content_type=kind)
        assert answer.status == 202, answer
    names = [
        [doc["name"] for doc in (await ada.deployment.get(f"swarms/{swarm_id}"))["context"]]
        for swarm_id in await started(ada)
    ]
    assert sorted(names) == [[], ["payload.json"], ["payload.txt"]]


async def test_a_signature_is_over_the_bytes_that_came(ada: Tenant) -> None:
    """A compressed body reaches the check as it is, and is refused by name only once it is proven."""
    hook = await make(ada.deployment)
    packed = gzip.compress(BODY)
    refused = await hook.deliver(packed, content_encoding="gzip")
    assert (refused.status, "uncompressed" in refused.body["detail"]) == (415, True)
    assert (await hook.deliver(packed, content_encoding="gzip", webhook_signature="v1,AAAA")).status == 401
    assert await started(ada) == []


async def test_a_header_that_is_no_utf8_stops_no_text(ada: Tenant) -> None:
    hook = await make(ada.deployment)
    body = b"disk full"
    signed = sign(Verification.STANDARD, hook.shown["secret"], body, "d1", datetime.now(UTC))
    # The standard library sends header values as Latin-1.
    headers = {"Content-Type": "text/plain", "User-Agent": "J\u00fcrgen's monitor", **signed}
    request = Request(f"{ada.deployment.url}{hook.shown['path']}", body, headers)
    with await asyncio.to_thread(urlopen, request) as reply:
        swarm_id = json.load(reply)["swarm_id"]
    context = (await ada.deployment.get(f"swarms/{swarm_id}"))["context"]
    assert [doc["name"] for doc in context] == ["payload.txt"]


async def test_the_form_that_github_can_send_is_read_by_its_fields(swarms: Swarms) -> None:
    script = Script({"Sort": ["Write one.md."]})
    hook = await make(swarms.deployment, "github", limits={})
    body = urlencode({"payload": BODY.decode()}).encode()
    async with swarms.deployment.creating:
        swarms.switchboard.coming = script
        try:
            delivered = await hook.deliver(body, content_type="application/x-www-form-urlencoded")
            swarms.switchboard.scripts[delivered.body["swarm_id"]] = script
        finally:
            swarms.switchboard.coming = None
    assert delivered.status == 202
    run = Run(swarms.deployment, delivered.body["swarm_id"], script)
    swarms.runs.append(run)
    assert (await run.ended()).status == "completed"
    assert any("The lamp is broken" in asked.prompt for asked in script.of("Description"))


async def test_a_ping_of_github_starts_nothing(ada: Tenant) -> None:
    hook = await make(ada.deployment, "github")
    ping = await hook.deliver(x_github_event="ping")
    assert (ping.status, ping.body) == (200, {"swarm_id": None})
    assert await started(ada) == []


async def test_a_token_without_an_id_starts_one_each_time(ada: Tenant) -> None:
    hook = await make(ada.deployment, "token")
    one, other = [(await hook.deliver(idempotency_key="")).body["swarm_id"] for _ in range(2)]
    assert one != other
    assert sorted(await started(ada)) == sorted([one, other])


async def test_deliveries_count_against_their_owner(tenants: Tenants) -> None:
    ada = await tenants.user("Ada", requests_a_minute=4)
    hook = await make(ada.deployment)  # the first request
    statuses = [(await hook.deliver(webhook_signature="v1,AAAA")).status for _ in range(5)]
    assert statuses == [401] * 5
    answers = [await hook.deliver() for _ in range(4)]
    assert [answer.status for answer in answers] == [202, 202, 202, 429]
    assert int(answers[-1].headers["Retry-After"]) >= 1

    poor = await tenants.user("Poor", tokens_a_day=1)
    refused = await (await make(poor.deployment, limits={"tokens": 200_000})).deliver()
    assert refused.status == 429
    assert "tokens" not in refused.body["detail"]
    assert await started(poor) == []


async def test_a_disabled_users_hooks_take_nothing(tenants: Tenants, ada: Tenant) -> None:
    hook = await make(ada.deployment)
    path, disabled = f"admin/users/{ada.user_id}", {"disabled": True}
    changed = await tenants.admin.call("PATCH", path, json=disabled, headers={"If-Match": "*"})
    assert changed.status == 200
    assert (await hook.deliver()).status == 401


async def test_the_command_makes_one_and_sends_to_it(ada: Tenant) -> None:
    async def command(*arguments: str, **env: str) -> Any:
        told = {"SWARMSTAR_URL": ada.deployment.url, "SWARMSTAR_API_KEY": str(ada.deployment.key), **env}
        ran = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli.main", "hooks", *arguments, "--json"),
            env=os.environ | told,
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await ran.communicate()
        assert ran.returncode == 0, out
        return json.loads(out)

    for way in Verification:
        hook = await command("create", "builds", "Look", "--verification", way, "--limit", "calls=9")
        sent = ("send", hook["hook_id"], '{"a": 1}', "--id", "d1")
        delivered = [await command(*sent, SWARMSTAR_HOOK_SECRET=hook["secret"]) for _ in range(2)]
        assert delivered[0] == delivered[1]
        assert delivered[0]["swarm_id"] in await started(ada)
