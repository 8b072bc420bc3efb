"""`/api/v1/swarms/{swarm_id}/tree`, `/nodes/{node_id}` with the control of its branch, and `/events`."""

from typing import Annotated

import azure.durable_functions as df
from pydantic import BaseModel, Field

from functions._endpoints import Call, Endpoint, endpoint
from functions._requests import NoBody, Number, Paging, Whole
from shared.tenancy import Scope
from shared.usecases import control, nodes

bp = df.Blueprint()


class TreePaging(Paging):
    """A page of a tree."""

    limit: Annotated[Whole, Field(ge=1, le=nodes.MAX_TREE, description="Nodes on the page at most.")] = 500


class After(BaseModel, extra="forbid", frozen=True):
    """Which events, and how long to wait for one."""

    after: Annotated[Whole, Field(description="The last frame that is known; 0 from the beginning.")] = 0
    limit: Annotated[Whole, Field(ge=1, le=nodes.MAX_EVENTS, description="Events at most.")] = 500
    wait: Annotated[Number, Field(ge=0, le=nodes.MAX_WAIT, description="Seconds to wait for an event.")] = 0.0


@endpoint(bp, Endpoint("GET", "api/v1/swarms/{swarm_id}/tree", scope=Scope.READ, query=TreePaging, reply=nodes.Tree))
async def get_tree(call: Call[NoBody, TreePaging]) -> nodes.Tree:
    """Show a page of the tree in brief, parents before their children."""
    return await nodes.get_tree(call.services, call.tenant, call.path["swarm_id"], call.query.limit, call.query.cursor)


@endpoint(bp, Endpoint("GET", "api/v1/swarms/{swarm_id}/nodes/{node_id}", scope=Scope.READ, reply=nodes.NodeDetail))
async def get_node(call: Call) -> nodes.NodeDetail:
    """Show one node with its routing steps, and the first of its log and of its questions."""
    return await nodes.get_node(call.services, call.tenant, call.path["swarm_id"], call.path["node_id"])


@endpoint(
    bp,
    Endpoint(
        "GET", "api/v1/swarms/{swarm_id}/nodes/{node_id}/log", scope=Scope.READ, query=Paging, reply=nodes.NodeLog
    ),
)
async def list_node_log(call: Call[NoBody, Paging]) -> nodes.NodeLog:
    """List what a node said to the model and what came back."""
    swarm_id, node_id, page = call.path["swarm_id"], call.path["node_id"], call.query
    return await nodes.list_node_log(call.services, call.tenant, swarm_id, node_id, page.limit, page.cursor)


@endpoint(
    bp,
    Endpoint(
        "GET",
        "api/v1/swarms/{swarm_id}/nodes/{node_id}/questions",
        scope=Scope.READ,
        query=Paging,
        reply=nodes.NodeQuestions,
    ),
)
async def list_node_questions(call: Call[NoBody, Paging]) -> nodes.NodeQuestions:
    """List what a node asked its user."""
    swarm_id, node_id, page = call.path["swarm_id"], call.path["node_id"], call.query
    return await nodes.list_node_questions(call.services, call.tenant, swarm_id, node_id, page.limit, page.cursor)


@endpoint(
    bp,
    Endpoint(
        "POST",
        "api/v1/swarms/{swarm_id}/nodes/{node_id}/pause",
        scope=Scope.WRITE,
        reply=control.BranchView,
        status=202,
        errors=(409,),
    ),
)
async def pause_branch(call: Call) -> control.BranchView:
    """Pause a node and all below it before their next model calls; the others go on."""
    return await control.pause_branch(call.services, call.tenant, call.path["swarm_id"], call.path["node_id"])


@endpoint(
    bp,
    Endpoint(
        "POST",
        "api/v1/swarms/{swarm_id}/nodes/{node_id}/resume",
        scope=Scope.WRITE,
        reply=control.BranchView,
        status=202,
        errors=(409,),
        durable=True,
    ),
)
async def resume_branch(call: Call) -> control.BranchView:
    """Let a paused node and all below it go on."""
    swarm_id, node_id = call.path["swarm_id"], call.path["node_id"]
    return await control.resume_branch(call.services, call.tenant, call.runtime, swarm_id, node_id)


@endpoint(
    bp,
    Endpoint(
        "POST",
        "api/v1/swarms/{swarm_id}/nodes/{node_id}/cancel",
        scope=Scope.WRITE,
        reply=control.BranchView,
        status=202,
        errors=(409,),
        durable=True,
    ),
)
async def cancel_branch(call: Call) -> control.BranchView:
    """Cancel a node and all below it; the others go on."""
    swarm_id, node_id = call.path["swarm_id"], call.path["node_id"]
    return await control.cancel_branch(call.services, call.tenant, call.runtime, swarm_id, node_id)


@endpoint(
    bp,
    Endpoint("GET", "api/v1/swarms/{swarm_id}/events", scope=Scope.READ, query=After, reply=nodes.Events, waits=True),
)
async def get_events(call: Call[NoBody, After]) -> nodes.Events:
    """Show what happened after a frame; with `wait`, stay until something does."""
    asked = call.query
    swarm_id = call.path["swarm_id"]
    return await nodes.get_events(
        call.services, call.tenant, swarm_id, after=asked.after, limit=asked.limit, wait=asked.wait
    )
