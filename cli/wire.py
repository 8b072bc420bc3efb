"""What the HTTP API answers, as far as the command reads it; fields it does not know are kept for `--json`."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.swarm.statuses import Status
from shared.swarm.swarm import ContextRef, SwarmStatus
from shared.swarm.usage import Usage

#: Statuses of a node that will never move again.
ENDED = frozenset(status.value for status in Status if status.ended)


class Document(BaseModel):
    """A JSON object of the API. Statuses stay plain strings, so that a newer server is still readable."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Paged(Document):
    """One page of something, and where the next one starts."""

    cursor: str | None = None


class OriginView(Document):
    """The schedule or hook that started a swarm."""

    kind: str
    id: str


class SwarmView(Document):
    """One swarm; `usage` and `nodes` are final figures once it has ended."""

    swarm_id: str
    directive: str
    status: str
    created: datetime
    ended: datetime | None = None
    limits: dict[str, int | float] = {}
    context: tuple[ContextRef, ...] = ()
    usage: Usage = Usage()
    nodes: int = 0
    report: str | None = None
    paused: bool = False
    origin: OriginView | None = None
    imported: datetime | None = None

    @property
    def shown(self) -> str:
        """Its status as it is shown: one that runs may be paused."""
        return "paused" if self.is_running and self.paused else self.status

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self.status == SwarmStatus.RUNNING

    @property
    def is_completed(self) -> bool:
        """Whether its directive was completed."""
        return self.status == SwarmStatus.COMPLETED


class SwarmPage(Paged):
    """Some swarms, and where the next page starts."""

    items: tuple[SwarmView, ...]


class NodeView(Document):
    """One node of the tree."""

    node_id: str
    parent_id: str | None = None
    children_ids: tuple[str, ...] = ()
    action_id: str
    directive: str
    status: str
    report: str | None = None
    report_of: str | None = None
    complete: bool | None = None
    round: int = 0
    depth: int = 0
    turn: int = 0
    seq: int = 0
    usage: Usage = Usage()
    nodes: int = 1

    @property
    def ended(self) -> bool:
        """Whether it will never move again."""
        return self.status in ENDED

    @property
    def is_router(self) -> bool:
        """Whether it only searches for the node that acts."""
        return self.action_id.startswith("routers.")


class TreeView(Paged):
    """Nodes as they stood when they were read, parents first; `frame` is that in which the last came to be."""

    frame: int
    nodes: tuple[NodeView, ...]


class BranchView(Document):
    """A node, and what it and all below it shall do: `run`, `pause` or `cancel`."""

    swarm_id: str
    node_id: str
    command: str


class EventView(Document):
    """One entry of a swarm's history; without an operation it only seals a frame nobody filled."""

    frame: int
    node_id: str
    operation: str | None = None
    status: str
    at: datetime
    changes: dict[str, Any] = {}


class EventPage(Document):
    """Events in order. `frame` is the last of the history, `ended` whether none will follow."""

    items: tuple[EventView, ...]
    frame: int
    ended: bool


class QuestionView(Document):
    """A question to the user, and what the node assumes without an answer."""

    question_id: str
    node_id: str
    question: str
    assumption: str = ""
    state: str
    deadline: datetime | None = None
    answer: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether an answer still counts."""
        return self.state == "open"


class QuestionList(Paged):
    """The questions of a swarm."""

    items: tuple[QuestionView, ...]


class ArtifactView(Document):
    """A file that a node produced. A model chose its name."""

    artifact_id: str
    node_id: str
    name: str
    media_type: str = "application/octet-stream"
    description: str = ""
    size: int = 0


class ArtifactList(Paged):
    """The artifacts of a swarm."""

    items: tuple[ArtifactView, ...]


class MemoryView(Document):
    """A folder or a memory of a swarm; `own` is one that the user added."""

    memory_id: str
    kind: str
    name: str
    description: str = ""
    parent_id: str | None = None
    type: str | None = None
    node_id: str | None = None
    own: bool = False

    @property
    def is_folder(self) -> bool:
        """Whether others lie in it."""
        return self.kind == "folder"


class MemoryDetail(MemoryView):
    """One of them with its content, which is left out where it is large."""

    path: tuple[str, ...] = ()
    size: int | None = None
    content: str | None = None


class MemoryList(Paged):
    """What lies in a folder of a swarm's memory, or what a search found below it."""

    folder: MemoryView
    items: tuple[MemoryView, ...]
    complete: bool = True


class ActionView(Document):
    """Something a node can do; `used` is known of one swarm's."""

    action_id: str
    name: str
    description: str = ""
    path: tuple[str, ...] = ()
    may_block: bool = False
    built_in: bool = True
    used: int | None = None


class ActionList(Paged):
    """Actions, folder by folder."""

    items: tuple[ActionView, ...]


class HookStart(Document):
    """A delivery that started a swarm."""

    at: datetime
    swarm_id: str


class HookRefusal(Document):
    """A delivery that was refused."""

    at: datetime
    reason: str = ""


class HookView(Document):
    """An address that starts swarms; the secret is there only when it was just made."""

    hook_id: str
    name: str
    path: str
    verification: str
    enabled: bool
    previous_until: datetime | None = None
    last_started: HookStart | None = None
    last_refused: HookRefusal | None = None
    directive: str = ""
    limits: dict[str, int | float] = {}
    context: tuple[ContextRef, ...] = ()
    secret: str | None = None


class HookList(Paged):
    """A user's hooks."""

    items: tuple[HookView, ...]


class Delivered(Document):
    """What a delivery to a hook started."""

    swarm_id: str | None = None


class LastRun(Document):
    """What came of a schedule's last due time; without one, of a run out of turn."""

    at: datetime
    due: datetime | None = None
    swarm_id: str | None = None
    reason: str | None = None


class ScheduleView(Document):
    """When swarms are started, and what they are."""

    schedule_id: str
    name: str
    cron: str
    timezone: str
    enabled: bool
    overlap: str = ""
    next_due: datetime | None = None
    last: LastRun | None = None
    started: int = 0
    not_started: int = 0
    directive: str = ""
    limits: dict[str, int | float] = {}
    context: tuple[ContextRef, ...] = ()


class ScheduleList(Paged):
    """A user's schedules."""

    items: tuple[ScheduleView, ...]


class LogEntry(Document):
    """One model call of a node: what was said and what came back."""

    step: str
    purpose: str = ""
    model: str = ""
    messages: tuple[dict[str, Any], ...] = ()
    answer: Any = None
    usage: Usage = Usage()
    seconds: float = 0.0


class RouteStep(Document):
    """One step of a router's search: what it was shown in a folder, and the id of what it chose, None for none."""

    folder_id: str = ""
    options: tuple[dict[str, Any], ...] = ()
    chosen: str | None = None
    confidence: str | float | None = None


class NodeDetail(NodeView):
    """A node in full, with its model calls, the steps of its route and its questions."""

    log: tuple[LogEntry, ...] = ()
    #: Where the log and the questions go on, None at their ends.
    log_cursor: str | None = None
    route: tuple[RouteStep, ...] = ()
    questions: tuple[QuestionView | str, ...] = ()
    questions_cursor: str | None = None


class NodeLog(Paged):
    """Some of a node's model calls."""

    items: tuple[LogEntry, ...]


class NodeQuestions(Paged):
    """Some of a node's questions."""

    items: tuple[QuestionView, ...]


class ModelHealth(Document):
    """The model a deployment works with."""

    name: str = ""
    base_url_host: str | None = None
    offline: bool = False


class Health(Document):
    """Whether a deployment is up; `spaces` is the folder of the swarm spaces where it has one."""

    status: str
    model: ModelHealth = ModelHealth()
    spaces: str | None = None
