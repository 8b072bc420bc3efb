"""The util space: helpers that actions' code can import."""

from shared.errors import NotFound
from shared.spaces.metadata import SwarmUtilMetadata
from shared.spaces.space import BuiltinSpace, LayeredSpace
from shared.spaces.stored import StoredSpace
from shared.store.port import Category, Store
from shared.types import SpaceKey


class UtilSpace(LayeredSpace):
    """The utils that ship with the app, with those a swarm made below the same folders."""

    def __init__(self, store: Store, space: SpaceKey, builtin: BuiltinSpace) -> None:
        super().__init__(builtin, StoredSpace(store, space, Category.UTIL_SPACE, SwarmUtilMetadata, builtin.root_id))

    async def util(self, util_id: str) -> SwarmUtilMetadata:
        """A util's metadata. Raises `NotFound`."""
        entry = await self.get(util_id)
        if not isinstance(entry, SwarmUtilMetadata) or entry.kind != "leaf":
            raise NotFound(f"there is no util {util_id}")
        return entry
