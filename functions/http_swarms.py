"""`/api/v1/swarms`: create, list, get, and tell a swarm what to do."""

import azure.durable_functions as df
import azure.functions as func
from pydantic import BaseModel

from functions._responses import integer, parse_body, problems, reply
from functions._runtime import DurableRuntime
from functions._tenant import tenant_of
from shared import bootstrap
from shared.swarm.swarm import Swarm
from shared.usecases import create_swarm as creating
from shared.usecases import swarms

bp = df.Blueprint()


class SwarmPage(BaseModel):
    """Some of a user's swarms, and the cursor that goes on."""

    items: list[Swarm]
    cursor: str | None


@bp.route("api/v1/swarms", methods=["POST"])
@bp.durable_client_input(client_name="client")
@problems
async def create_swarm(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Create a swarm with its context and start it."""
    tenant = tenant_of(req)
    new = parse_body(req, creating.NewSwarm)
    swarm = await creating.create_swarm(bootstrap.app(), tenant, DurableRuntime(client), new)
    return reply(swarm, 202, {"Location": f"/api/v1/swarms/{swarm.swarm_id}"})


@bp.route("api/v1/swarms", methods=["GET"])
@problems
async def list_swarms(req: func.HttpRequest) -> func.HttpResponse:
    """List the user's swarms."""
    tenant = tenant_of(req)
    limit = swarms.check_limit(integer(req, "limit", 50), 200)
    items, cursor = await swarms.list_swarms(bootstrap.app(), tenant, limit, req.params.get("cursor"))
    return reply(SwarmPage(items=items, cursor=cursor))


@bp.route("api/v1/swarms/{swarm_id}", methods=["GET"])
@problems
async def get_swarm(req: func.HttpRequest) -> func.HttpResponse:
    """Show one swarm."""
    return reply(await swarms.get_swarm(bootstrap.app(), tenant_of(req), req.route_params["swarm_id"]))


@bp.route("api/v1/swarms/{swarm_id}/cancel", methods=["POST"])
@bp.durable_client_input(client_name="client")
@problems
async def cancel_swarm(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Cancel a swarm."""
    app, tenant, swarm_id = bootstrap.app(), tenant_of(req), req.route_params["swarm_id"]
    return reply(await swarms.cancel_swarm(app, tenant, DurableRuntime(client), swarm_id), 202)


@bp.route("api/v1/swarms/{swarm_id}/pause", methods=["POST"])
@problems
async def pause_swarm(req: func.HttpRequest) -> func.HttpResponse:
    """Pause a swarm before its next model calls."""
    return reply(await swarms.pause_swarm(bootstrap.app(), tenant_of(req), req.route_params["swarm_id"]), 202)


@bp.route("api/v1/swarms/{swarm_id}/resume", methods=["POST"])
@bp.durable_client_input(client_name="client")
@problems
async def resume_swarm(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Let a paused swarm go on."""
    app, tenant, swarm_id = bootstrap.app(), tenant_of(req), req.route_params["swarm_id"]
    return reply(await swarms.resume_swarm(app, tenant, DurableRuntime(client), swarm_id), 202)
