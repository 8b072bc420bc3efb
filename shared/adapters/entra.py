"""Entra ID access tokens: whose they are, once issuer, audience, signature, times and permission are all right."""

from collections.abc import Collection, Mapping
from typing import Any

import jwt

from shared.adapters.jwks import KeySet
from shared.errors import Forbidden, Unauthenticated
from shared.tenancy.identity import Identity

#: Seconds that clocks may differ.
_LEEWAY = 30
_ALGORITHMS = ["RS256"]
_REQUIRED = ["exp", "nbf", "iss", "aud", "tid", "oid"]


class EntraTokens:
    """Checks access tokens of some tenants, of version 1 and 2 of the endpoint."""

    def __init__(
        self,
        tenants: Collection[str],
        audiences: Collection[str],
        permission: str,
        authority: str,
        *,
        min_interval: float = 60.0,
    ) -> None:
        self._audiences = list(audiences)
        self._permission = permission
        #: Issuer -> its tenant and where its keys are.
        self._issuers: dict[str, tuple[str, KeySet]] = {}
        for tenant in tenants:
            keys = KeySet(f"{authority}/{tenant}/discovery/v2.0/keys", min_interval=min_interval)
            for issuer in (f"{authority}/{tenant}/v2.0", f"https://sts.windows.net/{tenant}/"):
                self._issuers[issuer] = (tenant, keys)

    async def identify(self, token: str) -> Identity:
        """Who a token is of."""
        try:
            key_id, issuer = _claimed(token)
            tenant, keys = self._issuers[issuer]
            key = await keys.find(key_id)
            if key is None:
                raise Unauthenticated("the token is not valid")
            claims = self._proven(token, key, issuer)
            identity = Identity(claims["tid"], claims["oid"], str(claims.get("name", "")))
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("the token has expired") from None
        except (jwt.PyJWTError, KeyError, ValueError):
            raise Unauthenticated("the token is not valid") from None
        if claims["tid"] != tenant:
            raise Unauthenticated("the token is not valid")
        if self._permission not in _granted(claims):
            raise Forbidden(f"the token does not carry the permission {self._permission!r}")
        return identity

    def _proven(self, token: str, key: jwt.PyJWK, issuer: str) -> Mapping[str, Any]:
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key,
            algorithms=_ALGORITHMS,
            audience=self._audiences,
            issuer=issuer,
            leeway=_LEEWAY,
            options={"require": _REQUIRED},
        )
        if not all(isinstance(claims[name], str) and claims[name] for name in ("tid", "oid")):
            raise ValueError("claims of the wrong type")
        return claims


def _claimed(token: str) -> tuple[str, str]:
    """The key id and the issuer that a token names, unproven: only to find the key that must prove them."""
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    key_id, issuer = header.get("kid"), claims.get("iss")
    if header.get("alg") not in _ALGORITHMS or not isinstance(key_id, str) or not isinstance(issuer, str):
        raise ValueError("not of the right kind")
    return key_id, issuer


def _granted(claims: Mapping[str, Any]) -> set[str]:
    """Permissions of a user (`scp`) and of an app (`roles`)."""
    scopes, roles = claims.get("scp"), claims.get("roles")
    granted = set(scopes.split()) if isinstance(scopes, str) else set()
    return granted | ({role for role in roles if isinstance(role, str)} if isinstance(roles, list) else set())
