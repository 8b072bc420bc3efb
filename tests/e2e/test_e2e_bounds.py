"""What one user sends without end is refused, and a refusal leaves nothing behind."""

import asyncio
import secrets
import sqlite3

import pytest
from e2e_client import Deployment
from e2e_tenants import Tenant, Tenants

pytestmark = pytest.mark.asyncio(loop_scope="session")

_SWARM = {"directive": "Do it"}


def kept(tenant: Tenant, category: str) -> int:
    """How many documents of a category lie in a user's account."""
    if tenant.deployment.spaces is None:
        pytest.skip("what the deployment stores cannot be seen from here")
    file = tenant.deployment.spaces / f"{tenant.user_id}_account" / "swarm_default_kv_store.db"
    if not file.exists():
        return 0
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
        (count,) = connection.execute("SELECT COUNT(*) FROM document WHERE category = ?", (category,)).fetchone()
    return int(count)


def once() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(16)}


async def test_a_create_that_is_refused_leaves_no_record(tenants: Tenants) -> None:
    full = await tenants.user("Full", swarms=0)
    for _ in range(20):
        answer = await full.deployment.call("POST", "swarms", json=_SWARM, headers=once())
        assert answer.status == 429, answer
    assert kept(full, "idempotency") == 0


async def test_a_hook_or_schedule_too_many_leaves_no_record(tenants: Tenants) -> None:
    user = await tenants.user("Hooked")
    new = {"name": "n", "swarm": _SWARM}
    made = await asyncio.gather(
        *(user.deployment.call("POST", "hooks", json=new, headers=once()) for _ in range(110)),
        *(user.deployment.call("POST", "schedules", json=new | {"cron": "0 0 1 1 *"}) for _ in range(110)),
    )
    assert sorted(answer.status for answer in made) == [201] * 200 + [409] * 20
    assert kept(user, "idempotency") == 100
    assert (kept(user, "hook"), kept(user, "schedule")) == (100, 100)


async def test_a_body_of_many_parts_is_refused(tenants: Tenants) -> None:
    user: Deployment = (await tenants.user("Verbose")).deployment
    for body in ({"name": "n", "scopes": [1] * 15_000}, {f"k{number}": 0 for number in range(5_000)}):
        answer = await user.call("POST", "keys", json=body)
        assert (answer.status, "too many parts" in answer.body["detail"]) == (413, True), answer
    answer = await user.call("POST", "swarms", json={f"k{number}": 0 for number in range(200_000)})
    assert answer.status == 413, answer
