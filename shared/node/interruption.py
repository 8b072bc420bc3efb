"""Why work on a node stops before its outcome. Internal to the activities: nobody else sees these."""

from shared.swarm.control import Command


class Interrupted(Exception):
    """The user paused or cancelled, or the node is no longer this worker's."""

    def __init__(self, command: Command | None) -> None:
        super().__init__(command or "the node is somebody else's now")
        #: What the user asked for; None when the claim was lost.
        self.command = command


class OutOfBudget(Exception):
    """The next call would be over the node's lease or the swarm's time."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        #: What ran out, in words.
        self.what = what
