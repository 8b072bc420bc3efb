"""`/api/v1/schedules`: swarms that are started at due times."""

import azure.durable_functions as df
from pydantic import BaseModel

from functions._endpoints import Call, Endpoint, endpoint
from functions._requests import MAX_SWARM_BODY, NoBody, Paging
from functions._responses import NOTHING, Reply
from shared.schedules import use_cases as schedules
from shared.swarm.swarm import Swarm
from shared.tenancy import Scope

bp = df.Blueprint()


class SchedulePage(BaseModel):
    """Some of a user's schedules, and the cursor that goes on."""

    items: list[schedules.ScheduleView]
    cursor: str | None


@endpoint(
    bp,
    Endpoint(
        "POST",
        "api/v1/schedules",
        scope=Scope.WRITE,
        body=schedules.NewSchedule,
        reply=schedules.ScheduleView,
        status=201,
        max_body=MAX_SWARM_BODY,
        errors=(409,),
        idempotent=True,
        versioned=True,
    ),
)
async def create_schedule(call: Call[schedules.NewSchedule]) -> Reply:
    """Make a schedule: a swarm is started whenever it is due."""
    made = await schedules.create_schedule(call.services, call.tenant, call.body, call.fresh_id)
    return Reply(made.doc, {"Location": f"/api/v1/schedules/{made.doc.schedule_id}"}, etag=made.etag)


@endpoint(bp, Endpoint("GET", "api/v1/schedules", scope=Scope.READ, query=Paging, reply=SchedulePage))
async def list_schedules(call: Call[NoBody, Paging]) -> SchedulePage:
    """List your schedules, the oldest first."""
    items, cursor = await schedules.list_schedules(call.services, call.tenant, call.query.limit, call.query.cursor)
    return SchedulePage(items=items, cursor=cursor)


@endpoint(
    bp,
    Endpoint("GET", "api/v1/schedules/{schedule_id}", scope=Scope.READ, reply=schedules.ScheduleView, versioned=True),
)
async def get_schedule(call: Call) -> Reply:
    """Show one schedule, with what it starts."""
    shown = await schedules.get_schedule(call.services, call.tenant, call.path["schedule_id"])
    return Reply(shown.doc, etag=shown.etag)


@endpoint(
    bp,
    Endpoint(
        "PATCH",
        "api/v1/schedules/{schedule_id}",
        scope=Scope.WRITE,
        body=schedules.ScheduleChange,
        reply=schedules.ScheduleView,
        max_body=MAX_SWARM_BODY,
        errors=(409,),
        versioned=True,
        conditional=True,
    ),
)
async def change_schedule(call: Call[schedules.ScheduleChange]) -> Reply:
    """Change a schedule: its name, its times, what it starts, or whether it is enabled."""
    shown = await schedules.change_schedule(
        call.services, call.tenant, call.path["schedule_id"], call.body, call.if_match
    )
    return Reply(shown.doc, etag=shown.etag)


@endpoint(
    bp,
    Endpoint("DELETE", "api/v1/schedules/{schedule_id}", scope=Scope.WRITE, media_type="", status=204, errors=(409,)),
)
async def delete_schedule(call: Call) -> Reply:
    """Delete a schedule. The swarms that it started stay."""
    await schedules.delete_schedule(call.services, call.tenant, call.path["schedule_id"])
    return NOTHING


@endpoint(
    bp,
    Endpoint(
        "POST",
        "api/v1/schedules/{schedule_id}/run",
        scope=Scope.WRITE,
        reply=Swarm,
        status=202,
        durable=True,
        idempotent=True,
    ),
)
async def run_schedule(call: Call) -> Reply:
    """Start a schedule's swarm now, whether it is enabled or not."""
    schedule_id = call.path["schedule_id"]
    swarm = await schedules.run_schedule(call.services, call.tenant, call.runtime, schedule_id, call.fresh_id)
    return Reply(swarm, {"Location": f"/api/v1/swarms/{swarm.swarm_id}"})
