"""Value types that every layer shares: ids, keys and the time they are stamped with."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from shared.errors import InvalidInput

#: Ids that are issued by the server and make up a partition key. No `_`, so a key has one reading.
SCOPE_ID = re.compile(r"[a-z0-9-]{1,40}")
#: Every other id: stable, opaque, never a path.
ITEM_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

#: A media type that a header can carry, with parameters or without.
MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]{1,64}/[\w!#$&^.+-]{1,64}(; ?[\w-]{1,32}=[\w.-]{1,64}){0,4}", re.ASCII)

#: Reserved scope ids; refused to users.
ACCOUNT = "account"
SYSTEM = "system"


def _trimmed(name: str) -> str:
    if not name.strip():
        raise ValueError("it is empty: say something")
    return name.strip()


#: What people call a thing. It is trimmed after it was measured, so that what is taken is what the schema allows.
Name = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"\S"), AfterValidator(_trimmed)]
#: Gives the present time, with its zone. Handed in, so that tests decide what time it is.
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present time in UTC."""
    return datetime.now(UTC)


def check_item_id(value: str, what: str = "id") -> str:
    """Return `value` if it is a well-formed item id, else raise `InvalidInput`."""
    if not ITEM_ID.fullmatch(value):
        raise InvalidInput(f"{what} {value[:80]!r} is not valid: use 1 to 64 of the characters A-Z a-z 0-9 . _ -")
    return value


def check_scope_id(value: str, what: str = "id") -> str:
    """Return `value` if it is a well-formed user or swarm id, else raise `InvalidInput`."""
    if not SCOPE_ID.fullmatch(value):
        raise InvalidInput(f"{what} {value[:80]!r} is not valid: use 1 to 40 of the characters a-z 0-9 -")
    return value


@dataclass(frozen=True, slots=True)
class SpaceKey:
    """Names one swarm space: everything stored for one swarm of one user."""

    user_id: str
    swarm_id: str

    def __post_init__(self) -> None:
        check_scope_id(self.user_id, "user_id")
        check_scope_id(self.swarm_id, "swarm_id")

    def __str__(self) -> str:
        """The partition key value, `{user_id}_{swarm_id}`."""
        return f"{self.user_id}_{self.swarm_id}"

    @classmethod
    def account(cls, user_id: str) -> "SpaceKey":
        """The space of what belongs to a user and not to one swarm."""
        return cls(user_id, ACCOUNT)
