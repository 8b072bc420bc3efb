"""What must hold of any deployment with any model: run it after every deploy.

It creates three swarms of nine model calls at most, and deletes them. Give it `API_KEY`, and for the walls
between users `API_KEY_B` or `ADMIN_KEY` (see `conftest.py`).
"""

import os
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from e2e_client import BASE_URL, Answer, Deployment
from e2e_tenants import Tenants

from cli.api import is_loopback

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.any_model]

UNKNOWN = "0123456789abcdef"
BODY = {
    "directive": "Write nothing; this checks the deployment.",
    "limits": {"calls": 9, "cost_usd": 0.1, "wall_seconds": 300},
}


@dataclass
class Somebody:
    """A user of the deployment, and the swarms to delete again."""

    deployment: Deployment
    made: list[str] = field(default_factory=list)

    async def create(self, **headers: str) -> Answer:
        """Create a swarm that costs a few model calls at most."""
        answer = await self.deployment.call("POST", "swarms", json=BODY, headers=headers)
        assert answer.status == 202, answer
        self.made.append(answer.body["swarm_id"])
        return answer

    async def listed(self) -> set[str]:
        """The ids of the newest swarms."""
        return {swarm["swarm_id"] for swarm in (await self.deployment.get("swarms?limit=200"))["items"]}


@pytest.fixture
def nobody(everybody: Tenants) -> Deployment:
    """The deployment without a credential."""
    return everybody.nobody


@pytest_asyncio.fixture(loop_scope="session")
async def user(everybody: Tenants) -> AsyncIterator[Somebody]:
    """A user: the one of `API_KEY`, or one that is made."""
    key = os.environ.get("API_KEY") if BASE_URL else None
    if BASE_URL and not key and "ADMIN_KEY" not in os.environ:
        pytest.skip("BASE_URL is set with neither API_KEY nor ADMIN_KEY, so nobody can sign in there")
    somebody = Somebody(replace(everybody.nobody, key=key) if key else (await everybody.user("Smoke")).deployment)
    yield somebody
    for swarm_id in set(somebody.made):
        assert (await somebody.deployment.call("DELETE", f"swarms/{swarm_id}")).status in {204, 404}


@pytest_asyncio.fixture(loop_scope="session")
async def other(everybody: Tenants) -> Somebody:
    """Another user: the one of `API_KEY_B`, or one that is made."""
    key = os.environ.get("API_KEY_B") if BASE_URL else None
    if BASE_URL and not key and "ADMIN_KEY" not in os.environ:
        pytest.skip("BASE_URL is set with neither API_KEY_B nor ADMIN_KEY, so there is one user only")
    return Somebody(replace(everybody.nobody, key=key) if key else (await everybody.user("Other")).deployment)


def problem(answer: Answer, *statuses: int) -> None:
    """It is a problem document with one of these statuses."""
    assert answer.status in statuses, answer
    assert answer.type == "application/problem+json", answer
    assert {"type", "title", "status", "detail"} <= answer.body.keys()
    assert answer.body["status"] == answer.status


async def test_nobody_is_let_in(nobody: Deployment) -> None:
    forged = {"x-ms-client-principal": "eyJjbGFpbXMiOltdfQ==", "x-ms-client-principal-id": "x"}
    wrong = {"Authorization": f"Bearer ss-{'0' * 12}.{'x' * 43}"}
    token = {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."}
    for method, path in (("GET", "swarms"), ("POST", "swarms"), ("GET", f"swarms/{UNKNOWN}"), ("GET", "admin/users")):
        for headers in ({}, forged, wrong, token):
            answer = await nobody.call(method, path, headers=headers)
            problem(answer, 401)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_the_hosts_own_routes_are_closed(nobody: Deployment) -> None:
    if BASE_URL and is_loopback(str(urlsplit(BASE_URL).hostname)):
        pytest.skip("Core Tools serve the host's own routes openly on one's own machine")
    for path in ("runtime/webhooks/durabletask/instances", "admin/host/status", "admin/functions"):
        async with nobody.session.get(f"{nobody.url}/{path}") as reply:
            assert reply.status in {401, 403, 404}, (path, reply.status)


async def test_what_is_for_anybody_is_there(nobody: Deployment) -> None:
    for path in ("", "api/health", "api/openapi.json", "api/docs"):
        async with nobody.session.get(f"{nobody.url}/{path}") as reply:
            assert reply.status == 200, path


async def test_a_swarm_is_created_shown_listed_cancelled_and_deleted(user: Somebody) -> None:
    made = await user.create()
    swarm_id = made.body["swarm_id"]
    path = f"swarms/{swarm_id}"
    assert made.headers["Location"] == f"/api/v1/{path}"
    assert (await user.deployment.get(path))["directive"] == BODY["directive"]
    assert swarm_id in await user.listed()

    cancelled = await user.deployment.call("POST", f"{path}/cancel")
    assert cancelled.status in {202, 409}, cancelled  # it may have ended before
    frame, ended = 0, False
    for _ in range(20):
        page = await user.deployment.get(f"{path}/events?after={frame}&wait=10")
        frame, ended = page["frame"], page["ended"]
        if ended:
            break
    assert ended
    problem(await user.deployment.call("POST", f"{path}/pause"), 409)

    assert (await user.deployment.call("DELETE", path)).status == 204
    problem(await user.deployment.call("GET", path), 404)
    assert swarm_id not in await user.listed()


async def test_a_request_that_is_repeated_makes_one_swarm(user: Somebody) -> None:
    key = {"Idempotency-Key": secrets.token_hex(8)}
    first, again = await user.create(**key), await user.create(**key)
    assert first.body == again.body
    changed = {**BODY, "directive": "Something else."}
    problem(await user.deployment.call("POST", "swarms", json=changed, headers=key), 409)


async def test_errors_are_problem_documents(user: Somebody) -> None:
    call = user.deployment.call
    problem(await call("GET", f"swarms/{UNKNOWN}"), 404)
    problem(await call("POST", "swarms", json={"directive": ""}), 400)
    problem(await call("POST", "swarms", data=b"{", headers={"Content-Type": "application/json"}), 400)
    problem(await call("POST", "swarms", data=b"x", headers={"Content-Type": "text/plain"}), 415)
    problem(await call("GET", "swarms?limit=0"), 400)


async def test_a_users_swarm_is_not_there_for_another(user: Somebody, other: Somebody) -> None:
    swarm_id = (await user.create()).body["swarm_id"]
    calls = [("GET", path) for path in ("", "/tree", "/events", "/questions", "/artifacts", "/nodes/0", "/archive")]
    calls += [("POST", path) for path in ("/cancel", "/pause", "/resume")] + [("DELETE", "")]
    for method, path in calls:
        problem(await other.deployment.call(method, f"swarms/{swarm_id}{path}"), 404)
    assert swarm_id not in await other.listed()
    assert swarm_id in await user.listed()
    problem(await other.deployment.call("GET", "admin/users"), 403)
