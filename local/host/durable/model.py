"""What the host knows about one orchestration while it runs, and the messages it takes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from local.host.durable.protocol import CHILD_ACTIONS, ActionType, Status, encode


class Kind(IntEnum):
    """Kinds of messages in an orchestration's inbox."""

    COMPLETED = 0
    FAILED = 1
    TIMER = 2
    EVENT = 3
    SUSPEND = 4
    RESUME = 5
    TERMINATE = 6


@dataclass(slots=True)
class Message:
    """Something an orchestration has yet to take notice of.

    `name` and `body` are: of an event its name and payload, of a failure its reason and details, of a timer the
    time it was set to and nothing, of anything else nothing and a result or reason.
    """

    row: int
    kind: Kind
    generation: int
    task_id: int
    name: str
    body: str | None


@dataclass(slots=True)
class Leaf:
    """A simple action the orchestrator has asked for: an activity, a child, a timer or a wait."""

    action: ActionType
    name: str
    task_id: int = -1
    open: bool = False
    #: The rest is for actions with retry.
    attempt: int = 1
    #: Whether `task_id` is that of the timer between two attempts.
    resting: bool = False
    request: dict[str, Any] | None = None

    @property
    def is_child(self) -> bool:
        return self.action in CHILD_ACTIONS

    def dump(self) -> list[Any]:
        """Short for what is closed: only its signature is compared from then on."""
        if not self.open:
            return [int(self.action), self.name]
        if self.request is None:
            return [int(self.action), self.name, self.task_id]
        return [int(self.action), self.name, self.task_id, self.attempt, self.resting, self.request]

    @classmethod
    def restore(cls, values: list[Any]) -> "Leaf":
        action, name, *rest = values
        leaf = cls(ActionType(action), name, open=bool(rest))
        if rest:
            leaf.task_id = rest[0]
        if len(rest) > 1:
            leaf.attempt, leaf.resting, leaf.request = rest[1:]
        return leaf


@dataclass(slots=True)
class Parent:
    """Whom an orchestration answers to. `instance` is None if that has ended meanwhile."""

    instance: "Instance | None"
    instance_id: str
    execution_id: str
    task_id: int


@dataclass(slots=True)
class Instance:
    """One orchestration that has not ended.

    A generation is one execution of it; continue-as-new starts the next one with fresh ids and a fresh history.
    """

    row: int
    instance_id: str
    name: str
    version: str
    execution_id: str
    input: str | None
    created: str
    updated: str
    parent: Parent | None = None
    generation: int = 0
    output: str | None = None
    custom_status: str | None = None
    finished: str | None = None
    ended: Status | None = None

    #: Replay state of this generation; kept in the row's `state`.
    started: bool = False
    suspended: bool = False
    clock: str = ""
    next_id: int = 0
    leaves: list[Leaf] = field(default_factory=list)
    #: Names waited for in order of asking, by folded name, and how many of them have been served.
    waits: dict[str, list[str]] = field(default_factory=dict)
    delivered: dict[str, int] = field(default_factory=dict)
    #: Payloads of events nobody has waited for yet, by folded name.
    buffer: dict[str, list[str | None]] = field(default_factory=dict)
    #: Whether a failure has reached the orchestrator in this generation.
    failures: bool = False
    history_events: int = 0
    history_bytes: int = 0
    chunks: int = 0

    #: Found again on recovery, or rebuilt.
    open: dict[int, Leaf] = field(default_factory=dict)
    work: dict[int, int] = field(default_factory=dict)
    timers: dict[int, int] = field(default_factory=dict)
    inbox: list[Message] = field(default_factory=list)

    #: Only of this process.
    stored: bool = False
    queued: bool = False
    busy: bool = False
    #: Task ids without which the orchestrator certainly cannot go on; None if that is not known.
    blocking: set[int] | None = None
    lingering: bool = False

    @property
    def status(self) -> Status:
        if self.ended is not None:
            return self.ended
        if self.suspended:
            return Status.SUSPENDED
        return Status.RUNNING if self.started or self.generation else Status.PENDING

    def take_id(self) -> int:
        """The next task id of this generation."""
        task_id = self.next_id
        self.next_id += 1
        return task_id

    def may_go_on(self, message: Message) -> bool:
        """Whether a message that has come in may let the orchestrator go on; False only if it certainly does not."""
        if self.blocking is None or message.kind not in (Kind.COMPLETED, Kind.TIMER):
            return True
        leaf = self.open.get(message.task_id)
        if leaf is None or leaf.resting:
            return True
        self.blocking.discard(message.task_id)
        return not self.blocking

    def take_messages(self) -> list[Message]:
        """The messages to take in now. A suspended instance leaves all but words of control where they are."""
        taken: list[Message] = []
        kept: list[Message] = []
        for message in self.inbox:
            if message.kind in (Kind.SUSPEND, Kind.RESUME):
                self.suspended = message.kind is Kind.SUSPEND
                taken.append(message)
            elif self.suspended and message.kind is not Kind.TERMINATE:
                kept.append(message)
            else:
                taken.append(message)
        if not self.suspended:
            taken, kept = taken + kept, []
        self.inbox = kept
        return taken

    def deliverable(self) -> Iterator[str]:
        """Folded names with both a buffered event and an open wait, once for each event that can be served."""
        for name, payloads in self.buffer.items():
            waiting = len(self.waits.get(name, ())) - self.delivered.get(name, 0)
            for _ in range(min(len(payloads), waiting)):
                yield name

    def renew(self, execution_id: str, new_input: str | None) -> None:
        """Begin the next generation. Events nobody has waited for, and the custom status, stay."""
        self.generation += 1
        self.execution_id = execution_id
        self.input = new_input
        self.started = self.failures = self.lingering = False
        self.next_id = self.chunks = 0
        self.blocking = None
        self.leaves, self.waits, self.delivered = [], {}, {}
        self.open, self.work, self.timers = {}, {}, {}

    def dump_state(self) -> str:
        """The replay state as text."""
        return encode(
            {
                "started": self.started,
                "suspended": self.suspended,
                "clock": self.clock,
                "next": self.next_id,
                "leaves": [leaf.dump() for leaf in self.leaves],
                "waits": self.waits,
                "delivered": self.delivered,
                "buffer": self.buffer,
                "failures": self.failures,
                "chunks": self.chunks,
            }
        )

    def restore_state(self, text: str) -> None:
        """Take over what `dump_state` wrote."""
        state = json.loads(text)
        self.started, self.suspended = state["started"], state["suspended"]
        self.clock, self.next_id, self.chunks = state["clock"], state["next"], state["chunks"]
        self.waits, self.delivered, self.buffer = state["waits"], state["delivered"], state["buffer"]
        self.failures = state["failures"]
        self.leaves = [Leaf.restore(values) for values in state["leaves"]]
        self.open = {leaf.task_id: leaf for leaf in self.leaves if leaf.open and leaf.task_id >= 0}
