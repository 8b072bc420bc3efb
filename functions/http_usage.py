"""What was used, of all swarms (`/api/v1/usage`) and of one (`/api/v1/swarms/{swarm_id}/usage`); `/api/v1/quotas`."""

import azure.durable_functions as df
from pydantic import BaseModel

from functions._endpoints import Call, Endpoint, endpoint
from functions._requests import Cursor, NoBody, Paging
from shared.tenancy import Scope
from shared.usecases import quotas, usage

bp = df.Blueprint()


class GoOn(BaseModel, extra="forbid", frozen=True):
    """Where sums go on."""

    cursor: Cursor | None = None


class NodeUsagePage(BaseModel):
    """What some of a swarm's nodes used, and the cursor that goes on."""

    items: list[usage.NodeUsage]
    cursor: str | None


class SwarmUsagePage(BaseModel):
    """What some of a user's swarms used, and the cursor that goes on."""

    items: list[usage.SwarmLine]
    cursor: str | None


class DayUsageList(BaseModel):
    """What was used by day."""

    items: list[usage.DaySpending]


@endpoint(bp, Endpoint("GET", "api/v1/swarms/{swarm_id}/usage", scope=Scope.READ, query=GoOn, reply=usage.SwarmUsage))
async def get_swarm_usage(call: Call[NoBody, GoOn]) -> usage.SwarmUsage:
    """Sum up what a swarm used, by action, model and day. With a cursor in the answer, more is to be added."""
    return await usage.get_swarm_usage(call.services, call.tenant, call.path["swarm_id"], call.query.cursor)


@endpoint(
    bp, Endpoint("GET", "api/v1/swarms/{swarm_id}/usage/nodes", scope=Scope.READ, query=Paging, reply=NodeUsagePage)
)
async def list_node_usage(call: Call[NoBody, Paging]) -> NodeUsagePage:
    """List what each node of a swarm used."""
    page, swarm_id = call.query, call.path["swarm_id"]
    items, cursor = await usage.list_node_usage(call.services, call.tenant, swarm_id, page.limit, page.cursor)
    return NodeUsagePage(items=items, cursor=cursor)


@endpoint(bp, Endpoint("GET", "api/v1/usage/swarms", scope=Scope.READ, query=Paging, reply=SwarmUsagePage))
async def list_swarm_usage(call: Call[NoBody, Paging]) -> SwarmUsagePage:
    """List what each of your swarms used, the newest first."""
    page = call.query
    items, cursor = await usage.list_swarm_usage(call.services, call.tenant, page.limit, page.cursor)
    return SwarmUsagePage(items=items, cursor=cursor)


@endpoint(bp, Endpoint("GET", "api/v1/usage/days", scope=Scope.READ, reply=DayUsageList))
async def list_day_usage(call: Call) -> DayUsageList:
    """List what your swarms used, by the day they ended."""
    return DayUsageList(items=await usage.list_day_usage(call.services, call.tenant))


@endpoint(bp, Endpoint("GET", "api/v1/quotas", scope=Scope.READ, reply=quotas.Standing))
async def get_quotas(call: Call) -> quotas.Standing:
    """Show your ceilings, and what is taken up of them."""
    return await quotas.get_standing(call.services, call.tenant)
