"""API keys, `{prefix}.{secret}`: the prefix finds the key, the secret proves it, and only its hash is stored."""

import base64
import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from shared.errors import Unauthenticated
from shared.tenancy.scopes import Scope

_PREFIX_BYTES = 6
#: 256 bits.
_SECRET_BYTES = 32
_SHAPE = re.compile(r"(ss-[0-9a-f]{12})\.([A-Za-z0-9_-]{43})")
#: What a secret is compared with where there is no key, so that both cost the same.
_NO_KEY = "0" * 64


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

    @property
    def seq(self) -> int:
        """Its place in its user's list of keys: the millisecond of its creation."""
        return int(self.created.timestamp() * 1000)

    def usable(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked is None and (self.expires is None or now < self.expires)

    def used(self, now: datetime) -> "ApiKey | None":
        """The key with its last use noted; None where it is noted already."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        if self.last_used is not None and hour - self.last_used < timedelta(hours=1):
            return None
        return self.model_copy(update={"last_used": hour})


def new_secret(fresh_id: str | None = None, seed: bytes | None = None) -> tuple[str, str]:
    """A prefix and a secret, both fresh.

    The prefix can come from an id of random hex digits, and the secret from 256 bits that nobody else has.
    """
    random = secrets.token_hex(_PREFIX_BYTES) if fresh_id is None else fresh_id[: 2 * _PREFIX_BYTES]
    return f"ss-{random}", as_text(seed or secrets.token_bytes(_SECRET_BYTES))


def as_text(seed: bytes) -> str:
    """Random bytes as a secret that a header can carry."""
    return base64.urlsafe_b64encode(seed).decode().rstrip("=")


def looks_like_key(presented: str) -> bool:
    """Whether a credential is meant to be an API key."""
    return presented.startswith("ss-")


def parse(presented: str) -> tuple[str, str]:
    """The prefix and secret of a presented key; raises `Unauthenticated`."""
    found = _SHAPE.fullmatch(presented)
    if found is None:
        raise Unauthenticated("the API key is not valid")
    return found.group(1), found.group(2)


def prove(key: ApiKey | None, secret: str, now: datetime) -> ApiKey:
    """The key if this is its secret and it may be used; raises `Unauthenticated`.

    An unknown prefix and a wrong secret take the same time and read the same; only who has the secret is told more.
    """
    right = matches(secret, _NO_KEY if key is None else key.secret_sha256)
    if key is None or not right:
        raise Unauthenticated("the API key is not valid")
    if not key.usable(now):
        raise Unauthenticated("the API key was revoked" if key.revoked else "the API key has expired")
    return key


def matches(presented: str, sha256: str) -> bool:
    """Whether a credential has this hash, compared in constant time."""
    return hmac.compare_digest(digest(presented), sha256)


def digest(secret: str) -> str:
    """What is stored of a secret. It is random and long, so that a plain hash keeps it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
