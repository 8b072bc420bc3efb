"""Users of a deployment, each with a key, made through the administrator's routes."""

import os
import secrets
from dataclasses import dataclass, replace
from typing import Any

from e2e_client import Deployment

#: The administrator's key of a deployment that the tests start, or of the one at `BASE_URL`.
ADMIN_KEY = os.environ.get("ADMIN_KEY") or f"admin.{secrets.token_urlsafe(32)}"


@dataclass(frozen=True)
class Tenants:
    """A deployment of many users, as nobody sees it and as the administrator does."""

    nobody: Deployment

    @property
    def admin(self) -> Deployment:
        """The deployment with the administrator's key."""
        return replace(self.nobody, key=ADMIN_KEY)

    async def user(self, name: str, scopes: tuple[str, ...] = ("read", "write"), **quotas: Any) -> "Tenant":
        """A new user with a key."""
        made = await self.admin.call("POST", "admin/users", json={"name": name, "quotas": quotas})
        assert made.status == 201, made
        return await self.with_key(made.body["user_id"], scopes)

    async def with_key(self, user_id: str, scopes: tuple[str, ...]) -> "Tenant":
        """A user with another key."""
        body = {"name": "of a test", "scopes": list(scopes)}
        key = await self.admin.call("POST", f"admin/users/{user_id}/keys", json=body)
        assert key.status == 201, key
        return Tenant(user_id, key.body["key_id"], replace(self.nobody, key=key.body["key"]))


@dataclass(frozen=True)
class Tenant:
    """One user."""

    user_id: str
    key_id: str
    deployment: Deployment


async def public(tenants: Tenants, path: str) -> tuple[Any, bytes]:
    """What anybody gets at `/api/{path}`: the response and its body."""
    async with tenants.nobody.session.get(f"{tenants.nobody.url}/api/{path}") as reply:
        assert reply.status == 200, reply
        return reply, await reply.read()
