"""`/api/v1/swarms/{swarm_id}/memory`: what a swarm knows, and what its user adds while it runs."""

from typing import Annotated

import azure.durable_functions as df
from pydantic import Field

from functions._endpoints import Call, Endpoint, endpoint
from functions._requests import NoBody, Paging
from functions._responses import NOTHING, Reply
from shared.tenancy import Scope
from shared.types import ITEM_ID
from shared.usecases import memory

bp = df.Blueprint()

#: Room for as much content as is taken, with all that is not ASCII escaped.
_MAX_BODY = 4 * memory.MAX_CONTENT
#: A model or a stranger may have written the content: a browser may neither run it nor guess at its type.
_GUARD = {"Content-Disposition": "attachment", "Content-Security-Policy": "sandbox; default-src 'none'"}


class Browsing(Paging):
    """What lies in a folder, or what a search finds below it."""

    parent: Annotated[
        str, Field(pattern=f"^{ITEM_ID.pattern}$", description="The folder; the top of memory unless told otherwise.")
    ] = memory.TOP
    query: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=200,
                pattern=r"\S",
                description="Show the memories anywhere below the folder whose name or description has all these "
                "words. What a memory says beyond that is not searched.",
            ),
        ]
        | None
    ) = None


@endpoint(
    bp,
    Endpoint("GET", "api/v1/swarms/{swarm_id}/memory", scope=Scope.READ, query=Browsing, reply=memory.MemoryPage),
)
async def list_memory(call: Call[NoBody, Browsing]) -> memory.MemoryPage:
    """Show what lies in a folder of a swarm's memory, or search below it."""
    asked, swarm_id = call.query, call.path["swarm_id"]
    return await memory.list_memory(
        call.services, call.tenant, swarm_id, asked.parent, asked.query, asked.limit, asked.cursor
    )


@endpoint(
    bp,
    Endpoint(
        "GET",
        "api/v1/swarms/{swarm_id}/memory/{memory_id}",
        scope=Scope.READ,
        reply=memory.MemoryDetail,
        versioned=True,
    ),
)
async def get_memory(call: Call) -> Reply:
    """Show one folder or memory, with its content if that is short."""
    found = await memory.get_memory(call.services, call.tenant, call.path["swarm_id"], call.path["memory_id"])
    return Reply(found, etag=found.etag)


@endpoint(
    bp,
    Endpoint("GET", "api/v1/swarms/{swarm_id}/memory/{memory_id}/content", scope=Scope.READ, media_type="text/plain"),
)
async def read_memory(call: Call) -> Reply:
    """Hand out a memory's content, as the nodes read it."""
    content = await memory.read_memory(call.services, call.tenant, call.path["swarm_id"], call.path["memory_id"])
    return Reply(content, _GUARD, media_type="text/plain")


@endpoint(
    bp,
    Endpoint(
        "POST",
        "api/v1/swarms/{swarm_id}/memory",
        scope=Scope.WRITE,
        body=memory.NewMemory,
        reply=memory.MemoryDetail,
        status=201,
        max_body=_MAX_BODY,
        idempotent=True,
        versioned=True,
    ),
)
async def add_memory(call: Call[memory.NewMemory]) -> Reply:
    """Add to a swarm's memory while it runs."""
    swarm_id = call.path["swarm_id"]
    added = await memory.add_memory(call.services, call.tenant, swarm_id, call.body, call.fresh_id)
    return Reply(added, {"Location": f"/api/v1/swarms/{swarm_id}/memory/{added.memory_id}"}, etag=added.etag)


@endpoint(
    bp,
    Endpoint(
        "DELETE",
        "api/v1/swarms/{swarm_id}/memory/{memory_id}",
        scope=Scope.WRITE,
        media_type="",
        status=204,
        errors=(409,),
    ),
)
async def remove_memory(call: Call) -> Reply:
    """Remove what you added to a swarm's memory."""
    await memory.remove_memory(call.services, call.tenant, call.path["swarm_id"], call.path["memory_id"])
    return NOTHING
