"""What must be found without knowing the user: the only store that spans users, under the reserved user `system`."""

from collections.abc import AsyncIterator
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shared.store.documents import Documents
from shared.store.port import Category, Store
from shared.types import SYSTEM, SpaceKey

_SPACE = SpaceKey(SYSTEM, "unfinished")


class Unfinished(BaseModel):
    """A swarm that was created and has not ended; the sweep goes by these."""

    model_config = ConfigDict(frozen=True)

    user_id: str
    swarm_id: str
    created: datetime


class UnfinishedSwarms:
    """The list of swarms that the sweep watches over."""

    def __init__(self, store: Store) -> None:
        self._docs = Documents(store, Category.UNFINISHED, Unfinished)

    async def add(self, space: SpaceKey, created: datetime) -> None:
        """Note a swarm before anything else of it is written."""
        entry = Unfinished(user_id=space.user_id, swarm_id=space.swarm_id, created=created)
        await self._docs.write(_SPACE, space.swarm_id, entry)

    async def remove(self, space: SpaceKey) -> None:
        """Forget a swarm that has ended."""
        await self._docs.delete(_SPACE, space.swarm_id)

    def all(self) -> AsyncIterator[Unfinished]:
        """Every unfinished swarm."""
        return self._docs.all(_SPACE)
