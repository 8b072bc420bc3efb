"""The blob port: immutable content under `{user_id}_{swarm_id}/{sha256}`, never shared between spaces.

Every adapter passes `tests/integration/blobs`.
"""

from collections.abc import AsyncIterable, AsyncIterator
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field

from shared.types import SpaceKey


class BlobRef(BaseModel):
    """Names one content; the document that the content belongs to keeps it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Of the content, in lower-case hex.
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    #: In bytes.
    size: Annotated[int, Field(ge=0)]


class Blobs(Protocol):
    """Content under `(space, sha256)`. A space need not be created; nothing of another space is ever visible."""

    async def put(self, space: SpaceKey, chunks: bytes | AsyncIterable[bytes], *, max_bytes: int) -> BlobRef:
        """Keep content durably, all or nothing; the same content twice is one blob.

        Raises `TooLarge` over `max_bytes`. A stream is read no further than that, and not held in memory.
        """
        ...

    async def open(self, space: SpaceKey, ref: BlobRef) -> AsyncIterator[bytes]:
        """The content in pieces of bounded size. Raises `NotFound`, also while reading if it is removed meanwhile."""
        ...

    async def read(self, space: SpaceKey, ref: BlobRef) -> bytes:
        """The whole content. Raises `NotFound`."""
        ...

    async def exists(self, space: SpaceKey, ref: BlobRef) -> bool:
        """Whether the content is there."""
        ...

    async def stored(self, space: SpaceKey) -> int:
        """The bytes of all the space's blobs together, as they lie there now: what a storage quota counts.

        It looks at the service's own list, a page of thousands at a time, so it is right after any crash.
        """
        ...

    async def drop(self, space: SpaceKey) -> None:
        """Remove every blob of the space; an upload under way may fail with `Conflict`."""
        ...

    async def close(self) -> None:
        """Let go of every resource."""
        ...
