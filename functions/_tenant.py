"""Request -> TenantContext, in one place. Deny by default: without a credential that proves somebody nobody is let in.

The ways in, of which a request takes exactly one:
- `Authorization: Bearer` or `x-api-key`, with an API key or an Entra ID token;
- the platform's own sign-in, only where SWARMSTAR_EASY_AUTH says that it stands before every request;
- nothing at all, only on a local deployment with a user and no key, for requests from the machine itself.
"""

from urllib.parse import urlsplit

import azure.functions as func

from functions._principal import read_principal
from shared import bootstrap
from shared.errors import Forbidden, Unauthenticated
from shared.tenancy import TenantContext
from shared.usecases import sign_in

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_PRINCIPAL = "x-ms-client-principal"


async def tenant_of(req: func.HttpRequest) -> TenantContext:
    """The user behind a request; raises `Unauthenticated` and `Forbidden`."""
    presented = _presented(req)
    if presented is not None:
        return await sign_in.by_credential(bootstrap.services(), bootstrap.tokens(), presented)
    settings = bootstrap.settings()
    if settings.easy_auth and settings.platform_sign_in and _PRINCIPAL in req.headers:
        return await _platform_user(req)
    if settings.local_user and not settings.local_key_sha256 and not settings.azure_site:
        return _local_user(req, settings.local_user)
    raise Unauthenticated("send an API key or a token: `Authorization: Bearer ...`, or an API key as `x-api-key`")


def _presented(req: func.HttpRequest) -> str | None:
    """The credential of a request, or None; raises `Unauthenticated` for one that cannot be read."""
    authorization: str | None = req.headers.get("authorization")
    key: str | None = req.headers.get("x-api-key")
    if authorization is None:
        return key
    if key is not None:
        raise Unauthenticated("send one credential, not two")
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        raise Unauthenticated("the Authorization header must read `Bearer` and the credential")
    return credential.strip()


def _local_user(req: func.HttpRequest, user: str) -> TenantContext:
    if urlsplit(req.url).hostname not in _LOOPBACK:
        raise Forbidden("a local deployment answers under 127.0.0.1 and localhost only")
    _refuse_foreign_pages(req)
    return TenantContext(user)


async def _platform_user(req: func.HttpRequest) -> TenantContext:
    """The user of the platform's sign-in, of a configured tenant and with the permission that a token would need."""
    _refuse_foreign_pages(req)
    try:
        found = read_principal(req.headers[_PRINCIPAL])
    except ValueError:
        raise Unauthenticated("the platform's principal cannot be read") from None
    settings = bootstrap.settings()
    if found.identity.tenant_id not in settings.entra_tenants:
        raise Unauthenticated("the platform's principal is of no tenant that is let in")
    if settings.entra_permission not in found.granted:
        raise Forbidden(
            f"the platform's principal does not carry the permission {settings.entra_permission!r}: "
            "have the app role of that name assigned"
        )
    return await sign_in.by_identity(bootstrap.services(), found.identity)


def _refuse_foreign_pages(req: func.HttpRequest) -> None:
    """Refuse what a page of another site makes a browser send, where the browser itself is the credential."""
    if req.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        raise Forbidden("this deployment answers no requests that another site's page makes")
