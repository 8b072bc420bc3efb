"""What a credential allows."""

from enum import StrEnum


class Scope(StrEnum):
    """One right. A route declares the one it needs; a credential lists those it has."""

    #: Look at one's own swarms.
    READ = "read"
    #: Start, steer and delete one's own swarms, and manage one's own keys.
    WRITE = "write"
    #: Create users and their keys. Gives no access to anybody's swarms.
    ADMIN = "admin"


USER_SCOPES = frozenset({Scope.READ, Scope.WRITE})
