"""The document of a swarm as a whole, and what the user handed over with it."""

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from shared.swarm.budget import Limits
from shared.swarm.origin import Origin
from shared.swarm.usage import Usage


class SwarmStatus(StrEnum):
    """How a swarm as a whole stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    #: It ended with a report that says its directive was not completed.
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ContextRef(BaseModel):
    """One document of the context that was handed over."""

    model_config = ConfigDict(frozen=True)

    context_id: str
    name: str
    #: text, markdown, code, json or csv.
    type: str
    size: int


class Swarm(BaseModel):
    """One user's directive and how far it is."""

    model_config = ConfigDict(frozen=True)

    swarm_id: str
    user_id: str
    directive: str
    status: SwarmStatus = SwarmStatus.RUNNING
    #: Shown, never stored: the control document says it.
    paused: bool = Field(default=False, description="Whether it runs and its user has paused it.")
    created: datetime
    ended: datetime | None = None
    limits: Limits = Limits()
    context: tuple[ContextRef, ...] = ()
    #: Final figures, once it has ended.
    usage: Usage = Usage()
    nodes: int = 0
    report: str | None = Field(default=None, description="What came of it, once it has ended; null in a list.")
    #: What started it, or where it was taken from; None for its user.
    origin: Origin | None = None
    #: When it was taken over from an archive; nothing of it was used here.
    imported: datetime | None = None
    #: When its user deleted it; from then on nobody is shown it.
    deleted: datetime | None = None

    def deadline(self, waited: float) -> datetime:
        """When its wall time is over for a node below which the user was waited for that many seconds."""
        return self.created + timedelta(seconds=self.limits.wall_seconds + waited)

    @property
    def seq(self) -> int:
        """Its place in its user's list of swarms: the newest first, by the millisecond of its creation."""
        return -int(self.created.timestamp() * 1000)


class QuestionState(StrEnum):
    """How a question stands."""

    OPEN = "open"
    ANSWERED = "answered"
    #: Nobody answered by the deadline.
    EXPIRED = "expired"
    #: Its node was cancelled before anybody answered.
    CANCELLED = "cancelled"


class QuestionDoc(BaseModel):
    """A question to the user. Answer against deadline is decided by the etag of this document."""

    model_config = ConfigDict(frozen=True)

    question_id: str
    node_id: str
    turn: int
    #: Its place among the swarm's questions.
    seq: int = 0
    question: str
    assumption: str
    state: QuestionState = QuestionState.OPEN
    asked: datetime
    deadline: datetime
    answer: str | None = None
    answered: datetime | None = None


class Artifact(BaseModel):
    """A file that a node produced. Its content lies in the document, or in a blob when it is large."""

    model_config = ConfigDict(frozen=True)

    artifact_id: str
    node_id: str
    name: str
    media_type: str
    description: str = ""
    size: int
    created: datetime
    #: The content, when it is at most 64 KiB.
    content: str | None = None
    sha256: str


class ContextDoc(BaseModel):
    """One document of the context, as it was handed over."""

    model_config = ConfigDict(frozen=True)

    context_id: str
    name: str
    type: str
    size: int
    content: str | None = None
    sha256: str
