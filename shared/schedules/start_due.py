"""Starting what is due: the tick of all schedules.

    claim the schedule (if-etag) -> create the swarm, whose id follows from the due time
    -> note what came of it, with the next due time -> move the entry of what is due

Whoever stops between two of these, the next tick goes on; two at once start one swarm.
"""

import asyncio
import logging
from datetime import timedelta

from shared.errors import Conflict, Gone, SwarmStarError, Unavailable
from shared.runtime import Runtime
from shared.schedules.model import MAX_REASON, MAX_TRIES, Claim, LastRun, swarm_of_due_time
from shared.schedules.use_cases import StoredSchedule, note, reconcile, remove, schedules_of
from shared.services import Services
from shared.store.catalog import DueEntry, DueSchedules
from shared.swarm.origin import Origin
from shared.tenancy import TenantContext
from shared.types import SpaceKey
from shared.usecases import templates
from shared.usecases.create_swarm import create_swarm
from shared.usecases.sign_in import acting_for

_log = logging.getLogger("swarmstar.schedules")

#: Schedules of one tick; the rest is due at the next. And how many at once.
MAX_A_TICK = 500
_AT_ONCE = 20
#: When to look again at a schedule that cannot be read.
_UNREADABLE = timedelta(hours=1)
#: What may be otherwise at the next tick; a template that was replaced meanwhile among it.
_PASSING = (Unavailable, Conflict)


async def start_due(services: Services, runtime: Runtime) -> int:
    """Start the swarms of every schedule that is due; how many were looked at. One that fails stops no other."""
    entries = await DueSchedules(services.store).until(services.now(), MAX_A_TICK)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def look(entry: DueEntry) -> None:
        async with gate:
            await _look(services, runtime, entry)

    ended = await asyncio.gather(*(look(entry) for entry in entries), return_exceptions=True)
    for entry, error in zip(entries, ended, strict=True):
        if isinstance(error, Exception):
            _log.error("schedule %s could not be looked at", entry.schedule_id, exc_info=error)
        elif error is not None:
            raise error
    return len(entries)


async def _look(services: Services, runtime: Runtime, entry: DueEntry) -> None:
    account = SpaceKey.account(entry.user_id)
    now = services.now()
    try:
        held = await schedules_of(services).find(account, entry.schedule_id)
    except ValueError:
        await _put_off(services, entry)
        raise
    if held is not None and held.doc.is_due(now):
        claimed = held.doc.claimed(now)
        if claimed is None:
            return
        try:
            await schedules_of(services).replace(account, entry.schedule_id, claimed, held.etag, seq=claimed.seq)
        except Conflict:
            return  # somebody else was first, or its user changes it: it is looked at again
        await _start(services, runtime, account, claimed)
    elif entry.changing(now):
        return
    elif held is not None and held.doc.deleted is not None:
        await remove(services, account, held.doc)
    await reconcile(services, account, entry.schedule_id)


async def _start(services: Services, runtime: Runtime, account: SpaceKey, schedule: StoredSchedule) -> None:
    """Start the swarm of the claimed due time, or note why not."""
    if schedule.claim is None:
        raise ValueError("only a schedule that is claimed is started")
    claim, tenant = schedule.claim, TenantContext(account.user_id)
    swarm_id = swarm_of_due_time(account.user_id, schedule.schedule_id, claim.due)
    reason: str | None = None
    try:
        reason = await _hindrance(services, tenant, schedule, claim, swarm_id)
        if reason is None:
            new = await templates.load(services, account, schedule.template)
            origin = Origin(kind="schedule", id=schedule.schedule_id, due=claim.due)
            await create_swarm(services, tenant, runtime, new, swarm_id, origin)
    except Gone:
        _log.info("swarm %s was deleted as soon as it was started", swarm_id)
    except SwarmStarError as error:
        if isinstance(error, _PASSING) and claim.tries < MAX_TRIES:
            raise
        reason = str(error)[:MAX_REASON]
    run = LastRun(at=services.now(), due=claim.due, swarm_id=None if reason else swarm_id, reason=reason)
    await note(services, account, schedule.schedule_id, run)


async def _hindrance(
    services: Services, tenant: TenantContext, schedule: StoredSchedule, claim: Claim, swarm_id: str
) -> str | None:
    """Why no swarm is to be started, or None. One that an earlier try began is gone on with."""
    if claim.tries > MAX_TRIES:
        return f"it failed {MAX_TRIES} times; what went wrong was logged"
    if claim.tries > 1 and await services.swarms.find(tenant.space(swarm_id), "swarm") is not None:
        return None
    if await acting_for(services, tenant.user_id) is None:
        return "its user was disabled by the administrator"
    if schedule.overlap == "skip" and schedule.latest_swarm and await _runs(services, tenant, schedule.latest_swarm):
        return f"skipped: swarm {schedule.latest_swarm} has not ended"
    return None


async def _runs(services: Services, tenant: TenantContext, swarm_id: str) -> bool:
    held = await services.swarms.find(tenant.space(swarm_id), "swarm")
    return held is not None and held.doc.ended is None and held.doc.deleted is None


async def _put_off(services: Services, entry: DueEntry) -> None:
    """Have a schedule that cannot be read not stand before those that can."""
    due = DueSchedules(services.store)
    held = await due.find(entry.user_id, entry.schedule_id)
    await due.move(entry.user_id, entry.schedule_id, held, services.now() + _UNREADABLE)
