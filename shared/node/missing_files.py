"""Find files that a directive names and no node has produced."""

from collections.abc import Collection

from shared.actions.naming import named_files
from shared.services import Services
from shared.store import Category
from shared.store.documents import Documents
from shared.swarm.swarm import Artifact
from shared.types import SpaceKey

#: Artifacts that are looked at; a swarm that made more is judged by its reports alone.
MAX_LOOKED_AT = 1_000


async def not_produced(
    services: Services, space: SpaceKey, directive: str, handed_over: Collection[str]
) -> tuple[str, ...]:
    """The files a directive names that are neither in the context nor among the swarm's artifacts, in their order.

    Any node may have made them: what matters is that they are there. Nothing is read where nothing is named, and what
    a branch was to make that the user cancelled is not missed.
    """
    known = {name.casefold() for name in handed_over}
    missing = {name.casefold(): name for name in named_files(directive) if name.casefold() not in known}
    if not missing:
        return ()
    for name in await _cancelled(services, space):
        missing.pop(name.casefold(), None)
    looked_at = 0
    async for artifact in Documents(services.store, Category.ARTIFACT, Artifact).all(space):
        looked_at += 1
        missing.pop(artifact.name.casefold(), None)
        if not missing or looked_at == MAX_LOOKED_AT:
            return ()
    return tuple(missing.values())


async def _cancelled(services: Services, space: SpaceKey) -> set[str]:
    """Return the files that branches name which the user cancelled."""
    tops = (await services.control(space)).cancelled
    found = [await services.nodes(space).peek(top) for top in tops]
    return {name for held in found if held is not None for name in named_files(held.node.directive)}
