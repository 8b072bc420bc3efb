"""Blobs in which nobody can bring a deleted swarm's space back; the counterpart of the store's guard."""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable

from shared.blobs.port import BlobRef, Blobs
from shared.errors import Gone
from shared.types import SpaceKey


class GuardedBlobs:
    """The blob port over other blobs: uploads to the space of a deleted swarm raise `Gone` and leave nothing."""

    def __init__(self, blobs: Blobs, deleted: Callable[[SpaceKey], Awaitable[bool]]) -> None:
        """`deleted` says whether a space is that of a deleted swarm."""
        self._blobs = blobs
        self._deleted = deleted

    async def put(self, space: SpaceKey, chunks: bytes | AsyncIterable[bytes], *, max_bytes: int) -> BlobRef:
        """Keep content durably; looks for the tombstone afterwards, as the store does."""
        ref = await self._blobs.put(space, chunks, max_bytes=max_bytes)
        if await self._deleted(space):
            await self._blobs.drop(space)
            raise Gone(f"swarm {space.swarm_id} was deleted")
        return ref

    async def open(self, space: SpaceKey, ref: BlobRef) -> AsyncIterator[bytes]:
        """The content in pieces of bounded size."""
        return await self._blobs.open(space, ref)

    async def read(self, space: SpaceKey, ref: BlobRef) -> bytes:
        """The whole content."""
        return await self._blobs.read(space, ref)

    async def exists(self, space: SpaceKey, ref: BlobRef) -> bool:
        """Whether the content is there."""
        return await self._blobs.exists(space, ref)

    async def stored(self, space: SpaceKey) -> int:
        """The bytes of all the space's blobs together."""
        return await self._blobs.stored(space)

    async def drop(self, space: SpaceKey) -> None:
        """Remove every blob of the space."""
        await self._blobs.drop(space)

    async def close(self) -> None:
        """Let go of every resource."""
        await self._blobs.close()
