"""`/api/v1/swarms`: create, list, get, and tell a swarm what to do."""

import azure.durable_functions as df
from pydantic import BaseModel

from functions._endpoints import Call, Endpoint, endpoint
from functions._requests import MAX_SWARM_BODY, NoBody, Paging
from functions._responses import NOTHING, Reply
from shared.swarm.swarm import Swarm
from shared.tenancy import Scope
from shared.usecases import control, swarms
from shared.usecases import create_swarm as creating
from shared.usecases import delete_swarm as deleting

bp = df.Blueprint()


class SwarmPage(BaseModel):
    """Some of a user's swarms, and the cursor that goes on."""

    items: list[Swarm]
    cursor: str | None


@endpoint(
    bp,
    Endpoint(
        "POST",
        "api/v1/swarms",
        scope=Scope.WRITE,
        body=creating.NewSwarm,
        reply=Swarm,
        status=202,
        max_body=MAX_SWARM_BODY,
        durable=True,
        idempotent=True,
    ),
)
async def create_swarm(call: Call[creating.NewSwarm]) -> Reply:
    """Create a swarm with its context and start it."""
    swarm = await creating.create_swarm(call.services, call.tenant, call.runtime, call.body, call.fresh_id)
    return Reply(swarm, {"Location": f"/api/v1/swarms/{swarm.swarm_id}"})


@endpoint(bp, Endpoint("GET", "api/v1/swarms", scope=Scope.READ, query=Paging, reply=SwarmPage))
async def list_swarms(call: Call[NoBody, Paging]) -> SwarmPage:
    """List your swarms, the newest first."""
    items, cursor = await swarms.list_swarms(call.services, call.tenant, call.query.limit, call.query.cursor)
    return SwarmPage(items=items, cursor=cursor)


@endpoint(bp, Endpoint("GET", "api/v1/swarms/{swarm_id}", scope=Scope.READ, reply=Swarm))
async def get_swarm(call: Call) -> Swarm:
    """Show one swarm."""
    return await swarms.get_swarm(call.services, call.tenant, call.path["swarm_id"])


@endpoint(
    bp,
    Endpoint(
        "POST",
        "api/v1/swarms/{swarm_id}/cancel",
        scope=Scope.WRITE,
        reply=Swarm,
        status=202,
        errors=(409,),
        durable=True,
    ),
)
async def cancel_swarm(call: Call) -> Swarm:
    """Cancel a swarm."""
    return await control.cancel_swarm(call.services, call.tenant, call.runtime, call.path["swarm_id"])


@endpoint(
    bp, Endpoint("POST", "api/v1/swarms/{swarm_id}/pause", scope=Scope.WRITE, reply=Swarm, status=202, errors=(409,))
)
async def pause_swarm(call: Call) -> Swarm:
    """Pause a swarm before its next model calls."""
    return await control.pause_swarm(call.services, call.tenant, call.path["swarm_id"])


@endpoint(
    bp,
    Endpoint(
        "POST",
        "api/v1/swarms/{swarm_id}/resume",
        scope=Scope.WRITE,
        reply=Swarm,
        status=202,
        errors=(409,),
        durable=True,
    ),
)
async def resume_swarm(call: Call) -> Swarm:
    """Let a paused swarm go on."""
    return await control.resume_swarm(call.services, call.tenant, call.runtime, call.path["swarm_id"])


@endpoint(
    bp,
    Endpoint(
        "DELETE", "api/v1/swarms/{swarm_id}", scope=Scope.WRITE, media_type="", status=204, errors=(409,), durable=True
    ),
)
async def delete_swarm(call: Call) -> Reply:
    """Delete a swarm with everything in it."""
    await deleting.delete_swarm(call.services, call.tenant, call.runtime, call.path["swarm_id"])
    return NOTHING
