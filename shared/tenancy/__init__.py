"""Who asks, and what they may do."""

from shared.tenancy.context import TenantContext

__all__ = ["TenantContext"]
