"""What one turn of an orchestration has brought: its events, and what the host has to do for it."""

from dataclasses import dataclass, field

from local.host.durable.model import Instance
from local.host.durable.protocol import REPLAYED, Event, EventType, Status, event, played, quote


@dataclass(frozen=True, slots=True)
class Call:
    """An activity or child to start. `named` says that the orchestrator chose the child's id itself."""

    task_id: int
    name: str
    input: str | None
    child_id: str = ""
    named: bool = False
    version: str = ""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an orchestration has ended. `output` is JSON text; `reason` and `details` are for its parent."""

    status: Status
    output: str | None
    reason: str = ""
    details: str = ""


@dataclass(frozen=True, slots=True)
class Renewal:
    """The orchestration continues as new with this input."""

    input: str | None


@dataclass(slots=True)
class Turn:
    """What one turn has brought so far."""

    clock: str
    replays: bool = False
    control: list[Event] = field(default_factory=list)
    retries: list[Event] = field(default_factory=list)
    resumed: list[Event] = field(default_factory=list)
    scheduled: list[Event] = field(default_factory=list)
    #: What the rest of the host has to do once the turn is stored.
    activities: list[Call] = field(default_factory=list)
    children: list[Call] = field(default_factory=list)
    timers: list[tuple[int, str]] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    outcome: Ending | Renewal | None = None
    #: Open tasks that keep an orchestration that has returned from ending.
    lingering: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.control or self.retries or self.resumed or self.scheduled or self.outcome)

    def incoming(self) -> list[Event]:
        """The events the orchestrator is shown as new."""
        return [event(EventType.ORCHESTRATOR_STARTED, self.clock), *self.control, *self.retries, *self.resumed]

    def context(self, instance: Instance, past: str) -> str:
        """The text the SDK is called with. `past` is what is replayed of the history so far, joined by commas."""
        new = ",".join(item.text for item in self.incoming() if item.type in REPLAYED)
        history = f"{past},{new}" if past else new
        parent = "null" if instance.parent is None else quote(instance.parent.instance_id)
        body = "null" if instance.input is None else quote(instance.input)
        return (
            f'{{"history":[{history}],"input":{body},"instanceId":{quote(instance.instance_id)},'
            f'"isReplaying":false,"parentInstanceId":{parent},"upperSchemaVersion":2}}'
        )

    def chunk(self) -> tuple[int, str, str]:
        """The number of the turn's events, their text, and the text of those that are replayed."""
        events = [*self.incoming(), *self.scheduled, event(EventType.ORCHESTRATOR_COMPLETED, self.clock)]
        full = played(",".join(item.text for item in events))
        replayed = played(",".join(item.text for item in events if item.type in REPLAYED))
        return len(events), full, replayed
