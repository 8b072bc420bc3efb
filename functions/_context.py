"""The orchestration context over the Durable SDK's."""

from collections.abc import Callable, Generator
from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df

from shared.orchestration.context import Orchestration, OrchestrationContext

#: Tries of an activity that fails at host level, and milliseconds between them.
_RETRY = df.RetryOptions(first_retry_interval_in_milliseconds=2_000, max_number_of_attempts=3)


class DurableContext:
    """`shared.orchestration.context.OrchestrationContext` over `DurableOrchestrationContext`."""

    def __init__(self, context: df.DurableOrchestrationContext) -> None:
        self._context = context

    @property
    def now(self) -> datetime:
        """The replay-safe time, in UTC and with its zone."""
        now: datetime = self._context.current_utc_datetime
        return now if now.tzinfo else now.replace(tzinfo=UTC)

    def activity(self, name: str, payload: dict[str, Any]) -> Any:
        """An activity, retried when it fails at host level."""
        return self._context.call_activity_with_retry(name, _RETRY, payload)

    def orchestration(self, name: str, payload: dict[str, Any], instance_id: str) -> Any:
        """A sub-orchestration with a given instance id."""
        return self._context.call_sub_orchestrator(name, payload, instance_id)

    def event(self, name: str) -> Any:
        """An external event."""
        return self._context.wait_for_external_event(name)

    def timer(self, until: datetime) -> Any:
        """A durable timer; the SDK writes the time down as it is, so it must be UTC."""
        return self._context.create_timer(until.astimezone(UTC))

    def cancel(self, timer: Any) -> None:
        """Cancel a timer that lost."""
        timer.cancel()

    def all(self, tasks: list[Any]) -> Any:
        """Every task's result, in order."""
        return self._context.task_all(tasks)

    def any(self, tasks: list[Any]) -> Any:
        """The first task to end."""
        return self._context.task_any(tasks)

    def continue_as_new(self, payload: dict[str, Any]) -> None:
        """Start over with a fresh history."""
        self._context.continue_as_new(payload)


def drive(
    orchestration: Callable[[OrchestrationContext, dict[str, Any]], Orchestration],
    context: df.DurableOrchestrationContext,
) -> Generator[Any, Any, Any]:
    """Run one of our orchestrations on the SDK's context."""
    payload: Any = context.get_input()
    result = yield from orchestration(DurableContext(context), payload)
    return result
