"""API keys, `{prefix}.{secret}`: the prefix finds the key, the secret proves it, and only its hash is stored."""

import hashlib
import hmac
import re
import secrets
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shared.errors import Unauthenticated
from shared.tenancy.scopes import Scope

_PREFIX_BYTES = 6
#: 256 bits.
_SECRET_BYTES = 32
_SHAPE = re.compile(r"(ss-[0-9a-f]{12})\.([A-Za-z0-9_-]{43})")


class ApiKey(BaseModel):
    """A key as it is stored. The secret itself is shown once, when the key is made."""

    model_config = ConfigDict(frozen=True)

    prefix: str
    secret_sha256: str
    user_id: str
    name: str
    scopes: frozenset[Scope]
    created: datetime
    expires: datetime | None = None
    revoked: datetime | None = None
    #: To the hour, so that a busy key is not written at every request.
    last_used: datetime | None = None

    def proven_by(self, secret: str) -> bool:
        """Whether this is the key's secret, compared in constant time."""
        return hmac.compare_digest(_digest(secret), self.secret_sha256)

    def usable(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked is None and (self.expires is None or now < self.expires)


def new_secret() -> tuple[str, str]:
    """A fresh prefix and secret."""
    return f"ss-{secrets.token_hex(_PREFIX_BYTES)}", secrets.token_urlsafe(_SECRET_BYTES)


def parse(presented: str) -> tuple[str, str]:
    """The prefix and secret of a presented key; raises `Unauthenticated`."""
    found = _SHAPE.fullmatch(presented)
    if found is None:
        raise Unauthenticated("the API key is not valid")
    return found.group(1), found.group(2)


def make(
    prefix: str,
    secret: str,
    *,
    user_id: str,
    name: str,
    scopes: frozenset[Scope],
    now: datetime,
    expires: datetime | None,
) -> ApiKey:
    """A key that stores the hash of its secret."""
    return ApiKey(
        prefix=prefix,
        secret_sha256=_digest(secret),
        user_id=user_id,
        name=name,
        scopes=scopes,
        created=now,
        expires=expires,
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
