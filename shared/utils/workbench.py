"""The workbench: what a util may read and change on behalf of one node."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from shared.sandbox import Sandbox
from shared.types import SpaceKey
from shared.utils.memory_reader import MemoryReader
from shared.workspace.draft_files import DraftFiles


class ReportReader(Protocol):
    """Reports that other nodes of the swarm left."""

    async def read(self, node_id: str) -> str:
        """Return the report of an ended node; raises `NotFound`, and `Conflict` for one that has not ended."""
        ...


#: Asks the model one question in plain text; raises what the model port raises.
AskModel = Callable[[str], Awaitable[str]]


@dataclass
class Workbench:
    """Everything a util is given."""

    space: SpaceKey
    node_id: str
    files: DraftFiles
    #: None where the deployment has none: nothing can be run.
    sandbox: Sandbox | None
    memory: MemoryReader
    reports: ReportReader
    ask_model: AskModel
    #: Tokens that one result may show to the model.
    shown_tokens: int = 4_000
    #: How many memories the node has drafted so far.
    remembered: int = 0
