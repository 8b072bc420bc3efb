"""A hook: an address that starts a swarm, and the secret by which its callers prove themselves."""

import hashlib
import re
from datetime import datetime, timedelta
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from shared.hooks.signing import Verdict, Verification, kept, verify

HOOK_ID = re.compile(r"[a-f0-9]{32}")
#: How long the secret before the present one is good.
OVERLAP = timedelta(hours=24)
#: What a delivery is noted at most once in.
_NOTED = timedelta(minutes=1)


class Hook(BaseModel):
    """A hook as it is stored. The secret is shown once, when it is made; nothing prints it, no error either."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    hook_id: str
    name: str
    verification: Verification
    enabled: bool = True
    created: datetime
    #: What is kept of the secret: the secret itself, or of a token the hash.
    secret: str = Field(repr=False)
    #: The one before, and until when it is good.
    previous: str | None = Field(default=None, repr=False)
    previous_until: datetime | None = None
    #: The id of the request that made the secret: a repetition knows its own work.
    secret_by: str = ""

    @property
    def seq(self) -> int:
        """Its place in its user's list of hooks: the millisecond of its creation."""
        return int(self.created.timestamp() * 1000)

    @property
    def path(self) -> str:
        """Where deliveries go, below the deployment's address."""
        return f"/hooks/{self.hook_id}"

    def rotated(self, secret: str, now: datetime, request: str) -> Self:
        """The hook with a new secret. The present one stays good for a while, unless this request made that too."""
        new = {"secret": kept(self.verification, secret), "secret_by": request}
        if self.secret_by == request:
            return self.model_copy(update=new)
        return self.model_copy(update={**new, "previous": self.secret, "previous_until": now + OVERLAP})

    def look_at(self, headers: dict[str, str], body: bytes, now: datetime) -> Verdict:
        """Whether a delivery comes from who has a secret that is good; the headers' names are in lower case."""
        return verify(self.verification, self._secrets(now), headers, body, now)

    def _secrets(self, now: datetime) -> tuple[str, ...]:
        if self.previous is None or self.previous_until is None or self.previous_until <= now:
            return (self.secret,)
        return self.secret, self.previous


def hook_of(user_id: str, request: str) -> str:
    """The id of the hook that a request makes, however often it is repeated.

    Who does not know an address does not find it: a request's id has 64 random bits, and is told to nobody.
    """
    return hashlib.sha256(f"hook of {user_id} by {request}".encode()).hexdigest()[:32]


class Started(BaseModel):
    """A delivery that started a swarm."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    swarm_id: str


class Refused(BaseModel):
    """A delivery that started nothing, and why."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    reason: str


class HookUse(BaseModel):
    """What came to a hook lately, each kind noted once a minute at most, so that a busy hook is not always written."""

    model_config = ConfigDict(frozen=True)

    started: Started | None = None
    refused: Refused | None = None

    def noting(self, event: Started | Refused) -> "HookUse | None":
        """With a delivery noted; None if there was one of its kind a moment ago."""
        field = "started" if isinstance(event, Started) else "refused"
        last: Started | Refused | None = getattr(self, field)
        if last is not None and event.at - last.at < _NOTED:
            return None
        return self.model_copy(update={field: event})
