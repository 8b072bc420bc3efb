"""The action space: what a node can do, as the routers see it."""

from shared.errors import NotFound
from shared.spaces.metadata import ActionMetadata
from shared.spaces.space import BuiltinSpace, LayeredSpace
from shared.spaces.stored import StoredSpace
from shared.store.port import Category, Store
from shared.types import SpaceKey


class ActionSpace(LayeredSpace):
    """The actions that ship with the app, with those a swarm made below the same folders."""

    def __init__(self, store: Store, space: SpaceKey, builtin: BuiltinSpace) -> None:
        super().__init__(builtin, StoredSpace(store, space, Category.ACTION_SPACE, ActionMetadata, builtin.root_id))

    async def action(self, action_id: str) -> ActionMetadata:
        """An action's metadata. Raises `NotFound`."""
        entry = await self.get(action_id)
        if not isinstance(entry, ActionMetadata) or entry.kind != "leaf":
            raise NotFound(f"there is no action {action_id}")
        return entry
