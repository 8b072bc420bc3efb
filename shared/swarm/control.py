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
    #: Since when it is paused, and the seconds of the pauses that are over: wall time stands still meanwhile.
    paused_since: datetime | None = None
    paused: float = 0.0
    #: Commands for subtrees, by the id of the node on top.
    subtrees: dict[str, Command] = {}

    def pause(self, now: datetime) -> "Control":
        """Paused from now on, if it is not already."""
        if self.command is Command.PAUSE:
            return self
        return self.model_copy(update={"command": Command.PAUSE, "pauses": self.pauses + 1, "paused_since": now})

    def run(self, now: datetime) -> "Control":
        """Running from now on."""
        over = 0.0 if self.paused_since is None else (now - self.paused_since).total_seconds()
        return self.model_copy(
            update={"command": Command.RUN, "paused_since": None, "paused": self.paused + max(0.0, over)}
        )

    def of(self, node_id: str) -> Command:
        """What a node shall do."""
        said = [self.command]
        said += [command for top, command in self.subtrees.items() if node_id == top or node_id.startswith(top + ".")]
        for command in (Command.CANCEL, Command.PAUSE):
            if command in said:
                return command
        return Command.RUN


RUNNING = Control()
