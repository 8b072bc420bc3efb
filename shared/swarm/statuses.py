"""The statuses of a node and the lifecycle commands that move between them."""

from enum import StrEnum


class Status(StrEnum):
    """Where a node stands."""

    PENDING = "pending"
    #: Router nodes only: searching a space for the action that will do the work.
    ROUTING = "routing"
    ACTING = "acting"
    #: Waiting for the user's answers.
    BLOCKED = "blocked"
    #: Waiting for its children to end.
    WAITING = "waiting"
    REVIEWING = "reviewing"
    TERMINATED = "terminated"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether a node in this status will never move again."""
        return self in _ENDED


_ENDED = frozenset({Status.TERMINATED, Status.FAILED, Status.CANCELLED})


class Operation(StrEnum):
    """A lifecycle command: what a transition does."""

    SPAWN = "spawn"
    EXECUTE = "execute"
    BLOCKING = "blocking"
    USER_COMMUNICATION = "user_communication"
    TERMINATE = "terminate"
    NODE_FAILURE = "node_failure"
