"""What started a swarm that nobody started by hand."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Origin(BaseModel):
    """The schedule or hook that started a swarm, and on what occasion."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["schedule", "hook"]
    id: str
    #: A schedule's: the time that was due; None when its user started it out of turn.
    due: datetime | None = None
    #: A hook's: the id of the delivery.
    delivery_id: str | None = None
