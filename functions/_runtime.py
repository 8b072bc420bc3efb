"""The runtime port over the bound Durable client."""

from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df

from shared.runtime import RunStatus
from shared.runtime.names import RUN_SWARM, node_instance, swarm_instance
from shared.swarm.node import NodeRef

_ENDED = {
    df.OrchestrationRuntimeStatus.Completed,
    df.OrchestrationRuntimeStatus.Failed,
    df.OrchestrationRuntimeStatus.Terminated,
    df.OrchestrationRuntimeStatus.Canceled,
}


class DurableRuntime:
    """Signals through the Durable Functions client of one invocation."""

    def __init__(self, client: df.DurableOrchestrationClient) -> None:
        self._client = client

    async def start_swarm(self, root: NodeRef) -> None:
        """Start the orchestration of a swarm unless it runs already."""
        if await self.status(root) is RunStatus.RUNNING:
            return
        try:
            await self._client.start_new(RUN_SWARM, swarm_instance(root), root.model_dump())
        except Exception:  # the SDK raises no narrower one
            if await self.status(root) is RunStatus.ABSENT:  # else somebody started it this moment
                raise

    async def wake(self, node: NodeRef, event: str) -> None:
        """Raise an event to the orchestration of a node; one that does not run is not an error."""
        instance_id = node_instance(node)
        status = await self._client.get_status(instance_id)
        if status and status.runtime_status not in _ENDED:
            await self._client.raise_event(instance_id, event, None)

    async def status(self, root: NodeRef) -> RunStatus:
        """How the orchestration of a swarm stands."""
        status: Any = await self._client.get_status(swarm_instance(root))
        if not status or status.runtime_status is None:
            return RunStatus.ABSENT
        return RunStatus.ENDED if status.runtime_status in _ENDED else RunStatus.RUNNING

    async def purge(self, since: datetime, until: datetime) -> int:
        """Remove what is kept of orchestrations that have ended and were created between two times."""
        # The SDK writes times down as if they were UTC, and goes on waiting for four minutes at most.
        result = await self._client.purge_instance_history_by(
            since.astimezone(UTC), until.astimezone(UTC), list(_ENDED)
        )
        return int(result.instances_deleted)
