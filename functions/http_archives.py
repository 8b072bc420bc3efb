"""Swarms as archives: `/api/v1/swarms/{swarm_id}/archive` hands one out, `/api/v1/archives` takes one in."""

import azure.durable_functions as df

from functions._endpoints import Call, Endpoint, endpoint
from functions._responses import Reply
from shared.archives.export_swarm import export_swarm as export
from shared.archives.import_swarm import import_swarm as take_in
from shared.archives.model import MAX_ARCHIVE
from shared.swarm.swarm import Swarm
from shared.tenancy import Scope

bp = df.Blueprint()

_ZIP = "application/zip"


@endpoint(bp, Endpoint("GET", "api/v1/swarms/{swarm_id}/archive", scope=Scope.READ, media_type=_ZIP, errors=(409,)))
async def export_swarm(call: Call) -> Reply:
    """Hand out a swarm that has ended as one archive."""
    archive = await export(call.services, call.tenant, call.path["swarm_id"])
    name = {"Content-Disposition": f'attachment; filename="{archive.file_name}"'}
    return Reply(await archive.read(), name, media_type=_ZIP)


@endpoint(
    bp,
    Endpoint(
        "POST",
        "api/v1/archives",
        scope=Scope.WRITE,
        content=_ZIP,
        reply=Swarm,
        status=201,
        max_body=MAX_ARCHIVE,
        idempotent=True,
    ),
)
async def import_swarm(call: Call) -> Reply:
    """Store the swarm of an archive under a new id. It has ended, and nothing of it runs again."""
    swarm = await take_in(call.services, call.tenant, call.content, call.fresh_id)
    return Reply(swarm, {"Location": f"/api/v1/swarms/{swarm.swarm_id}"})
