"""The runtime port: start, wake and ask after an orchestration. The store comes first, the signal second."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from shared.swarm.node import NodeRef


class RunStatus(StrEnum):
    """How an orchestration stands."""

    ABSENT = "absent"
    RUNNING = "running"
    ENDED = "ended"


class Runtime(Protocol):
    """Signals to the durable host. A lost signal is sent again by the sweep, so none of these is ever relied on."""

    async def start_swarm(self, root: NodeRef) -> None:
        """Start the orchestration of a swarm unless it runs already."""
        ...

    async def wake(self, node: NodeRef, event: str) -> None:
        """Raise an event to the orchestration of a node; one that does not run is not an error."""
        ...

    async def status(self, root: NodeRef) -> RunStatus:
        """How the orchestration of a swarm stands."""
        ...


class Histories(Protocol):
    """What the durable host keeps of orchestrations: ids and times, of no use once they have ended."""

    async def purge(self, since: datetime, until: datetime) -> int:
        """Remove what is kept of those that have ended and were created between two times; how many there were.

        Nothing is taken from one that still runs. Raises `TimeoutError` if the host did not get through in time;
        what it removed until then stays removed.
        """
        ...
