"""Users who sign in with Entra ID: the port that checks their tokens, and the user each of them is."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

#: Characters of an id; Entra ID's have 36.
_MAX_ID = 128


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody whom Entra ID has vouched for. The name is for people and decides nothing."""

    tenant_id: str
    object_id: str
    name: str = ""

    def __post_init__(self) -> None:
        """Raise `ValueError` for ids that are empty or overlong, and for what cannot be stored as text."""
        if not 0 < len(self.tenant_id) <= _MAX_ID or not 0 < len(self.object_id) <= _MAX_ID:
            raise ValueError("an id of the identity is empty or too long")
        for text in (self.tenant_id, self.object_id, self.name):
            text.encode()  # refuses half surrogates

    @property
    def user_id(self) -> str:
        """The one user id of this person in this tenant, in the product's alphabet."""
        subject = f"{self.tenant_id}/{self.object_id}".lower()
        return f"e-{hashlib.sha256(subject.encode()).hexdigest()[:32]}"


class Tokens(Protocol):
    """Checks bearer tokens."""

    async def identify(self, token: str) -> Identity:
        """Who a token is of. Raises `Unauthenticated`, `Forbidden`, and `Unavailable` when its key cannot be had."""
        ...
