"""`/api/v1/admin/users`: users, their quotas and their keys. It gives no access to anybody's swarms."""

import azure.durable_functions as df
from pydantic import BaseModel

from functions._endpoints import Call, Endpoint, endpoint
from functions._requests import NoBody, Paging
from functions._responses import Reply
from functions.http_keys import KeyPage
from shared.tenancy import Scope
from shared.tenancy.users import User
from shared.usecases import accounts

bp = df.Blueprint()


class UserPage(BaseModel):
    """Some users, and the cursor that goes on."""

    items: list[User]
    cursor: str | None


@endpoint(
    bp,
    Endpoint(
        "POST", "api/v1/admin/users", scope=Scope.ADMIN, body=accounts.NewUser, reply=User, status=201, idempotent=True
    ),
)
async def create_user(call: Call[accounts.NewUser]) -> Reply:
    """Make a user."""
    user = await accounts.create_user(call.services, call.body, f"u-{call.fresh_id}")
    return Reply(user, {"Location": f"/api/v1/admin/users/{user.user_id}"})


@endpoint(bp, Endpoint("GET", "api/v1/admin/users", scope=Scope.ADMIN, query=Paging, reply=UserPage))
async def list_users(call: Call[NoBody, Paging]) -> UserPage:
    """List users, the oldest first."""
    items, cursor = await accounts.list_users(call.services, call.query.limit, call.query.cursor)
    return UserPage(items=items, cursor=cursor)


@endpoint(bp, Endpoint("GET", "api/v1/admin/users/{user_id}", scope=Scope.ADMIN, reply=User, versioned=True))
async def get_user(call: Call) -> Reply:
    """Show one user."""
    held = await accounts.get_user(call.services, call.path["user_id"])
    return Reply(held.doc, etag=held.etag)


@endpoint(
    bp,
    Endpoint(
        "PATCH",
        "api/v1/admin/users/{user_id}",
        scope=Scope.ADMIN,
        body=accounts.UserChange,
        reply=User,
        versioned=True,
        conditional=True,
    ),
)
async def change_user(call: Call[accounts.UserChange]) -> Reply:
    """Rename, disable or enable a user, or set their quotas."""
    held = await accounts.change_user(call.services, call.path["user_id"], call.body, call.if_match)
    return Reply(held.doc, etag=held.etag)


@endpoint(
    bp,
    Endpoint(
        "POST",
        "api/v1/admin/users/{user_id}/keys",
        scope=Scope.ADMIN,
        body=accounts.NewKey,
        reply=accounts.CreatedKey,
        status=201,
        idempotent=True,
    ),
)
async def create_user_key(call: Call[accounts.NewKey]) -> Reply:
    """Make an API key for a user. The key itself is in this answer and nowhere else."""
    user = await accounts.user_context(call.services, call.path["user_id"])
    key = await accounts.create_key(call.services, user, call.body, call.fresh_id, call.seed())
    return Reply(key, {"Location": f"/api/v1/admin/users/{user.user_id}/keys/{key.key_id}"})


@endpoint(bp, Endpoint("GET", "api/v1/admin/users/{user_id}/keys", scope=Scope.ADMIN, query=Paging, reply=KeyPage))
async def list_user_keys(call: Call[NoBody, Paging]) -> KeyPage:
    """List a user's API keys, without their secrets."""
    user = await accounts.user_context(call.services, call.path["user_id"])
    items, cursor = await accounts.list_keys(call.services, user, call.query.limit, call.query.cursor)
    return KeyPage(items=items, cursor=cursor)


@endpoint(
    bp, Endpoint("DELETE", "api/v1/admin/users/{user_id}/keys/{key_id}", scope=Scope.ADMIN, reply=accounts.KeyView)
)
async def revoke_user_key(call: Call) -> accounts.KeyView:
    """Revoke a user's API key; it lets nobody in from now on."""
    user = await accounts.user_context(call.services, call.path["user_id"])
    return await accounts.revoke_key(call.services, user, call.path["key_id"])
