"""Looking at swarms."""

import asyncio

from shared.services import Services
from shared.swarm.control import Command
from shared.swarm.swarm import Swarm, SwarmStatus
from shared.tenancy import TenantContext


async def get_swarm(services: Services, tenant: TenantContext, swarm_id: str) -> Swarm:
    """One swarm; raises `NotFound`."""
    _, held = await services.swarm(tenant, swarm_id)
    return await _shown(services, tenant, held.doc)


async def list_swarms(
    services: Services, tenant: TenantContext, limit: int, cursor: str | None
) -> tuple[list[Swarm], str | None]:
    """The tenant's swarms, newest first, and the cursor that goes on."""
    listed, after = await services.swarms.page(tenant.account, limit=limit, cursor=cursor)
    return list(await asyncio.gather(*(_shown(services, tenant, swarm) for swarm in listed))), after


async def _shown(services: Services, tenant: TenantContext, swarm: Swarm) -> Swarm:
    """A swarm with whether it is paused.

    The control document alone says that: a copy elsewhere would be wrong after a crash between the two writes. Only
    swarms that run have one to be read.
    """
    if swarm.status is not SwarmStatus.RUNNING:
        return swarm.model_copy(update={"paused": False})
    held = await services.controls.find(tenant.space(swarm.swarm_id), "swarm")
    return swarm.model_copy(update={"paused": held is not None and held.doc.command is Command.PAUSE})
