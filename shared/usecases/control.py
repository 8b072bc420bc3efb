"""Telling a swarm, or one branch of it, what to do. The control document comes first, the signals second."""

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import Conflict, NotFound
from shared.runtime import Runtime
from shared.runtime.names import answered_event, wake_events
from shared.services import Services
from shared.store import IfAbsent, IfEtag
from shared.store.nodes import Nodes
from shared.swarm.control import RUNNING, Command, Control, is_below
from shared.swarm.node import ROOT_ID
from shared.swarm.statuses import Status
from shared.swarm.swarm import QuestionState, Swarm, SwarmStatus
from shared.tenancy import TenantContext
from shared.types import SpaceKey, check_item_id
from shared.usecases.create_swarm import root_ref

_ATTEMPTS = 5


class BranchView(BaseModel):
    """A node, and what it and all below it shall do from now on."""

    model_config = ConfigDict(frozen=True)

    swarm_id: str
    node_id: str
    command: Command = Field(description="What was asked of the node, of one above it or of the swarm as a whole.")


async def cancel_swarm(services: Services, tenant: TenantContext, runtime: Runtime, swarm_id: str) -> Swarm:
    """Have every node end as cancelled, and wake those that wait. Raises `Conflict` once the swarm has ended."""
    space, swarm = await _running(services, tenant, swarm_id)
    await cancel_nodes(services, space, runtime)
    return swarm


async def cancel_nodes(services: Services, space: SpaceKey, runtime: Runtime) -> None:
    """Tell every node of a swarm to end, and wake those that wait."""
    control = await _change(services, space, lambda control: control.cancel(services.now()))
    await wake_blocked(services, space, runtime)
    await wake_paused(services, space, runtime, control)


async def pause_swarm(services: Services, tenant: TenantContext, swarm_id: str) -> Swarm:
    """Have every node stop before its next model call. Raises `Conflict` once it was cancelled or has ended."""
    space, swarm = await _running(services, tenant, swarm_id)
    await _change(services, space, lambda control: control.pause(services.now()))
    return swarm.model_copy(update={"paused": True})


async def resume_swarm(services: Services, tenant: TenantContext, runtime: Runtime, swarm_id: str) -> Swarm:
    """Have paused nodes go on. Raises `Conflict` once it was cancelled or has ended."""
    space, swarm = await _running(services, tenant, swarm_id)
    control = await _change(services, space, lambda control: control.run(services.now()))
    await wake_paused(services, space, runtime, control)
    return swarm


async def pause_branch(services: Services, tenant: TenantContext, swarm_id: str, node_id: str) -> BranchView:
    """Have a node and all below it stop before their next model calls, while the others go on.

    Raises `NotFound`, and `Conflict` once it was cancelled or has ended.
    """
    space = await _running_branch(services, tenant, swarm_id, node_id)
    if node_id == ROOT_ID:
        await pause_swarm(services, tenant, swarm_id)
        return BranchView(swarm_id=swarm_id, node_id=node_id, command=Command.PAUSE)
    control = await _change(services, space, lambda control: control.pause_branch(node_id, services.now()))
    return BranchView(swarm_id=swarm_id, node_id=node_id, command=control.of(node_id))


async def resume_branch(
    services: Services, tenant: TenantContext, runtime: Runtime, swarm_id: str, node_id: str
) -> BranchView:
    """Have a paused branch go on.

    Raises `NotFound`, and `Conflict` once it was cancelled or has ended, or if what is paused lies above it.
    """
    space = await _running_branch(services, tenant, swarm_id, node_id)
    if node_id == ROOT_ID:
        await resume_swarm(services, tenant, runtime, swarm_id)
        return BranchView(swarm_id=swarm_id, node_id=node_id, command=Command.RUN)
    control = await _change(services, space, lambda control: control.resume_branch(node_id, services.now()))
    await wake_paused(services, space, runtime, control, node_id)
    return BranchView(swarm_id=swarm_id, node_id=node_id, command=control.of(node_id))


async def cancel_branch(
    services: Services, tenant: TenantContext, runtime: Runtime, swarm_id: str, node_id: str
) -> BranchView:
    """Have a node and all below it end as cancelled; the node above it reviews that as it does any other report.

    Raises `NotFound`, and `Conflict` once it has ended.
    """
    space = await _running_branch(services, tenant, swarm_id, node_id)
    if node_id == ROOT_ID:
        await cancel_nodes(services, space, runtime)
    else:
        control = await _change(services, space, lambda control: control.cancel_branch(node_id, services.now()))
        await wake_blocked(services, space, runtime, node_id)
        await wake_paused(services, space, runtime, control, node_id)
    return BranchView(swarm_id=swarm_id, node_id=node_id, command=Command.CANCEL)


async def wake_blocked(services: Services, space: SpaceKey, runtime: Runtime, top: str = ROOT_ID) -> None:
    """Wake every node of a branch that waits for answers."""
    async for question in services.questions.all(space):
        if question.state is QuestionState.OPEN and is_below(question.node_id, top):
            await runtime.wake(root_ref(space).to(question.node_id), answered_event(question.turn))


async def wake_paused(
    services: Services, space: SpaceKey, runtime: Runtime, control: Control, top: str = ROOT_ID
) -> None:
    """Wake every node of a branch that may wait for the end of a pause."""
    async for node in Nodes(services.store, space).all():
        driven = node.alive and (not node.is_router or node.status is Status.ROUTING)
        if driven and is_below(node.node_id, top):
            for event in wake_events(control, node.node_id):
                await runtime.wake(root_ref(space).to(node.node_id), event)


async def _running(services: Services, tenant: TenantContext, swarm_id: str) -> tuple[SpaceKey, Swarm]:
    space, held = await services.swarm(tenant, swarm_id)
    if held.doc.status is not SwarmStatus.RUNNING:
        raise Conflict(f"swarm {swarm_id} has already ended ({held.doc.status})")
    return space, held.doc


async def _running_branch(services: Services, tenant: TenantContext, swarm_id: str, node_id: str) -> SpaceKey:
    space, _ = await services.swarm(tenant, swarm_id)
    held = await Nodes(services.store, space).peek(check_item_id(node_id, "node_id"))
    if held is None:
        raise NotFound(f"there is no node {node_id!r}")
    await _running(services, tenant, swarm_id)
    if not held.node.alive:
        raise Conflict(f"node {node_id} has already ended ({held.node.status})")
    return space


async def _change(services: Services, space: SpaceKey, change: Callable[[Control], Control]) -> Control:
    """Change the control document, and return it; raises `Conflict` if it keeps changing."""
    for _ in range(_ATTEMPTS):
        held = await services.controls.find(space, "swarm")
        after = change(RUNNING if held is None else held.doc)
        condition = IfAbsent() if held is None else IfEtag(held.etag)
        try:
            await services.controls.put(space, "swarm", after, condition=condition)
        except Conflict:
            continue
        return after
    raise Conflict("the swarm's control keeps changing; try again")
