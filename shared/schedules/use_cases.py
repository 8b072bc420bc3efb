"""Schedules as their user handles them.

What changes when a schedule is due takes three writes, and `DueSchedules` says why any of them may be the last:

    touch the entry of what is due -> write the schedule (this counts) -> reconcile the entry by the schedule
"""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from shared.errors import Conflict, NotFound, Stale, SwarmStarError
from shared.runtime import Runtime
from shared.schedules.cron import MAX_CRON, MAX_TIMEZONE, check_cron, check_timezone
from shared.schedules.model import LastRun, Overlap, Schedule
from shared.services import Services
from shared.store import Category
from shared.store.catalog import DueSchedules
from shared.store.documents import Documents, Held
from shared.store.roster import Roster
from shared.swarm.budget import Limits
from shared.swarm.origin import Origin
from shared.swarm.swarm import ContextRef, Swarm
from shared.tenancy import TenantContext
from shared.types import ITEM_ID, Name, SpaceKey
from shared.usecases import templates
from shared.usecases.create_swarm import NewSwarm, create_swarm
from shared.usecases.templates import Template

#: Schedules of one user.
MAX_SCHEDULES = 100
_SHOWN = 200
_ATTEMPTS = 10


def _cron(value: str | None) -> str | None:
    return None if value is None else check_cron(value)


def _timezone(value: str | None) -> str | None:
    return None if value is None else check_timezone(value)


class NewSchedule(BaseModel):
    """A schedule to be made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name = Field(description="For people.")
    cron: str = Field(
        max_length=MAX_CRON,
        description="Five fields: minute, hour, day of month, month, day of week.",
        examples=["0 9 * * 1-5"],
    )
    timezone: str = Field(
        default="UTC", max_length=MAX_TIMEZONE, description="IANA name.", examples=["Europe/Berlin", "UTC"]
    )
    swarm: NewSwarm = Field(description="What is started.")
    enabled: bool = True
    overlap: Overlap = Field(
        default="skip", description="At a due time while the last swarm still runs: `skip` it, or `allow` another."
    )

    _check_cron = field_validator("cron")(_cron)
    _check_timezone = field_validator("timezone")(_timezone)


class ScheduleChange(BaseModel):
    """What to change of a schedule; what is left out stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name | None = None
    cron: str | None = Field(default=None, max_length=MAX_CRON)
    timezone: str | None = Field(default=None, max_length=MAX_TIMEZONE)
    swarm: NewSwarm | None = None
    enabled: bool | None = None
    overlap: Overlap | None = None

    _check_cron = field_validator("cron")(_cron)
    _check_timezone = field_validator("timezone")(_timezone)

    @property
    def retimes(self) -> bool:
        """Whether it may change when the schedule is due."""
        return any(value is not None for value in (self.cron, self.timezone, self.enabled))


class StoredSchedule(Schedule):
    """A schedule with what it starts."""

    template: Template


class ScheduleView(BaseModel):
    """A schedule as its user sees it."""

    model_config = ConfigDict(frozen=True)

    schedule_id: str
    name: str
    cron: str
    timezone: str
    enabled: bool
    overlap: Overlap
    directive: str = Field(description="In a list, its beginning.")
    limits: Limits
    context: tuple[ContextRef, ...] = Field(description="What is handed over, by name and size; empty in a list.")
    created: datetime
    next_due: datetime | None = Field(description="Null while it is disabled.")
    last: LastRun | None = Field(description="What came of the last due time or run.")
    started: int = Field(description="Swarms that were started.")
    not_started: int = Field(description="Due times at which none was: skipped or refused.")

    @classmethod
    def of(cls, schedule: StoredSchedule) -> Self:
        """What is shown of a stored schedule."""
        template = schedule.template
        shown = schedule.model_dump(include=cls.model_fields.keys() & Schedule.model_fields.keys())
        return cls(directive=template.directive, limits=template.limits, context=template.listed, **shown)

    def brief(self) -> Self:
        """As the list of schedules shows it."""
        return self.model_copy(update={"directive": self.directive[:_SHOWN], "context": ()})


Shown = Held[ScheduleView]


def schedules_of(services: Services) -> Documents[StoredSchedule]:
    """The documents of schedules, each in its user's account."""
    return Documents(services.store, Category.SCHEDULE, StoredSchedule)


async def create_schedule(services: Services, tenant: TenantContext, new: NewSchedule, schedule_id: str) -> Shown:
    """Make a schedule under an id of the server's choice; asked again with the same id, the one there is.

    Raises `InvalidInput` for what could never start, and `Full` where there are as many as may be.
    """
    there = await schedules_of(services).find(tenant.account, schedule_id)
    if there is not None:
        return _shown(there.doc)
    now = services.now()
    await _roster(services).reserve(tenant.account, schedule_id, MAX_SCHEDULES, now)
    try:
        template = await templates.keep(services, tenant.account, new.swarm, request=schedule_id)
    except SwarmStarError:
        await _roster(services).release(tenant.account, schedule_id)
        raise
    schedule = StoredSchedule(
        schedule_id=schedule_id,
        user_id=tenant.user_id,
        name=new.name,
        cron=new.cron,
        timezone=new.timezone,
        enabled=new.enabled,
        overlap=new.overlap,
        created=now,
        template=template,
    ).timed(now)
    mine = await DueSchedules(services.store).touch(tenant.user_id, schedule_id, now)
    try:
        await schedules_of(services).create(tenant.account, schedule_id, schedule, seq=schedule.seq)
    except Conflict:  # the same request, sent twice at once
        schedule = (await schedules_of(services).get(tenant.account, schedule_id)).doc
    await reconcile(services, tenant.account, schedule_id, mine)
    return _shown(schedule)


async def list_schedules(
    services: Services, tenant: TenantContext, limit: int, cursor: str | None
) -> tuple[list[ScheduleView], str | None]:
    """A user's schedules, oldest first, and the cursor that goes on."""
    page, after = await schedules_of(services).page(tenant.account, limit=limit, cursor=cursor)
    return [ScheduleView.of(one).brief() for one in page if one.deleted is None], after


async def get_schedule(services: Services, tenant: TenantContext, schedule_id: str) -> Shown:
    """One schedule and its version; raises `NotFound`."""
    return _shown((await _find(services, tenant, schedule_id)).doc)


async def change_schedule(
    services: Services, tenant: TenantContext, schedule_id: str, change: ScheduleChange, version: str | None
) -> Shown:
    """Change a schedule; raises `Stale` unless `version` is the present one. None takes whichever it is."""
    _check_version((await _find(services, tenant, schedule_id)).doc, version)
    template = None if change.swarm is None else await templates.keep(services, tenant.account, change.swarm)
    mine = await _touch(services, tenant, schedule_id) if change.retimes else None
    try:
        before, after = await _write(services, tenant, schedule_id, change, template, version)
    except (Conflict, NotFound):
        if template is not None:
            await templates.drop(services, tenant.account, template)
        raise
    finally:
        if mine is not None:
            await reconcile(services, tenant.account, schedule_id, mine)
    if template is not None:
        await templates.drop(services, tenant.account, before.template)
    return _shown(after)


async def _write(
    services: Services,
    tenant: TenantContext,
    schedule_id: str,
    change: ScheduleChange,
    template: Template | None,
    version: str | None,
) -> tuple[StoredSchedule, StoredSchedule]:
    """The schedule before and after a change."""
    fields = {name: value for name, value in change if value is not None and name != "swarm"}
    if template is not None:
        fields["template"] = template
    for _ in range(_ATTEMPTS):
        held = await _find(services, tenant, schedule_id)
        _check_version(held.doc, version)
        after = held.doc.evolve(**fields, version=held.doc.version + 1)
        if after.times != held.doc.times:  # what is due already and changed in nothing stays due
            after = after.timed(services.now())
        try:
            await schedules_of(services).replace(tenant.account, schedule_id, after, held.etag, seq=after.seq)
        except Conflict:  # a swarm was started this moment
            continue
        return held.doc, after
    raise Conflict("the schedule keeps changing; try again")


async def delete_schedule(services: Services, tenant: TenantContext, schedule_id: str) -> None:
    """Delete a schedule; raises `NotFound`, also when it was deleted before. Swarms it started go on."""
    await _find(services, tenant, schedule_id)
    mine = await _touch(services, tenant, schedule_id)
    now = services.now()
    gone = await schedules_of(services).change(
        tenant.account, schedule_id, lambda schedule: schedule.evolve(deleted=schedule.deleted or now).timed(now)
    )
    await remove(services, tenant.account, gone)
    await reconcile(services, tenant.account, schedule_id, mine)


async def remove(services: Services, account: SpaceKey, schedule: StoredSchedule) -> None:
    """Remove what is there of a schedule that was deleted. May be repeated."""
    await templates.drop(services, account, schedule.template)
    await schedules_of(services).delete(account, schedule.schedule_id)
    await _roster(services).release(account, schedule.schedule_id)


async def run_schedule(
    services: Services, tenant: TenantContext, runtime: Runtime, schedule_id: str, swarm_id: str
) -> Swarm:
    """Start a schedule's swarm now, whether it is enabled or not and whatever still runs; raises `NotFound`."""
    schedule = (await _find(services, tenant, schedule_id)).doc
    new = await templates.load(services, tenant.account, schedule.template)
    origin = Origin(kind="schedule", id=schedule_id)
    swarm = await create_swarm(services, tenant, runtime, new, swarm_id, origin)
    await note(services, tenant.account, schedule_id, LastRun(at=services.now(), swarm_id=swarm.swarm_id))
    return swarm


async def note(services: Services, account: SpaceKey, schedule_id: str, run: LastRun) -> None:
    """Note on a schedule what came of a due time or a run; one that was deleted meanwhile needs no note."""
    for _ in range(_ATTEMPTS):
        held = await schedules_of(services).find(account, schedule_id)
        after = None if held is None else held.doc.ran(run, services.now())
        if held is None or after is None or after == held.doc:
            return
        try:
            await schedules_of(services).replace(account, schedule_id, after, held.etag, seq=after.seq)
        except Conflict:
            continue
        return
    raise Conflict("the schedule keeps changing; try again")


async def reconcile(services: Services, account: SpaceKey, schedule_id: str, mine: str | None = None) -> None:
    """Bring the entry of what is due in line with the schedule.

    An entry that somebody touched is left to them for a while, unless it is the caller, who names its etag. It is read
    before the schedule and written if it is still the same, so that no older state of the schedule is written over it.
    """
    due = DueSchedules(services.store)
    for _ in range(_ATTEMPTS):
        entry = await due.find(account.user_id, schedule_id)
        if entry is not None and entry.etag != mine and entry.doc.changing(services.now()):
            return
        held = await schedules_of(services).find(account, schedule_id)
        try:
            await due.move(account.user_id, schedule_id, entry, None if held is None else held.doc.next_due)
        except Conflict:
            continue
        return


async def _touch(services: Services, tenant: TenantContext, schedule_id: str) -> str:
    return await DueSchedules(services.store).touch(tenant.user_id, schedule_id, services.now())


async def _find(services: Services, tenant: TenantContext, schedule_id: str) -> Held[StoredSchedule]:
    held = await schedules_of(services).find(tenant.account, schedule_id) if ITEM_ID.fullmatch(schedule_id) else None
    if held is None or held.doc.deleted is not None:
        raise NotFound("there is no such schedule")
    return held


def _roster(services: Services) -> Roster:
    async def listed(account: SpaceKey) -> set[str]:
        return {schedule.schedule_id async for schedule in schedules_of(services).all(account)}

    return Roster(services.store, "schedules", listed)


def _check_version(schedule: Schedule, version: str | None) -> None:
    if version is not None and version != schedule.etag:
        raise Stale("the schedule was changed meanwhile: read it again")


def _shown(schedule: StoredSchedule) -> Shown:
    return Held(ScheduleView.of(schedule), schedule.etag)
