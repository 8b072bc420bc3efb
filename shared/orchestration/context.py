"""What an orchestration may do, as a Protocol. It has no clock, no random and no I/O of its own, so it replays."""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any, Protocol

#: An opaque task; yielding it waits for its result.
Task = Any

Orchestration = Generator[Task, Any, Any]


class OrchestrationContext(Protocol):
    """The durable context, reduced to what the orchestrations of this product use."""

    @property
    def now(self) -> datetime:
        """The replay-safe time, in UTC and with its zone."""
        ...

    def activity(self, name: str, payload: dict[str, Any]) -> Task:
        """An activity, retried by the durable host when it fails at host level."""
        ...

    def orchestration(self, name: str, payload: dict[str, Any], instance_id: str) -> Task:
        """A sub-orchestration with a given instance id."""
        ...

    def event(self, name: str) -> Task:
        """An external event."""
        ...

    def timer(self, until: datetime) -> Task:
        """A durable timer."""
        ...

    def cancel(self, timer: Task) -> None:
        """Cancel a timer that lost."""
        ...

    def all(self, tasks: list[Task]) -> Task:
        """Every task's result, in order; raises with the first that fails."""
        ...

    def any(self, tasks: list[Task]) -> Task:
        """The first task to end."""
        ...

    def continue_as_new(self, payload: dict[str, Any]) -> None:
        """Start over with a fresh history."""
        ...


def after(ctx: OrchestrationContext, seconds: float) -> datetime:
    """The time so many seconds from now."""
    return ctx.now + timedelta(seconds=seconds)
