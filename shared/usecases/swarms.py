"""Looking at swarms and telling them what to do."""

import asyncio
from collections.abc import Callable

from shared.errors import Conflict
from shared.runtime import Runtime
from shared.runtime.names import answered_event, resumed_event
from shared.services import Services
from shared.store import IfAbsent, IfEtag
from shared.store.nodes import Nodes
from shared.swarm.control import RUNNING, Command, Control
from shared.swarm.swarm import QuestionState, Swarm, SwarmStatus
from shared.tenancy import TenantContext
from shared.types import SpaceKey
from shared.usecases.create_swarm import root_ref

_ATTEMPTS = 5


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


async def cancel_swarm(services: Services, tenant: TenantContext, runtime: Runtime, swarm_id: str) -> Swarm:
    """Have every node end as cancelled, and wake those that wait for answers. Raises `Conflict` once it has ended."""
    space, swarm = await _running(services, tenant, swarm_id)
    await cancel_nodes(services, space, runtime)
    return swarm


async def cancel_nodes(services: Services, space: SpaceKey, runtime: Runtime) -> None:
    """Tell every node of a swarm to end, and wake those that wait."""
    before = await _set(services, space, lambda control: control.model_copy(update={"command": Command.CANCEL}))
    await wake_blocked(services, space, runtime)
    if before.command is Command.PAUSE:
        await wake_paused(services, space, runtime, before.pauses)


async def pause_swarm(services: Services, tenant: TenantContext, swarm_id: str) -> Swarm:
    """Have every node stop before its next model call. Raises `Conflict` once it was cancelled or has ended."""
    space, swarm = await _running(services, tenant, swarm_id)
    await _set(services, space, lambda control: _uncancelled(control).pause(services.now()))
    return swarm.model_copy(update={"paused": True})


async def resume_swarm(services: Services, tenant: TenantContext, runtime: Runtime, swarm_id: str) -> Swarm:
    """Have paused nodes go on. Raises `Conflict` once it was cancelled or has ended."""
    space, swarm = await _running(services, tenant, swarm_id)
    before = await _set(services, space, lambda control: _uncancelled(control).run(services.now()))
    if before.command is Command.PAUSE:
        await wake_paused(services, space, runtime, before.pauses)
    return swarm


def _uncancelled(control: Control) -> Control:
    if control.command is Command.CANCEL:
        raise Conflict("the swarm is being cancelled")
    return control


async def _running(services: Services, tenant: TenantContext, swarm_id: str) -> tuple[SpaceKey, Swarm]:
    space, held = await services.swarm(tenant, swarm_id)
    if held.doc.status is not SwarmStatus.RUNNING:
        raise Conflict(f"swarm {swarm_id} has already ended ({held.doc.status})")
    return space, held.doc


async def _set(services: Services, space: SpaceKey, change: Callable[[Control], Control]) -> Control:
    """Change the control document; returns how it was before."""
    for _ in range(_ATTEMPTS):
        held = await services.controls.find(space, "swarm")
        before = RUNNING if held is None else held.doc
        after = change(before).model_copy(update={"changed": services.now()})
        condition = IfAbsent() if held is None else IfEtag(held.etag)
        try:
            await services.controls.put(space, "swarm", after, condition=condition)
        except Conflict:
            continue
        return before
    raise Conflict("the swarm's control keeps changing; try again")


async def wake_blocked(services: Services, space: SpaceKey, runtime: Runtime) -> None:
    """Wake every node that waits for answers."""
    async for question in services.questions.all(space):
        if question.state is QuestionState.OPEN:
            await runtime.wake(root_ref(space).to(question.node_id), answered_event(question.turn))


async def wake_paused(services: Services, space: SpaceKey, runtime: Runtime, pauses: int) -> None:
    """Wake every node that may wait for the end of a pause."""
    event = resumed_event(pauses)
    async for node in Nodes(services.store, space).all():
        if node.alive and not node.is_router:
            await runtime.wake(root_ref(space).to(node.node_id), event)
