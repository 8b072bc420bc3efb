"""How a delivery to a hook proves that it comes from who was given the secret, and what signs one.

standard    the Standard Webhooks specification: HMAC-SHA256 over `id.timestamp.body`, at most five minutes old;
            its headers may also have the older names `svix-id`, `svix-timestamp` and `svix-signature`
github      `X-Hub-Signature-256`: HMAC-SHA256 over the body alone; nothing in it says when
token       the secret itself as `Authorization: Bearer`, for a caller that cannot sign
"""

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.tenancy.api_keys import as_text, digest, matches

#: How far a signed timestamp may be from now, either way.
TOLERANCE = timedelta(minutes=5)
#: Signatures of one header that are looked at: a sender that changes its secret sends two.
MAX_SIGNATURES = 8
#: What a sender may call a delivery.
_DELIVERY_ID = re.compile(r"[\x21-\x7e]{1,256}")

_PREFIX = "whsec_"
#: The specification's headers before it was one; senders that came earlier still use these names.
_OLD_FAMILY = "svix"
#: 256 bits.
_SECRET_BYTES = 32
_SECONDS = re.compile(r"[0-9]{1,11}")
_BEARER = re.compile(r"bearer +(\S+) *", re.IGNORECASE)


class Verification(StrEnum):
    """How deliveries to a hook prove themselves."""

    STANDARD = "standard"
    GITHUB = "github"
    TOKEN = "token"  # noqa: S105 - the name of a way, no secret


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of looking at a delivery."""

    #: Why it is not proven, in words for the hook's owner; None if it is.
    fault: str | None
    #: By which its sender knows it again, if it says so.
    delivery_id: str | None = None


def new_secret(verification: Verification, seed: bytes | None = None) -> str:
    """A fresh secret of 256 bits, or one of those given, in the shape that the sender wants."""
    seed = seed or secrets.token_bytes(_SECRET_BYTES)
    return _PREFIX + base64.b64encode(seed).decode() if verification is Verification.STANDARD else as_text(seed)


def kept(verification: Verification, secret: str) -> str:
    """What is stored of a secret: what signs must be there to be computed with, of a token the hash is enough."""
    return digest(secret) if verification is Verification.TOKEN else secret


def verify(
    verification: Verification, stored: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime
) -> Verdict:
    """Look at a delivery. `stored` is what `kept` made of each valid secret, `headers` has lower-case names.

    Every comparison takes the same time wherever the first difference is.
    """
    return _WAYS[verification](stored, headers, body, now)


def sign(verification: Verification, secret: str, body: bytes, delivery_id: str, now: datetime) -> dict[str, str]:
    """The headers with which a sender proves a delivery. Raises `ValueError` for a secret of another shape."""
    if verification is Verification.GITHUB:
        return {"X-GitHub-Delivery": delivery_id, "X-Hub-Signature-256": _github_signature(secret, body)}
    if verification is Verification.TOKEN:
        return {"Idempotency-Key": delivery_id, "Authorization": f"Bearer {secret}"}
    stamp = str(int(now.timestamp()))
    signature = _standard_signature(secret, delivery_id, stamp, body)
    return {"webhook-id": delivery_id, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}


def _standard(stored: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime) -> Verdict:
    family = "webhook" if "webhook-signature" in headers else _OLD_FAMILY
    delivery_id, stamp = headers.get(f"{family}-id", ""), headers.get(f"{family}-timestamp", "")
    presented = headers.get(f"{family}-signature", "").split(" ")[:MAX_SIGNATURES]
    signatures = [one.removeprefix("v1,") for one in presented if one.startswith("v1,")]
    computed = [_standard_signature(secret, delivery_id, stamp, body) for secret in stored]
    if not _any_same(signatures, computed):
        return Verdict("the signature is missing or not right")
    # With a dot in the id, one signature would stand for another id, time and body as well.
    if not _DELIVERY_ID.fullmatch(delivery_id) or "." in delivery_id:
        return Verdict(f"{family}-id must have 1 to 256 characters without a dot or a blank")
    if not _SECONDS.fullmatch(stamp) or abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
        return Verdict("the timestamp is not of these five minutes")
    return Verdict(None, delivery_id)


def _github(stored: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime) -> Verdict:
    del now  # nothing that is signed says when
    computed = [_github_signature(secret, body) for secret in stored]
    if not _any_same([headers.get("x-hub-signature-256", "")], computed):
        return Verdict("the signature is missing or not right")
    return _named(headers, "x-github-delivery")


def _token(stored: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime) -> Verdict:
    del body, now  # a token proves who calls, and nothing of what is said
    found = _BEARER.fullmatch(headers.get("authorization", ""))
    presented = found[1] if found else ""
    if not any([matches(presented, one) for one in stored]):  # noqa: C419 - a list compares with every one
        return Verdict("the token is missing or not right")
    return _named(headers, "idempotency-key")


_WAYS: dict[Verification, Callable[[Sequence[str], Mapping[str, str], bytes, datetime], Verdict]] = {
    Verification.STANDARD: _standard,
    Verification.GITHUB: _github,
    Verification.TOKEN: _token,
}


def _named(headers: Mapping[str, str], header: str) -> Verdict:
    """A proven delivery with the id that a header may give it."""
    delivery_id = headers.get(header) or None
    if delivery_id is not None and not _DELIVERY_ID.fullmatch(delivery_id):
        return Verdict(f"{header} must have 1 to 256 characters without a blank")
    return Verdict(None, delivery_id)


def _standard_signature(secret: str, delivery_id: str, stamp: str, body: bytes) -> str:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"a secret of this kind is {_PREFIX} and base64") from None
    signed = f"{delivery_id}.{stamp}.".encode("utf-8", "surrogatepass") + body
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def _github_signature(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.digest(secret.encode(), body, "sha256").hex()


def _any_same(presented: Sequence[str], computed: Sequence[str]) -> bool:
    """Whether one is among the others, having compared them all."""
    pairs = [(one.encode("utf-8", "surrogatepass"), other.encode()) for one in presented for other in computed]
    return any([hmac.compare_digest(one, other) for one, other in pairs])  # noqa: C419 - a list compares every pair
