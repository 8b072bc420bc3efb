"""Where a swarm comes from that nobody started by hand."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Origin(BaseModel):
    """The schedule or hook that started a swarm, and on what occasion; or the archive that it was taken from."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["schedule", "hook", "archive"]
    #: The schedule's or the hook's; the SHA-256 of the archive.
    id: str
    #: A schedule's: the time that was due; None when its user started it out of turn.
    due: datetime | None = None
    #: A hook's: the id of the delivery.
    delivery_id: str | None = None
