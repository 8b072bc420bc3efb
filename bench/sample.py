"""What a system brings back from one run of a workload."""

from dataclasses import dataclass, field
from typing import Protocol

from bench.workload import Workload


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run of a workload took."""

    seconds: float
    cpu: float
    calls: int
    nodes: int
    peak_memory: int
    #: Bytes that the run left in files.
    bytes: int
    #: Only of the embedded host: Durable history, and store operations where they were counted.
    extra: dict[str, float] = field(default_factory=dict)


class Running(Protocol):
    """A system that is up."""

    async def run(self, workload: Workload) -> Sample:
        """Run one workload."""
        ...
