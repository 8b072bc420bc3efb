"""One node of the tree, as its document holds it."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, computed_field

from shared.swarm.budget import Lease
from shared.swarm.statuses import Operation, Status
from shared.swarm.usage import Usage
from shared.types import SpaceKey

ROOT_ID = "0"
#: Node ids get longer with every level; the store takes 64 characters and the journal adds its step to them.
MAX_NODE_ID = 48

#: Fields of the document that are about writing it and not about the node; history leaves them out.
BOOKKEEPING = frozenset({"outbox", "claim", "standstill", "stood"})


class NodeRef(BaseModel):
    """Names a node to an orchestrator; this and a small status is all that Durable Functions ever carries."""

    model_config = ConfigDict(frozen=True)

    user_id: str
    swarm_id: str
    node_id: str
    generation: int = 0

    @property
    def space(self) -> SpaceKey:
        """The swarm space the node lies in."""
        return SpaceKey(self.user_id, self.swarm_id)

    def to(self, node_id: str) -> "NodeRef":
        """A reference to another node of the same swarm."""
        return self.model_copy(update={"node_id": node_id})


class Claim(BaseModel):
    """Who works on a node, and until when nobody else may."""

    model_config = ConfigDict(frozen=True)

    owner: str
    expires: datetime


class Standstill(BaseModel):
    """Since when a node stands still with its paused branch, and the seconds its swarm had been paused until then."""

    model_config = ConfigDict(frozen=True)

    since: datetime
    paused: float


class SwarmEvent(BaseModel):
    """One entry of a swarm's history: a node moved. Frames order the entries; `0` means not yet numbered."""

    model_config = ConfigDict(frozen=True)

    frame: int = 0
    node_id: str
    #: The number of the node's transition it tells of; with `node_id` it names the event whatever its frame.
    version: int
    #: None seals a frame that its writer never filled.
    operation: Operation | None
    status: Status
    at: datetime
    #: The fields of the node that this transition changed; for a spawn, the whole new node.
    changes: dict[str, Any] = {}


class Outbox(BaseModel):
    """What a committed transition still has to write out, each if-absent: its events, then its children."""

    model_config = ConfigDict(frozen=True)

    events: tuple[SwarmEvent, ...] = ()
    children: tuple["SwarmNode", ...] = ()


class SwarmNode(BaseModel):
    """One directive and the action that pursues it. Its document is the commit point of every transition."""

    model_config = ConfigDict(frozen=True)

    node_id: str
    parent_id: str | None
    children_ids: tuple[str, ...] = ()
    #: The action it performs; a router's is `routers.route_action`.
    action_id: str
    directive: str
    #: What it left when it ended; a router leaves a reference in `report_of` instead.
    report: str | None = None
    report_of: str | None = None
    #: For a manager: whether its directive was completed.
    complete: bool | None = None
    status: Status = Status.PENDING
    #: Transitions so far.
    version: int = 0
    #: The place in a chain of continuations.
    round: int = 0
    #: Decompositions above it.
    depth: int = 0
    generation: int = 0
    #: Rises on every resume after an answer, so that an answered question is not asked again.
    turn: int = 0
    #: The ordinal of the next child; never reused.
    next_child: int = 0
    #: The frame of its spawn; the order in which nodes came to be.
    seq: int = 0
    #: A continuation's: what its manager found still missing.
    missing: str | None = None
    #: How many artifacts it produced; their ids are `{node_id}-{n}` from 0.
    artifacts: int = 0
    #: Ids of the questions it asked, of all turns.
    questions: tuple[str, ...] = ()
    #: When it stops waiting for answers.
    answer_by: datetime | None = None
    #: Seconds spent waiting for the user before it and on the longest path below it; the wall-time bound leaves
    #: them out.
    waited: float = 0.0
    #: The pause of its branch that it has found, and the seconds of those that are over: wall time leaves them out too.
    standstill: Standstill | None = None
    stood: float = 0.0
    #: The document it was spawned to absorb, for nodes that read the context.
    context_id: str | None = None
    #: Whether a router spawned it, which ends together with it.
    routed: bool = False
    #: A router's steps through the space it searched: options, choice and confidence of each.
    route: tuple[dict[str, Any], ...] = ()
    #: What it may use, for itself and all below it.
    lease: Lease
    #: What it used, with everything below it that has ended; complete once it has ended.
    usage: Usage = Usage()
    nodes: int = 1
    #: The sequence of its last merge into the workspace; for the root at its birth, of what was handed over.
    workspace: int = 0
    outbox: Outbox | None = None
    claim: Claim | None = None

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated properties; pydantic documents this
    @property
    def alive(self) -> bool:
        """Whether it can still move."""
        return not self.status.ended

    @property
    def is_router(self) -> bool:
        """Whether it only searches a space for the node that acts; routers count in no limit."""
        return self.action_id.startswith("routers.")

    @property
    def idle(self) -> float:
        """Seconds until now that count as no wall time of its own: waits for the user, and pauses of its branch."""
        return self.waited + self.stood

    def evolve(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return self.model_copy(update=changes)

    def child_id(self, ordinal: int) -> str:
        """The id of its n-th child."""
        return f"{self.node_id}.{ordinal}"


Outbox.model_rebuild()
