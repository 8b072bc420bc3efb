"""Request -> TenantContext, in one place. Deny by default: without a configured credential nobody is let in."""

import azure.functions as func

from shared import bootstrap
from shared.errors import Unauthenticated
from shared.tenancy import TenantContext


def tenant_of(req: func.HttpRequest) -> TenantContext:
    """The user behind a request; raises `Unauthenticated`."""
    del req  # the embedded deployment has one user, listens on loopback only, and asks for no credential
    user = bootstrap.settings().local_user
    if user is None:
        raise Unauthenticated("no way to sign in is configured: set SWARMSTAR_LOCAL_USER for a local deployment")
    return TenantContext(user)
