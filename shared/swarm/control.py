"""The control document of a swarm: what the user asked of it while it runs."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Command(StrEnum):
    """What the nodes of a swarm or of a subtree shall do."""

    RUN = "run"
    PAUSE = "pause"
    CANCEL = "cancel"


class Control(BaseModel):
    """Read before and after every model call. The longest matching subtree decides; a cancelled one stays so.

    Only kill and redirect raise `generation`: a late result of an older one is ignored. Pausing throws no paid work
    away.
    """

    model_config = ConfigDict(frozen=True)

    command: Command = Command.RUN
    #: When the user last changed it; the sweep repeats its signals for a while.
    changed: datetime | None = None
    generation: int = 0
    #: How often the swarm was paused; names the event that ends a pause.
    pauses: int = 0
    #: Commands for subtrees, by the id of the node on top.
    subtrees: dict[str, Command] = {}

    def of(self, node_id: str) -> Command:
        """What a node shall do."""
        said = [self.command]
        said += [command for top, command in self.subtrees.items() if node_id == top or node_id.startswith(top + ".")]
        for command in (Command.CANCEL, Command.PAUSE):
            if command in said:
                return command
        return Command.RUN


RUNNING = Control()
