"""A schedule: what is due when, who starts it just now, and what came of it."""

from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

from shared.schedules.cron import following, latest

#: What to do at a due time while the last swarm still runs.
Overlap = Literal["skip", "allow"]

#: How long who starts a swarm may take before another goes on with it: less than the minute between two looks.
CLAIM = timedelta(seconds=45)
#: Tries of one due time before it is given up.
MAX_TRIES = 15
MAX_REASON = 400


class Claim(BaseModel):
    """Somebody starts the swarm of a due time. Who goes on after them does so for the same due time."""

    model_config = ConfigDict(frozen=True)

    due: datetime
    until: datetime
    tries: int = 1


class LastRun(BaseModel):
    """What came of a due time, or of a run out of turn."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    #: None for a run out of turn.
    due: datetime | None = None
    #: The swarm that was started, or else why none was.
    swarm_id: str | None = None
    reason: str | None = None


class Schedule(BaseModel):
    """When swarms are started. `next_due` is None while it is disabled."""

    model_config = ConfigDict(frozen=True)

    schedule_id: str
    user_id: str
    name: str
    cron: str
    timezone: str = "UTC"
    enabled: bool = True
    overlap: Overlap = "skip"
    created: datetime
    #: Counts the changes that its user made: what starts swarms changes the document too, and nobody's mind.
    version: int = 1
    next_due: datetime | None = None
    last: LastRun | None = None
    #: The last swarm that was started.
    latest_swarm: str | None = None
    started: int = 0
    not_started: int = 0
    claim: Claim | None = None
    #: When its user deleted it; from then on nobody is shown it.
    deleted: datetime | None = None

    @property
    def seq(self) -> int:
        """Its place in its user's list of schedules: the millisecond of its creation."""
        return int(self.created.timestamp() * 1000)

    @property
    def etag(self) -> str:
        """The version of what its user set."""
        return str(self.version)

    def is_due(self, now: datetime) -> bool:
        """Whether a swarm is to be started now."""
        return self.next_due is not None and self.next_due <= now

    def evolve(self, **changes: Any) -> Self:
        """The schedule with some fields changed."""
        return self.model_copy(update=changes)

    @property
    def times(self) -> tuple[str, str, bool]:
        """What says when it is due."""
        return self.cron, self.timezone, self.enabled

    def timed(self, now: datetime) -> Self:
        """With the next due time by its fields as they are, and nobody at work on an earlier one."""
        due = following(self.cron, self.timezone, now) if self.enabled and self.deleted is None else None
        return self.evolve(next_due=due, claim=None)

    def claimed(self, now: datetime) -> Self | None:
        """Claimed by the caller; None while somebody else starts the swarm.

        After an outage it is the latest due time, and none of those before it.
        """
        if self.next_due is None or (self.claim is not None and now < self.claim.until):
            return None
        if self.claim is not None:
            return self.evolve(claim=Claim(due=self.claim.due, until=now + CLAIM, tries=self.claim.tries + 1))
        due = latest(self.cron, self.timezone, self.next_due, now)
        return self.evolve(claim=Claim(due=due, until=now + CLAIM))

    def ran(self, run: LastRun, now: datetime) -> Self:
        """With what came of a due time, and the next one if it still was to come."""
        if run.swarm_id is not None and run.swarm_id == self.latest_swarm:
            return self  # noted before
        if run.swarm_id is None and (self.claim is None or self.claim.due != run.due):
            return self  # who says so was taken for lost, and somebody else went on
        noted = self.evolve(
            last=run,
            latest_swarm=run.swarm_id or self.latest_swarm,
            started=self.started + (run.swarm_id is not None),
            not_started=self.not_started + (run.swarm_id is None),
        )
        if run.due is None or self.next_due is None or self.next_due > run.due:
            return noted
        return noted.timed(max(now, run.due))


def swarm_of_due_time(user_id: str, schedule_id: str, due: datetime) -> str:
    """The id of the swarm of a due time: whoever starts it, and however often, it is the same one."""
    named = f"schedule/{user_id}/{schedule_id}/{int(due.timestamp())}"
    return blake2b(named.encode(), digest_size=8).hexdigest()
