"""`/api/v1/swarms/{swarm_id}/tree`, `/nodes/{node_id}` and `/events`."""

import json

import azure.durable_functions as df
import azure.functions as func

from functions._responses import integer, number, problems, reply
from functions._tenant import tenant_of
from shared import bootstrap
from shared.usecases import nodes

bp = df.Blueprint()


@bp.route("api/v1/swarms/{swarm_id}/tree", methods=["GET"])
@problems
async def get_tree(req: func.HttpRequest) -> func.HttpResponse:
    """Show the whole tree in brief."""
    return reply(await nodes.get_tree(bootstrap.app(), tenant_of(req), req.route_params["swarm_id"]))


@bp.route("api/v1/swarms/{swarm_id}/nodes/{node_id}", methods=["GET"])
@problems
async def get_node(req: func.HttpRequest) -> func.HttpResponse:
    """Show one node with its log, its routing steps and its questions."""
    swarm_id, node_id = req.route_params["swarm_id"], req.route_params["node_id"]
    detail = await nodes.get_node(bootstrap.app(), tenant_of(req), swarm_id, node_id)
    whole = detail.model_dump(mode="json")
    return func.HttpResponse(
        json.dumps({**whole.pop("node"), **whole}, ensure_ascii=False), mimetype="application/json"
    )


@bp.route("api/v1/swarms/{swarm_id}/events", methods=["GET"])
@problems
async def get_events(req: func.HttpRequest) -> func.HttpResponse:
    """Show what happened after a frame; with `wait`, stay until something does."""
    events = await nodes.get_events(
        bootstrap.app(),
        tenant_of(req),
        req.route_params["swarm_id"],
        after=integer(req, "after", 0),
        limit=integer(req, "limit", 500),
        wait=number(req, "wait", 0.0),
    )
    return reply(events)
