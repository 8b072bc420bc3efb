"""Users, keys and repeated requests over HTTP."""

import asyncio
import json
import secrets
from dataclasses import replace
from typing import Any

import pytest
from e2e_client import Deployment
from e2e_tenants import Tenants, public

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def listed(deployment: Deployment, path: str, limit: int) -> list[dict[str, Any]]:
    """A whole list, page by page."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = await deployment.get(f"{path}?limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
        assert len(page["items"]) <= limit
        items += page["items"]
        cursor = page["cursor"]
        if cursor is None:
            return items


async def test_a_user_manages_their_own_keys(tenants: Tenants) -> None:
    ada = await tenants.user("Ada")
    made = await ada.deployment.call("POST", "keys", json={"name": "phone", "scopes": ["read"], "expires_days": 7})
    assert made.status == 201
    phone = Deployment(tenants.nobody.session, tenants.nobody.url, made.body["key"])
    assert (await phone.get("swarms"))["items"] == []
    assert (await phone.call("POST", "swarms", json={"directive": "x"})).status == 403

    keys = {key["key_id"]: key for key in await listed(ada.deployment, "keys", 1)}
    assert keys.keys() == {ada.key_id, made.body["key_id"]}
    assert all("key" not in key and "secret_sha256" not in key for key in keys.values())
    assert keys[made.body["key_id"]]["last_used"]

    assert (await ada.deployment.call("DELETE", made.headers["Location"].removeprefix("/api/v1/"))).status == 200
    assert (await phone.call("GET", "swarms")).status == 401


async def test_x_api_key_is_as_good(tenants: Tenants) -> None:
    ada = await tenants.user("Ada")
    answer = await tenants.nobody.call("GET", "swarms", headers={"x-api-key": str(ada.deployment.key)})
    assert answer.status == 200


async def test_the_administrator_changes_users_by_their_version(tenants: Tenants) -> None:
    ada = await tenants.user("Ada")
    path = f"admin/users/{ada.user_id}"
    shown = await tenants.admin.call("GET", path)
    change = {"quotas": {**shown.body["quotas"], "swarms": 3}}
    assert (await tenants.admin.call("PATCH", path, json=change)).status == 428
    stale = {"If-Match": '"not-this"'}
    assert (await tenants.admin.call("PATCH", path, json=change, headers=stale)).status == 412
    right = {"If-Match": shown.headers["ETag"]}
    changed = await tenants.admin.call("PATCH", path, json=change, headers=right)
    assert (changed.status, changed.body["quotas"]["swarms"], changed.body["name"]) == (200, 3, "Ada")
    assert changed.headers["ETag"] != shown.headers["ETag"]
    assert (await tenants.admin.call("PATCH", path, json=change, headers=right)).status == 412

    newest = {"If-Match": changed.headers["ETag"]}
    assert (await tenants.admin.call("PATCH", path, json={"disabled": True}, headers=newest)).status == 200
    assert (await ada.deployment.call("GET", "swarms")).status == 403


async def test_many_changes_at_once_lose_none(tenants: Tenants) -> None:
    ada = await tenants.user("Ada")
    path = f"admin/users/{ada.user_id}"
    shown = await tenants.admin.call("GET", path)
    version = {"If-Match": shown.headers["ETag"]}
    changes = (tenants.admin.call("PATCH", path, json={"name": f"Ada {n}"}, headers=version) for n in range(8))
    statuses = [answer.status for answer in await asyncio.gather(*changes)]
    assert sorted(statuses) == [200] + [412] * 7


async def test_users_are_listed_page_by_page(tenants: Tenants) -> None:
    made = {(await tenants.user(f"user {n}")).user_id for n in range(3)}
    users = await listed(tenants.admin, "admin/users", 2)
    ids = [user["user_id"] for user in users]
    assert made <= set(ids)
    assert len(ids) == len(set(ids))


async def test_a_creation_that_is_sent_twice_makes_one(tenants: Tenants) -> None:
    ada = await tenants.user("Ada")
    body = {"directive": "Write nothing.", "limits": {"calls": 9}}
    headers = {"Idempotency-Key": "once"}
    first = await ada.deployment.call("POST", "swarms", json=body, headers=headers)
    again = await ada.deployment.call("POST", "swarms", json=body, headers=headers)
    assert first.status == again.status == 202
    assert first.body == again.body
    assert first.headers["Location"] == again.headers["Location"]
    other = await ada.deployment.call("POST", "swarms", json={**body, "directive": "Else."}, headers=headers)
    assert other.status == 409
    assert len((await ada.deployment.get("swarms"))["items"]) == 1

    bob = await tenants.user("Bob")
    his = await bob.deployment.call("POST", "swarms", json=body, headers=headers)
    assert his.status == 202
    assert his.body["swarm_id"] != first.body["swarm_id"]


async def test_a_refused_creation_may_be_mended_under_the_same_key(tenants: Tenants) -> None:
    ada = await tenants.user("Ada")
    headers = {"Idempotency-Key": "mended"}
    bad = {"directive": "Write.", "context": [{"name": "a.md", "content": "text"}], "limits": {"nodes": 1}}
    assert (await ada.deployment.call("POST", "swarms", json=bad, headers=headers)).status == 400
    good = {"directive": "Write.", "limits": {"calls": 9}}
    assert (await ada.deployment.call("POST", "swarms", json=good, headers=headers)).status == 202


@pytest.mark.parametrize("by", ["user", "administrator"])
async def test_a_key_that_is_made_twice_is_one_key_and_shown_again(tenants: Tenants, by: str) -> None:
    ada = await tenants.user("Ada")
    maker = ada.deployment if by == "user" else tenants.admin
    path = "keys" if by == "user" else f"admin/users/{ada.user_id}/keys"
    headers = {"Idempotency-Key": secrets.token_hex(16)}
    first, again = [await maker.call("POST", path, json={"name": "laptop"}, headers=headers) for _ in range(2)]
    assert (first.status, again.status) == (201, 201)
    assert first.body == again.body
    assert first.headers["Location"] == again.headers["Location"]
    assert len((await ada.deployment.get("keys"))["items"]) == 2
    assert (await replace(ada.deployment, key=again.body["key"]).call("GET", "swarms")).status == 200
    if ada.deployment.spaces is not None:  # neither what is shown once, nor what protects it, lies in the store
        secret, protects = first.body["key"].partition(".")[2].encode(), headers["Idempotency-Key"].encode()
        for file in ada.deployment.spaces.rglob("*"):
            content = file.read_bytes() if file.is_file() else b""
            assert secret not in content
            assert protects not in content
    other = await maker.call("POST", path, json={"name": "phone"}, headers=headers)
    assert other.status == 409


async def test_one_key_of_a_creation_serves_every_users_keys_apart(tenants: Tenants) -> None:
    users = [await tenants.user(name) for name in ("Ada", "Bob")]
    headers = {"Idempotency-Key": secrets.token_hex(16)}
    made = [
        await tenants.admin.call("POST", f"admin/users/{user.user_id}/keys", json={"name": "same"}, headers=headers)
        for user in users
    ]
    assert [answer.status for answer in made] == [201, 201]
    assert made[0].body["key_id"] != made[1].body["key_id"]


async def test_a_user_that_is_made_twice_is_one_user(tenants: Tenants) -> None:
    headers = {"Idempotency-Key": secrets.token_hex(16)}
    made = [await tenants.admin.call("POST", "admin/users", json={"name": "Eve"}, headers=headers) for _ in range(2)]
    assert [answer.status for answer in made] == [201, 201]
    assert made[0].body == made[1].body


async def test_a_refused_key_may_be_mended_under_the_same_idempotency_key(tenants: Tenants) -> None:
    reader = await tenants.user("Ada", scopes=("read", "write"))
    headers = {"Idempotency-Key": secrets.token_hex(16)}
    path = f"admin/users/{reader.user_id}/keys"
    refused = await tenants.admin.call("POST", path, json={"name": "a", "scopes": ["admin"]}, headers=headers)
    assert refused.status == 403
    assert (await tenants.admin.call("POST", path, json={"name": "a"}, headers=headers)).status == 201


async def test_too_many_requests_are_told_when_to_come_back(tenants: Tenants) -> None:
    ada = await tenants.user("Ada", requests_a_minute=3)
    answers = [await ada.deployment.call("GET", "swarms") for _ in range(5)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) >= 1


async def test_bodies_have_a_type_and_a_bound(tenants: Tenants) -> None:
    ada = await tenants.user("Ada")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = await ada.deployment.call("POST", "keys", data=b'{"name": "x"}', headers={"Content-Type": kind})
        assert answer.status == 415, answer
    large = await ada.deployment.call("POST", "keys", json={"name": "x" * 70_000})
    assert large.status == 413
    assert len((await ada.deployment.get("keys"))["items"]) == 1


async def test_the_document_and_its_page_are_there_for_anybody(tenants: Tenants) -> None:
    document = json.loads((await public(tenants, "openapi.json"))[1])
    assert document["openapi"].startswith("3.1")
    reply, page = await public(tenants, "docs")
    assert reply.content_type == "text/html"
    for path in document["paths"]:
        assert path in page.decode()
    assert b"<script" not in page
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert json.loads((await public(tenants, "health"))[1]) == {"status": "ok"}
