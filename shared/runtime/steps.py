"""What activities tell their orchestrator: ids and a small status, never content."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.swarm.node import NodeRef


class Child(BaseModel):
    """A child to drive: in one activity where it can run in one go, else by an orchestration of its own."""

    model_config = ConfigDict(frozen=True)

    node_id: str
    in_one_go: bool


class Step(BaseModel):
    """How far an activity brought a node, and what to wait for before the next."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["ended", "children", "wait", "later"]
    children: tuple[Child, ...] = ()
    #: For `wait`: the event that ends the wait, and the time at which it ends anyway.
    event: str = ""
    until: datetime | None = None
    #: For `later`: seconds until another try makes sense.
    seconds: float = 0.0


ENDED = Step(kind="ended")


class Failure(BaseModel):
    """Tells `fail_node` which node failed at host level, and how."""

    model_config = ConfigDict(frozen=True)

    ref: NodeRef
    reason: str
