"""The swarm's memory, as utils and actions search it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.spaces.metadata import MemoryMetadata


@dataclass(frozen=True, slots=True)
class Recalled:
    """A memory and as much of its content as was asked for."""

    memory: MemoryMetadata
    content: str


class MemoryReader(Protocol):
    """The swarm's memory, for questions."""

    async def search(self, question: str) -> Sequence[Recalled]:
        """Return the memories found by searching the memory space for one question."""
        ...
