"""Exporting a swarm that has ended as one archive, in pieces of bounded size."""

import asyncio
import json
import tempfile
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass

from shared.archives.model import (
    CARRIED,
    MANIFEST,
    MAX_ARCHIVE,
    MAX_BLOBS,
    MAX_DOCUMENT_BYTES,
    MAX_DOCUMENTS,
    MAX_UNPACKED,
    Manifest,
    blob_entry,
    entry_of,
    exported,
)
from shared.blobs import BlobRef
from shared.errors import Conflict, TooLarge
from shared.services import Services
from shared.store import Category, Page
from shared.store.nodes import Nodes
from shared.swarm.swarm import SwarmStatus
from shared.tenancy import TenantContext
from shared.types import SpaceKey

_PAGE = 200
#: Bytes of an archive that are held in memory while it is made.
_HELD = 1 << 20
#: The date of every entry, so that the same swarm gives the same archive.
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Export:
    """One archive on its way."""

    file_name: str
    #: Raises `TooLarge` on the way when the archive comes to more than an import takes.
    pieces: AsyncIterator[bytes]

    async def read(self) -> bytes:
        """The whole archive, for bindings that cannot stream; a large one grows on disk."""
        with tempfile.SpooledTemporaryFile(_HELD) as file:
            async for piece in self.pieces:
                await asyncio.to_thread(file.write, piece)
            file.seek(0)
            return await asyncio.to_thread(file.read)


async def export_swarm(services: Services, tenant: TenantContext, swarm_id: str) -> Export:
    """One swarm's archive; raises `NotFound`, and `Conflict` while the swarm runs, for it would be half of one."""
    space, held = await services.swarm(tenant, swarm_id)
    if held.doc.status is SwarmStatus.RUNNING:
        raise Conflict("the swarm still runs: cancel it, or export it once it has ended")
    return Export(f"swarm-{held.doc.created:%Y%m%d-%H%M%S}.zip", _Exporter(services, space).pieces())


class _Sink:
    """Takes what the zip file writes, which never goes back, and hands it on."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> int:
        self._size += len(data)
        if self._size > MAX_ARCHIVE:
            raise TooLarge(f"the archive would have more than {MAX_ARCHIVE} bytes")
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is held open."""

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


class _Exporter:
    def __init__(self, services: Services, space: SpaceKey) -> None:
        self._services = services
        self._space = space
        self._unpacked = 0
        self._documents_size = 0
        self._counts: dict[Category, int] = {}
        self._blobs: dict[str, BlobRef] = {}

    async def pieces(self) -> AsyncIterator[bytes]:
        sink = _Sink()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for category in CARRIED:
                with archive.open(_entry(entry_of(category)), "w") as entry:
                    async for text in self._documents(category):
                        await asyncio.to_thread(entry.write, text)
                        yield sink.take()
            for ref in self._blobs.values():
                with archive.open(_entry(blob_entry(ref.sha256)), "w") as entry:
                    async for piece in await self._services.blobs.open(self._space, ref):
                        self._count(len(piece))
                        await asyncio.to_thread(entry.write, piece)
                        yield sink.take()
            manifest = Manifest(documents=self._counts, blobs=len(self._blobs))
            archive.writestr(_entry(MANIFEST), manifest.model_dump_json(indent=2))
        yield sink.take()

    async def _documents(self, category: Category) -> AsyncIterator[bytes]:
        """The lines of a category, a page at a time."""
        cursor: str | None = None
        while True:
            page = await self._services.store.scan(self._space, category, limit=_PAGE, cursor=cursor)
            if category is Category.SWARM_STATE:
                await self._finish_outboxes(page)
            yield await asyncio.to_thread(self._lines, category, page)
            cursor = page.cursor
            if cursor is None:
                return

    async def _finish_outboxes(self, page: Page) -> None:
        """Have what a dead worker left in a node written out before history is read."""
        for item in page.items:
            if '"outbox"' in item.value:
                await Nodes(self._services.store, self._space).load(item.key)

    def _lines(self, category: Category, page: Page) -> bytes:
        lines = []
        for item in page.items:
            document = exported(category, item.key, item.value)
            lines.append(f'{{"key":{json.dumps(item.key)},"seq":{item.seq},"value":{document.text}}}\n'.encode())
            if document.blob is not None:
                self._blobs[document.blob.sha256] = document.blob
        self._counts[category] = self._counts.get(category, 0) + len(lines)
        if sum(self._counts.values()) > MAX_DOCUMENTS or len(self._blobs) > MAX_BLOBS:
            raise TooLarge(f"an archive holds at most {MAX_DOCUMENTS} documents and {MAX_BLOBS} blobs")
        joined = b"".join(lines)
        self._documents_size += len(joined)
        if self._documents_size > MAX_DOCUMENT_BYTES:
            raise TooLarge(f"the documents of an archive have at most {MAX_DOCUMENT_BYTES} bytes")
        self._count(len(joined))
        return joined

    def _count(self, size: int) -> None:
        self._unpacked += size
        if self._unpacked > MAX_UNPACKED:
            raise TooLarge(f"an archive holds at most {MAX_UNPACKED} bytes once unpacked")


def _entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info
