"""The principal of the platform's own sign-in (Easy Auth), as its header carries it."""

import base64
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from shared.tenancy.identity import Identity

#: Bytes of the header, and claims in it.
_MAX_BYTES = 32_768
_MAX_CLAIMS = 500

_MICROSOFT = "http://schemas.microsoft.com/identity/claims"
#: The exact claim types of Entra ID, by their short and their long names. What only ends like one is another claim.
_TENANT = {"tid", f"{_MICROSOFT}/tenantid"}
_OBJECT = {"oid", f"{_MICROSOFT}/objectidentifier"}
_NAME = {"name"}
_SCOPES = {"scp", f"{_MICROSOFT}/scope"}
_ROLES = {"roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"}


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody whom the platform has signed in with Entra ID, and the scopes and app roles they were granted."""

    identity: Identity
    granted: frozenset[str]


class _Claim(BaseModel):
    typ: str
    val: str


class _Header(BaseModel):
    """What the header holds; other identity providers may say whatever they like in the same claims."""

    auth_typ: Literal["aad"]
    claims: Annotated[list[_Claim], Field(max_length=_MAX_CLAIMS)]

    def values(self, types: set[str]) -> set[str]:
        return {claim.val for claim in self.claims if claim.typ in types}

    def only(self, types: set[str]) -> str:
        found = self.values(types)
        if len(found) != 1:
            raise ValueError("a claim is missing, or is there twice with different values")
        return found.pop()


def read_principal(header: str) -> Principal:
    """Read the base64 header; raises `ValueError` unless it names one person of one Entra ID tenant."""
    if len(header) > _MAX_BYTES:
        raise ValueError("the principal is too large")
    # pydantic's parser bounds nesting and refuses half surrogates, which the standard library's does not.
    read = _Header.model_validate_json(base64.b64decode(header, validate=True))
    identity = Identity(read.only(_TENANT), read.only(_OBJECT), min(read.values(_NAME), default=""))
    scopes = {scope for value in read.values(_SCOPES) for scope in value.split()}
    return Principal(identity, frozenset(scopes | read.values(_ROLES)))
