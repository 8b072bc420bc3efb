"""`/api/v1/actions`: what nodes can do, and `/api/v1/swarms/{swarm_id}/actions`: what those of one swarm can."""

import azure.durable_functions as df
from pydantic import BaseModel

from functions._endpoints import Call, Endpoint, endpoint
from functions._requests import NoBody, Paging
from shared.tenancy import Scope
from shared.usecases import actions

bp = df.Blueprint()


class ActionPage(BaseModel):
    """Some of the actions that ship with the app, and the cursor that goes on."""

    items: list[actions.ActionView]
    cursor: str | None


@endpoint(bp, Endpoint("GET", "api/v1/actions", scope=Scope.READ, query=Paging, reply=ActionPage))
async def list_actions(call: Call[NoBody, Paging]) -> ActionPage:
    """List the actions that ship with the app."""
    items, cursor = await actions.list_actions(call.services, call.query.limit, call.query.cursor)
    return ActionPage(items=items, cursor=cursor)


@endpoint(bp, Endpoint("GET", "api/v1/actions/{action_id}", scope=Scope.READ, reply=actions.ActionView))
async def get_action(call: Call) -> actions.ActionView:
    """Show one action that ships with the app."""
    return await actions.get_action(call.services, call.path["action_id"])


@endpoint(
    bp,
    Endpoint("GET", "api/v1/swarms/{swarm_id}/actions", scope=Scope.READ, query=Paging, reply=actions.UsedActions),
)
async def list_swarm_actions(call: Call[NoBody, Paging]) -> actions.UsedActions:
    """List what a swarm's nodes can do, its own additions included, and how often each was chosen."""
    page = call.query
    return await actions.list_swarm_actions(call.services, call.tenant, call.path["swarm_id"], page.limit, page.cursor)
