"""Who asks, and what they may do."""

from shared.tenancy.context import TenantContext
from shared.tenancy.scopes import Scope

__all__ = ["Scope", "TenantContext"]
