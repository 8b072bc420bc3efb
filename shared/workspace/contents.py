"""Contents of files, and the lists about them, by hash in one swarm's blobs.

Everything is written before a document names it. Whatever a swarm's files take up goes through here, and is counted by
`Blobs.stored`.
"""

import asyncio
from typing import TypeVar

from pydantic import BaseModel

from shared.blobs import BlobRef, Blobs
from shared.errors import TooLarge
from shared.types import SpaceKey
from shared.workspace.bounds import MAX_BYTES, MAX_TEXT
from shared.workspace.model import ChangeList, DraftChanges, FileContent, Manifest
from shared.workspace.text_file import TextFile, decode

D = TypeVar("D", bound=BaseModel)

#: Bytes of a list of paths; 5,000 paths of the longest kind fit.
MAX_LIST = 16 * 1024 * 1024
#: Texts over so many bytes are decoded off the event loop.
_LARGE = 32 * 1024


class Contents:
    """What the files of one swarm hold."""

    def __init__(self, blobs: Blobs, space: SpaceKey) -> None:
        self._blobs = blobs
        self._space = space

    async def keep(self, content: bytes, *, executable: bool = False) -> FileContent:
        """Keep a file's bytes; raises `TooLarge` for a text over its bound."""
        if len(content) > MAX_TEXT and await self.decode(content) is not None:
            raise TooLarge(f"a text has at most {MAX_TEXT} bytes, this one has {len(content)}: split it")
        ref = await self._blobs.put(self._space, content, max_bytes=MAX_BYTES)
        return FileContent(sha256=ref.sha256, size=ref.size, executable=executable)

    async def read(self, content: FileContent) -> bytes:
        """A file's bytes."""
        return await self._blobs.read(self._space, content.ref)

    async def text(self, content: FileContent) -> TextFile | None:
        """A file's text, or None for a binary file."""
        return await self.decode(await self.read(content))

    async def decode(self, content: bytes) -> TextFile | None:
        """The text in a file's bytes, or None for a binary file."""
        return decode(content) if len(content) <= _LARGE else await asyncio.to_thread(decode, content)

    async def keep_list(self, listed: Manifest | ChangeList | DraftChanges) -> BlobRef:
        """Keep a manifest or a list of changes."""
        text = listed.model_dump_json(exclude_defaults=True).encode()
        return await self._blobs.put(self._space, text, max_bytes=MAX_LIST)

    async def manifest(self, ref: BlobRef) -> Manifest:
        """A manifest that was kept."""
        return await self._list(ref, Manifest)

    async def changes(self, ref: BlobRef) -> ChangeList:
        """The changes of a merge."""
        return await self._list(ref, ChangeList)

    async def draft_changes(self, ref: BlobRef) -> DraftChanges:
        """The changes of a draft."""
        return await self._list(ref, DraftChanges)

    async def _list(self, ref: BlobRef, model: type[D]) -> D:
        return model.model_validate_json(await self._blobs.read(self._space, ref))
