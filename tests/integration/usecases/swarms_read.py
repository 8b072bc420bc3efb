"""What a user reads of a swarm, page by page."""

from collections.abc import Awaitable, Callable

from shared.services import Services
from shared.tenancy import TenantContext
from shared.usecases.nodes import Tree, get_tree


async def whole_tree(
    services: Services,
    tenant: TenantContext,
    swarm_id: str,
    limit: int,
    between: Callable[[], Awaitable[None]] | None = None,
) -> list[Tree]:
    """Every page of a tree; `between` runs after each."""
    pages = [await get_tree(services, tenant, swarm_id, limit, None)]
    while pages[-1].cursor is not None:
        if between is not None:
            await between()
        pages.append(await get_tree(services, tenant, swarm_id, limit, pages[-1].cursor))
    return pages
