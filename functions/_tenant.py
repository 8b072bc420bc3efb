"""Request -> TenantContext, in one place. Deny by default: without a configured credential nobody is let in."""

from urllib.parse import urlsplit

import azure.functions as func

from shared import bootstrap
from shared.errors import Forbidden, Unauthenticated
from shared.tenancy import TenantContext

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def tenant_of(req: func.HttpRequest) -> TenantContext:
    """The user behind a request; raises `Unauthenticated` and `Forbidden`.

    The embedded deployment has one user and asks for no credential, so it lets in only what comes from the machine
    itself, and nothing that a page of another site makes a browser send.
    """
    user = bootstrap.settings().local_user
    if user is None:
        raise Unauthenticated("no way to sign in is configured: set SWARMSTAR_LOCAL_USER for a local deployment")
    if urlsplit(req.url).hostname not in _LOOPBACK:
        raise Forbidden("a local deployment answers under 127.0.0.1 and localhost only")
    if req.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        raise Forbidden("a local deployment answers no requests that another site's page makes")
    return TenantContext(user)
