"""`/api/v1/hooks`: a user's hooks; and `/hooks/{hook_id}`, where what starts their swarms is delivered."""

import azure.durable_functions as df
from pydantic import BaseModel, Field

from functions._endpoints import Call, Endpoint, endpoint
from functions._requests import MAX_SWARM_BODY, NoBody, Paging
from functions._responses import NOTHING, Reply
from shared.hooks import deliver as delivering
from shared.hooks import use_cases as hooks
from shared.hooks.payloads import MAX_PAYLOAD
from shared.tenancy import Scope

bp = df.Blueprint()

#: Why a route that makes swarms asks for no user.
_PROOF = (
    "The sender is another system, to which no user's key is given: the delivery's signature or token, made with the "
    "hook's own secret, is the credential. It is checked before anything is done, and whatever is wrong with it is "
    "answered with the same 401."
)


class HookPage(BaseModel):
    """Some of a user's hooks, and the cursor that goes on."""

    items: list[hooks.HookView]
    cursor: str | None


class Delivered(BaseModel):
    """What a delivery started."""

    swarm_id: str | None = Field(description="Null for a `ping`, which starts nothing.")


@endpoint(
    bp,
    Endpoint(
        "POST",
        "api/v1/hooks",
        scope=Scope.WRITE,
        body=hooks.NewHook,
        reply=hooks.CreatedHook,
        status=201,
        max_body=MAX_SWARM_BODY,
        errors=(409,),
        versioned=True,
        idempotent=True,
    ),
)
async def create_hook(call: Call[hooks.NewHook]) -> Reply:
    """Make a hook. Its secret is in this answer and in none after it."""
    held = await hooks.create_hook(call.services, call.tenant, call.body, call.fresh_id, call.seed())
    return Reply(held.doc, {"Location": f"/api/v1/hooks/{held.doc.hook_id}"}, held.etag)


@endpoint(bp, Endpoint("GET", "api/v1/hooks", scope=Scope.READ, query=Paging, reply=HookPage))
async def list_hooks(call: Call[NoBody, Paging]) -> HookPage:
    """List your hooks, the oldest first."""
    items, cursor = await hooks.list_hooks(call.services, call.tenant, call.query.limit, call.query.cursor)
    return HookPage(items=items, cursor=cursor)


@endpoint(bp, Endpoint("GET", "api/v1/hooks/{hook_id}", scope=Scope.READ, reply=hooks.HookDetail, versioned=True))
async def get_hook(call: Call) -> Reply:
    """Show one hook and what it starts."""
    held = await hooks.get_hook(call.services, call.tenant, call.path["hook_id"])
    return Reply(held.doc, etag=held.etag)


@endpoint(
    bp,
    Endpoint(
        "PATCH",
        "api/v1/hooks/{hook_id}",
        scope=Scope.WRITE,
        body=hooks.HookChange,
        reply=hooks.HookDetail,
        max_body=MAX_SWARM_BODY,
        versioned=True,
        conditional=True,
    ),
)
async def change_hook(call: Call[hooks.HookChange]) -> Reply:
    """Rename, pause or resume a hook, or change what it starts."""
    held = await hooks.change_hook(call.services, call.tenant, call.path["hook_id"], call.body, call.if_match)
    return Reply(held.doc, etag=held.etag)


@endpoint(
    bp,
    Endpoint(
        "POST",
        "api/v1/hooks/{hook_id}/rotate",
        scope=Scope.WRITE,
        reply=hooks.CreatedHook,
        errors=(409,),
        versioned=True,
        idempotent=True,
    ),
)
async def rotate_hook(call: Call) -> Reply:
    """Give a hook a new secret. The present one stays good for a day."""
    held = await hooks.rotate_hook(call.services, call.tenant, call.path["hook_id"], call.fresh_id, call.seed())
    return Reply(held.doc, etag=held.etag)


@endpoint(bp, Endpoint("DELETE", "api/v1/hooks/{hook_id}", scope=Scope.WRITE, media_type="", status=204, errors=(409,)))
async def delete_hook(call: Call) -> Reply:
    """Delete a hook; it takes no delivery from now on."""
    await hooks.delete_hook(call.services, call.tenant, call.path["hook_id"])
    return NOTHING


@endpoint(
    bp,
    Endpoint(
        "POST",
        "hooks/{hook_id}",
        proof=_PROOF,
        content="*/*",
        max_body=MAX_PAYLOAD,
        reply=Delivered,
        status=202,
        other_status=200,
        errors=(409,),
        durable=True,
    ),
)
async def deliver(call: Call) -> Reply:
    """Start the swarm of a hook on what is delivered."""
    swarm_id = await delivering.deliver(call.services, call.runtime, call.path["hook_id"], call.headers, call.content)
    return Reply(Delivered(swarm_id=swarm_id), status=200 if swarm_id is None else None)
