"""Importing an archive into an account: a swarm that has ended, under a new id. All is checked before any is stored."""

import asyncio
import json
import secrets
import tempfile
import zipfile
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TextIO

from shared.archives.model import MAX_ARCHIVE, SWARM_KEY, blob_entry
from shared.archives.read_archive import Contents, opened_archive
from shared.archives.reading_process import read_in_process
from shared.blobs import BlobRef
from shared.errors import Conflict, TooLarge
from shared.services import Services
from shared.store import Category, IfAbsent
from shared.store.catalog import UnfinishedSwarms
from shared.store.history import History
from shared.swarm.node import ROOT_ID
from shared.swarm.origin import Origin
from shared.swarm.swarm import Swarm
from shared.tenancy import TenantContext
from shared.types import SpaceKey
from shared.usecases.create_swarm import summary

#: Documents that are written at a time.
_AT_ONCE = 20
_PIECE = 1 << 20

#: A category, a key, a sequence number and a text.
_Document = tuple[str, str, int, str]


async def import_swarm(services: Services, tenant: TenantContext, archive: bytes, swarm_id: str | None = None) -> Swarm:
    """Store an archive's swarm under a new id of this tenant; it has ended, and nothing of it runs again.

    Raises `InvalidInput` and `TooLarge`, which say what is wrong, before anything is stored, and `QuotaExceeded` while
    another import of the tenant runs. What the swarm used elsewhere is in its logs and in nobody's ledger here. With
    the id of an attempt at the same archive that broke off, it goes on with what that left.
    """
    if len(archive) > MAX_ARCHIVE:
        raise TooLarge(f"an archive has at most {MAX_ARCHIVE} bytes")
    space = tenant.space(swarm_id or secrets.token_hex(8))
    async with services.imports.take(tenant.user_id):
        with tempfile.TemporaryDirectory(prefix="swarmstar-import-") as folder:
            source, documents = Path(folder) / "archive.zip", Path(folder) / "documents.jsonl"
            await asyncio.to_thread(source.write_bytes, archive)
            contents = await read_in_process(source, documents)
            return await _store(services, tenant, space, contents, source, documents)


async def _store(
    services: Services, tenant: TenantContext, space: SpaceKey, contents: Contents, source: Path, documents: Path
) -> Swarm:
    origin = Origin(kind="archive", id=contents.sha256)
    fresh = {"user_id": space.user_id, "swarm_id": space.swarm_id, "imported": services.now(), "origin": origin}
    swarm = contents.swarm.model_copy(update=fresh)
    # The sweep's entry first and the root last: what a crash leaves between them it takes for never created.
    await UnfinishedSwarms(services.store).add(space, services.now())
    if contents.blobs:
        with source.open("rb") as file, opened_archive(file) as archive:
            for ref in contents.blobs:
                await services.blobs.put(space, _blob(archive, ref), max_bytes=ref.size)
    await _store_documents(services, space, documents)
    await History(services.store, space).reserve_up_to(contents.frames)
    swarm = await _store_swarm(services, tenant, space, swarm)
    seq, text = contents.root
    await _put(services, space, (Category.SWARM_STATE, ROOT_ID, seq, text))
    await UnfinishedSwarms(services.store).remove(space)
    return swarm


async def _store_swarm(services: Services, tenant: TenantContext, space: SpaceKey, swarm: Swarm) -> Swarm:
    """Store the swarm's own document and its place in the user's list; the document as it is then."""
    try:
        await services.swarms.create(space, SWARM_KEY, swarm)
    except Conflict:  # an earlier attempt came this far
        swarm = (await services.swarms.get(space, SWARM_KEY)).doc
    with suppress(Conflict):
        await services.swarms.create(tenant.account, space.swarm_id, summary(swarm), seq=swarm.seq)
    return swarm


async def _store_documents(services: Services, space: SpaceKey, documents: Path) -> None:
    """Store all but the swarm's own document and its root."""
    with documents.open(encoding="utf-8") as file:
        while batch := await asyncio.to_thread(_some, file):
            await asyncio.gather(*(_put(services, space, document) for document in batch))


def _some(file: TextIO) -> list[_Document]:
    return [tuple(json.loads(line)) for line in islice(file, _AT_ONCE)]


async def _put(services: Services, space: SpaceKey, document: _Document) -> None:
    category, key, seq, text = document
    with suppress(Conflict):  # an earlier attempt wrote it, from the same archive
        await services.store.put(space, Category(category), key, text, seq=seq, condition=IfAbsent())


async def _blob(archive: zipfile.ZipFile, ref: BlobRef) -> AsyncIterator[bytes]:
    with archive.open(blob_entry(ref.sha256)) as entry:
        while piece := await asyncio.to_thread(entry.read, _PIECE):
            yield piece
