"""Deleting a swarm: cancel it, let it drain, remove everything, and leave a tombstone that every write checks.

    sweep's entry -> mark its document -> take it off the list -> cancel -> [its nodes end, or time is up]
    -> tombstone -> settle the ledger -> drop documents and blobs -> (later) drop once more -> remove the entry

From the mark on nobody is shown it. Every step may be repeated; the sweep goes on wherever a process stopped.
"""

from datetime import timedelta

from shared.runtime import Runtime
from shared.services import Services
from shared.store import Category
from shared.store.catalog import UnfinishedSwarms
from shared.store.documents import Documents
from shared.store.ledger import spending
from shared.store.tombstones import Tombstones
from shared.swarm.node import ROOT_ID, SwarmNode
from shared.swarm.usage import Usage
from shared.tenancy import TenantContext
from shared.types import SpaceKey
from shared.usecases.control import cancel_nodes
from shared.usecases.idempotency import forget_answer

#: How long the nodes of a deleted swarm may take to end; what a call then still in flight used is not counted.
DRAIN = timedelta(seconds=60)
#: Seconds for which the sweep drops a deleted space again: what a process leaves that dies between its write and its
#: look for the tombstone.
DROP_FOR = 900.0


async def delete_swarm(services: Services, tenant: TenantContext, runtime: Runtime, swarm_id: str) -> None:
    """Delete a swarm with everything in it; raises `NotFound`, also when it was deleted before.

    One that has ended is removed at once. One that runs is cancelled, and removed by the sweep when its nodes have
    ended, or a minute later at the latest.
    """
    space, _ = await services.swarm(tenant, swarm_id)
    now = services.now()
    await UnfinishedSwarms(services.store).add(space, now)
    await services.swarms.change(
        space, "swarm", lambda swarm: swarm.model_copy(update={"deleted": swarm.deleted or now})
    )
    await services.swarms.delete(tenant.account, swarm_id)
    root = await _root(services, space)
    if root is None or root.alive:
        await cancel_nodes(services, space, runtime)
    else:
        await remove_swarm(services, space)


async def go_on_deleting(services: Services, space: SpaceKey, age: float) -> bool:
    """Take the deletion of a swarm further, for the sweep; False if it is not being deleted.

    `age` is the number of seconds since the sweep was told of it.
    """
    if await Tombstones(services.store).there(space):
        await remove_swarm(services, space)
        if age > DROP_FOR:
            await UnfinishedSwarms(services.store).remove(space)
        return True
    held = await services.swarms.find(space, "swarm")
    if held is None or held.doc.deleted is None:
        return False
    await services.swarms.delete(SpaceKey.account(space.user_id), space.swarm_id)
    root = await _root(services, space)
    if root is None or not root.alive or services.now() - held.doc.deleted >= DRAIN:
        await remove_swarm(services, space)
    return True


async def remove_swarm(services: Services, space: SpaceKey) -> None:
    """Put the tombstone, count what was used, and remove everything but the sweep's entry."""
    await _forget_answer(services, space)
    await Tombstones(services.store).put(space, services.now())
    await services.ledgers.settle(space, spending(await _used(services, space)), services.now())
    await services.swarms.delete(SpaceKey.account(space.user_id), space.swarm_id)
    await services.blobs.drop(space)
    await services.store.drop(space)


async def _forget_answer(services: Services, space: SpaceKey) -> None:
    """Have the answer to the request that made a swarm go with it; once it has its tombstone, this was done."""
    held = await services.swarms.find(space, "swarm")
    if held is not None and not await Tombstones(services.store).there(space):
        made = held.doc.imported or held.doc.created
        await forget_answer(services, SpaceKey.account(space.user_id), space.swarm_id, made)


async def _used(services: Services, space: SpaceKey) -> Usage:
    """What a swarm's calls used: what its root says at its end, or else the sum of what is in the logs."""
    root = await _root(services, space)
    if root is not None and not root.alive:
        return root.usage
    used = Usage()
    async for entry in services.logs.all(space):
        used += entry.usage
    return used


async def _root(services: Services, space: SpaceKey) -> SwarmNode | None:
    """The root as it was last written; nothing of its outbox is written out, which a tombstone would refuse."""
    held = await Documents(services.store, Category.SWARM_STATE, SwarmNode).find(space, ROOT_ID)
    return None if held is None else held.doc
