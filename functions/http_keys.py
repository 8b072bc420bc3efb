"""`/api/v1/keys`: a user's own API keys."""

import azure.durable_functions as df
from pydantic import BaseModel

from functions._endpoints import Call, Endpoint, endpoint
from functions._requests import NoBody, Paging
from functions._responses import Reply
from shared.tenancy import Scope
from shared.usecases import accounts

bp = df.Blueprint()


class KeyPage(BaseModel):
    """Some of a user's keys, and the cursor that goes on."""

    items: list[accounts.KeyView]
    cursor: str | None


@endpoint(
    bp,
    Endpoint(
        "POST",
        "api/v1/keys",
        scope=Scope.WRITE,
        body=accounts.NewKey,
        reply=accounts.CreatedKey,
        status=201,
        idempotent=True,
    ),
)
async def create_key(call: Call[accounts.NewKey]) -> Reply:
    """Make an API key. The key itself is in this answer and nowhere else."""
    key = await accounts.create_key(call.services, call.tenant, call.body, call.fresh_id, call.seed())
    return Reply(key, {"Location": f"/api/v1/keys/{key.key_id}"})


@endpoint(bp, Endpoint("GET", "api/v1/keys", scope=Scope.READ, query=Paging, reply=KeyPage))
async def list_keys(call: Call[NoBody, Paging]) -> KeyPage:
    """List your API keys, without their secrets."""
    items, cursor = await accounts.list_keys(call.services, call.tenant, call.query.limit, call.query.cursor)
    return KeyPage(items=items, cursor=cursor)


@endpoint(bp, Endpoint("DELETE", "api/v1/keys/{key_id}", scope=Scope.WRITE, reply=accounts.KeyView))
async def revoke_key(call: Call) -> accounts.KeyView:
    """Revoke an API key; it lets nobody in from now on."""
    return await accounts.revoke_key(call.services, call.tenant, call.path["key_id"])
