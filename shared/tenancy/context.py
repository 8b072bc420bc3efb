"""The verified identity behind a request. Made in one place from the credential, never from a request's body."""

from dataclasses import dataclass

from shared.errors import Forbidden, InvalidInput
from shared.tenancy.scopes import USER_SCOPES, Scope
from shared.types import ACCOUNT, SYSTEM, SpaceKey, check_scope_id

#: Who presents the deployment's admin key; no user has this id.
ADMINISTRATOR = "admin"


@dataclass(frozen=True, slots=True)
class TenantContext:
    """One user, as the credential names them."""

    user_id: str
    scopes: frozenset[Scope] = USER_SCOPES
    #: None: as many as there are.
    requests_a_minute: int | None = None

    def __post_init__(self) -> None:
        check_scope_id(self.user_id, "user_id")
        if self.user_id in {ACCOUNT, SYSTEM}:
            raise InvalidInput(f"user_id {self.user_id!r} is reserved")

    def require(self, scope: Scope) -> None:
        """Raise `Forbidden` unless the credential has this right."""
        if scope not in self.scopes:
            raise Forbidden(f"this credential does not allow {scope!r}")

    def space(self, swarm_id: str) -> SpaceKey:
        """The space of one of this user's swarms; every query goes through it."""
        if check_scope_id(swarm_id, "swarm_id") in {ACCOUNT, SYSTEM}:
            raise InvalidInput(f"swarm_id {swarm_id!r} is reserved")
        return SpaceKey(self.user_id, swarm_id)

    @property
    def account(self) -> SpaceKey:
        """The space of what belongs to the user and not to one swarm."""
        return SpaceKey.account(self.user_id)
