"""Importing an archive into an account: a swarm that has ended, under a new id. All is checked before any is stored."""

import asyncio
import hashlib
import io
import json
import re
import secrets
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import IO

from pydantic import ValidationError

from shared.archives.model import (
    CARRIED,
    MANIFEST,
    MAX_ARCHIVE,
    MAX_BLOBS,
    MAX_DOCUMENTS,
    MAX_UNPACKED,
    SWARM_KEY,
    Line,
    Manifest,
    blob_entry,
    entry_of,
    normal,
)
from shared.blobs import BlobRef
from shared.errors import Conflict, InvalidInput, TooLarge
from shared.services import Services
from shared.store import Category, IfAbsent
from shared.store.catalog import UnfinishedSwarms
from shared.store.history import History
from shared.store.port import MAX_VALUE_BYTES
from shared.store.rules import check_seq, check_value, document_key
from shared.swarm.history import violations
from shared.swarm.node import MAX_NODE_ID, ROOT_ID, SwarmEvent, SwarmNode
from shared.swarm.origin import Origin
from shared.swarm.swarm import Swarm, SwarmStatus
from shared.tenancy import TenantContext
from shared.types import SpaceKey
from shared.usecases.create_swarm import summary

#: Bytes of one line, and of the manifest.
_MAX_LINE = 2 * MAX_VALUE_BYTES
_MAX_MANIFEST = 65_536
#: Documents that are written at a time.
_AT_ONCE = 100
_PIECE = 1 << 20
_BLOB = re.compile(r"blobs/[0-9a-f]{64}")
_NODE_ID = re.compile(r"0(\.(0|[1-9]\d*))*")

#: A category, a key, a sequence number and a text.
_Document = tuple[Category, str, int, str]


async def import_swarm(services: Services, tenant: TenantContext, archive: bytes, swarm_id: str | None = None) -> Swarm:
    """Store an archive's swarm under a new id of this tenant; it has ended, and nothing of it runs again.

    Raises `InvalidInput` and `TooLarge`, which say what is wrong, before anything is stored. What it used elsewhere
    is in its logs and in nobody's ledger here. With the id of an attempt at the same archive that broke off, it goes
    on with what that left.
    """
    if len(archive) > MAX_ARCHIVE:
        raise TooLarge(f"an archive has at most {MAX_ARCHIVE} bytes")
    checked = await asyncio.to_thread(_check, archive)
    space = tenant.space(swarm_id or secrets.token_hex(8))
    origin = Origin(kind="archive", id=checked.sha256)
    fresh = {"user_id": space.user_id, "swarm_id": space.swarm_id, "imported": services.now(), "origin": origin}
    swarm = checked.swarm.model_copy(update=fresh)
    # The sweep's entry first and the root last: what a crash leaves between them it takes for never created.
    await UnfinishedSwarms(services.store).add(space, services.now())
    for ref in checked.blobs.values():
        await services.blobs.put(space, _blob(archive, ref), max_bytes=ref.size)
    await _store_documents(services, space, archive)
    await History(services.store, space).reserve_up_to(checked.frames)
    swarm = await _store_swarm(services, tenant, space, swarm)
    await _put(services, space, checked.root)
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


async def _store_documents(services: Services, space: SpaceKey, archive: bytes) -> None:
    """Store all but the swarm's own document and its root."""
    with _opened(archive) as opened:
        for category in CARRIED[1:]:
            documents = _documents(opened, category)
            while batch := await asyncio.to_thread(_some, documents):
                await asyncio.gather(*(_put(services, space, one) for one in batch if one[:2] != _ROOT))


_ROOT = (Category.SWARM_STATE, ROOT_ID)


def _some(documents: Iterator[_Document]) -> list[_Document]:
    return [document for document, _ in zip(documents, range(_AT_ONCE), strict=False)]


async def _put(services: Services, space: SpaceKey, document: _Document) -> None:
    category, key, seq, text = document
    with suppress(Conflict):  # an earlier attempt wrote it, from the same archive
        await services.store.put(space, category, key, text, seq=seq, condition=IfAbsent())


async def _blob(archive: bytes, ref: BlobRef) -> AsyncIterator[bytes]:
    with _opened(archive) as opened, opened.open(blob_entry(ref.sha256)) as entry:
        while piece := await asyncio.to_thread(entry.read, _PIECE):
            yield piece


class _Checked:
    """What was learned of an archive that holds one whole swarm which has ended."""

    def __init__(self) -> None:
        self.blobs: dict[str, BlobRef] = {}
        self.frames = 0
        self.sha256 = ""
        self._swarm: Swarm | None = None
        self._root: _Document | None = None
        self._nodes: dict[str, str | None] = {}
        self._events: list[SwarmEvent] = []
        self._counts: dict[Category, int] = {}

    @property
    def swarm(self) -> Swarm:
        if self._swarm is None:
            raise InvalidInput("the archive has no swarm in it")
        return self._swarm

    @property
    def root(self) -> _Document:
        if self._root is None:
            raise InvalidInput("the archive has no root node in it")
        return self._root

    def add(self, document: _Document, ref: BlobRef | None) -> None:
        category, _, _, text = document
        self._counts[category] = self._counts.get(category, 0) + 1
        if sum(self._counts.values()) > MAX_DOCUMENTS:
            raise TooLarge(f"an archive holds at most {MAX_DOCUMENTS} documents")
        if ref is not None and self.blobs.setdefault(ref.sha256, ref) != ref:
            raise InvalidInput("two documents of the archive disagree on the size of a blob")
        if category is Category.SWARM:
            self._swarm = Swarm.model_validate_json(text)
        elif category is Category.SWARM_STATE:
            self._add_node(document, SwarmNode.model_validate_json(text))
        elif category is Category.SWARM_HISTORY:
            self._events.append(SwarmEvent.model_validate_json(text))

    def _add_node(self, document: _Document, node: SwarmNode) -> None:
        if not _NODE_ID.fullmatch(node.node_id) or len(node.node_id) > MAX_NODE_ID:
            raise InvalidInput(f"the archive has a node {node.node_id[:80]!r}, which is no node's id")
        if node.alive:
            raise InvalidInput(f"node {node.node_id} of the archive has not ended")
        if node.parent_id != (node.node_id.rpartition(".")[0] or None):
            raise InvalidInput(f"node {node.node_id} of the archive names another parent than its id")
        self._nodes[node.node_id] = node.parent_id
        if node.node_id == ROOT_ID:
            self._root = document

    def finish(self, manifest: Manifest, blobs: set[str]) -> None:
        """Check what only the whole can tell."""
        if self.swarm.status is SwarmStatus.RUNNING:
            raise InvalidInput("the archive's swarm has not ended")
        if ROOT_ID not in self._nodes:
            raise InvalidInput("the archive has no root node in it")
        if missing := next((parent for parent in self._nodes.values() if parent and parent not in self._nodes), None):
            raise InvalidInput(f"the archive lacks node {missing}")
        if broken := violations(self._events):
            raise InvalidInput(f"the archive's history is not sound: {broken[0]}")
        if blobs != self.blobs.keys():
            raise InvalidInput("the blobs in the archive are not those that its documents name")
        counted = {category: number for category, number in manifest.documents.items() if number}
        if counted != self._counts or manifest.blobs != len(blobs):
            raise InvalidInput("the archive does not hold what its manifest says")
        self.frames = len(self._events)


def _check(archive: bytes) -> _Checked:
    """Read a whole archive and learn what is in it; raises `InvalidInput` and `TooLarge`."""
    with _opened(archive) as opened:
        names = _names(opened)
        found = _Checked()
        for category in CARRIED:
            for document in _documents(opened, category):
                found.add(document, normal(category, document[1], document[3])[1])
        blobs = {name.removeprefix("blobs/") for name in names if _BLOB.fullmatch(name)}
        found.finish(_manifest(opened), blobs)
        for ref in found.blobs.values():
            _check_blob(opened, ref)
        found.sha256 = hashlib.sha256(archive).hexdigest()
        return found


@contextmanager
def _opened(archive: bytes) -> Iterator[zipfile.ZipFile]:
    """The archive as a zip file; what is wrong with it as one is `InvalidInput`."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            yield opened
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise InvalidInput("the archive is damaged, or no zip file") from error


def _names(opened: zipfile.ZipFile) -> set[str]:
    """The names of all entries, each one that may be there, once, and within bounds."""
    infos = opened.infolist()
    if len(infos) > len(CARRIED) + MAX_BLOBS + 1 or sum(info.file_size for info in infos) > MAX_UNPACKED:
        raise TooLarge(f"an archive holds at most {MAX_BLOBS} blobs, and {MAX_UNPACKED} bytes once unpacked")
    known = {MANIFEST, *(entry_of(category) for category in CARRIED)}
    names = {info.filename for info in infos}
    if len(names) != len(infos) or not known <= names:
        raise InvalidInput("the archive lacks an entry, or has one twice")
    for info in infos:
        if info.filename not in known and not _BLOB.fullmatch(info.filename):
            raise InvalidInput(f"the archive has an entry {info.filename[:80]!r}, which does not belong there")
        if info.flag_bits & 1 or info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise InvalidInput("the archive is encrypted, or compressed in a way that is not read here")
    return names


def _manifest(opened: zipfile.ZipFile) -> Manifest:
    with opened.open(MANIFEST) as entry, _named("the manifest"):
        return Manifest.model_validate_json(entry.read(_MAX_MANIFEST))


def _documents(opened: zipfile.ZipFile, category: Category) -> Iterator[_Document]:
    """The documents of a category as they are to be stored."""
    keys = set()
    with opened.open(entry_of(category)) as entry:
        for number, raw in enumerate(_lines(entry), 1):
            with _named(f"line {number} of {entry_of(category)}"):
                line = Line.model_validate_json(raw)
                text, _ = normal(category, line.key, json.dumps(line.value, ensure_ascii=False, allow_nan=False))
                document_key(category, line.key)
                check_seq(line.seq)
                check_value(text)
            if line.key in keys:
                raise InvalidInput(f"{entry_of(category)} has {line.key!r} twice")
            keys.add(line.key)
            yield category, line.key, line.seq, text


def _lines(entry: IO[bytes]) -> Iterator[bytes]:
    while raw := entry.readline(_MAX_LINE + 1):
        if len(raw) > _MAX_LINE:
            raise TooLarge(f"a line of the archive has more than {_MAX_LINE} bytes")
        yield raw


def _check_blob(opened: zipfile.ZipFile, ref: BlobRef) -> None:
    digest, size = hashlib.sha256(), 0
    with opened.open(blob_entry(ref.sha256)) as entry:
        while piece := entry.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    if (digest.hexdigest(), size) != (ref.sha256, ref.size):
        raise InvalidInput(f"blob {ref.sha256} of the archive holds something else")


@contextmanager
def _named(what: str) -> Iterator[None]:
    """Say where something that cannot be read is."""
    try:
        yield
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))[:100]
        raise InvalidInput(f"{what} is not valid: {where}: {first['msg']}") from None
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{what} is not valid: {str(error)[:200]}") from None
