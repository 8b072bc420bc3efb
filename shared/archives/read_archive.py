"""Reading an archive: all of it is checked, in one pass and within bounds, before anything of it is stored."""

import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from shared.archives.model import (
    CARRIED,
    MANIFEST,
    MAX_ARCHIVE,
    MAX_BLOBS,
    MAX_DOCUMENT_BYTES,
    MAX_DOCUMENTS,
    MAX_UNPACKED,
    Document,
    Line,
    Manifest,
    blob_entry,
    entry_of,
    imported,
)
from shared.blobs import BlobRef
from shared.errors import InvalidInput, TooLarge
from shared.store import Category
from shared.store.port import MAX_VALUE_BYTES
from shared.store.rules import check_seq, check_value, document_key
from shared.swarm.history import HistoryReader
from shared.swarm.node import MAX_NODE_ID, ROOT_ID, SwarmEvent, SwarmNode
from shared.swarm.swarm import Swarm, SwarmStatus

#: Bytes of one line, and of the manifest.
_MAX_LINE = 2 * MAX_VALUE_BYTES
_MAX_MANIFEST = 65_536
#: Bytes that the zip file reads before it has its list of entries: the list, and what it looks for behind it.
_MAX_DIRECTORY = 2 * 1024 * 1024
_PIECE = 1 << 20
_BLOB = re.compile(r"blobs/[0-9a-f]{64}")
_NODE_ID = re.compile(r"0(\.(0|[1-9]\d*))*")


class Contents(BaseModel):
    """What an archive holds, besides the documents that were written to a file of their own."""

    model_config = ConfigDict(frozen=True)

    swarm: Swarm
    #: The root's sequence number and text: it is stored last.
    root: tuple[int, str]
    blobs: tuple[BlobRef, ...]
    #: Frames of its history.
    frames: int
    #: Bytes of all documents.
    size: int
    #: Of the archive.
    sha256: str


def read_archive(source: Path, target: Path) -> Contents:
    """Check an archive and write its documents to `target`, each a JSON line of `[category, key, seq, text]`.

    All but the swarm's own document and the root are written. Raises `InvalidInput` and `TooLarge` that say what is
    wrong; what was written by then is of no use.
    """
    with source.open("rb") as file, opened_archive(file) as archive, target.open("w", encoding="utf-8") as out:
        names = _names(archive)
        found = _Contents()
        for category in CARRIED:
            for line, document in _documents(archive, category):
                found.add(category, line, document)
                if category is not Category.SWARM and (category, line.key) != _ROOT:
                    out.write(json.dumps([category, line.key, line.seq, document.text]) + "\n")
        blobs = {name.removeprefix("blobs/") for name in names if _BLOB.fullmatch(name)}
        found.finish(_manifest(archive), blobs)
        for ref in found.blobs.values():
            _check_blob(archive, ref)
        file.seek(0)
        return found.contents(hashlib.file_digest(file, "sha256").hexdigest())


_ROOT = (Category.SWARM_STATE, ROOT_ID)


@contextmanager
def opened_archive(file: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """A file as an archive, whose list of entries is bounded; what is wrong with it as a zip file is `InvalidInput`."""
    try:
        if file.seek(0, io.SEEK_END) > MAX_ARCHIVE:
            raise TooLarge(f"an archive has at most {MAX_ARCHIVE} bytes")
        guarded = _Guarded(file)
        with zipfile.ZipFile(guarded) as archive:
            guarded.left = None
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise InvalidInput("the archive is damaged, or no zip file") from error


class _Guarded:
    """A file of which so many bytes may be read until its entries are known: what no list of entries needs is refused.

    A zip file says at its end how long that list is, and is believed: two million entries are parsed one by one.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.left: int | None = _MAX_DIRECTORY

    def read(self, size: int = -1) -> bytes:
        if self.left is None:
            return self._file.read(size)
        data = self._file.read(self.left + 1 if size < 0 else min(size, self.left + 1))
        if len(data) > self.left:
            raise TooLarge(f"the archive lists too many entries: it may have {MAX_BLOBS} blobs at most")
        self.left -= len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        """Whoever opened the file closes it."""


class _Contents:
    """What is learned of an archive on the way through it."""

    def __init__(self) -> None:
        self.blobs: dict[str, BlobRef] = {}
        self._size = 0
        self._swarm: Swarm | None = None
        self._root: tuple[int, str] | None = None
        self._nodes: dict[str, str | None] = {}
        self._history = HistoryReader()
        self._counts: dict[Category, int] = {}

    def add(self, category: Category, line: Line, document: Document) -> None:
        """Take note of one document."""
        self._counts[category] = self._counts.get(category, 0) + 1
        if sum(self._counts.values()) > MAX_DOCUMENTS:
            raise TooLarge(f"an archive holds at most {MAX_DOCUMENTS} documents")
        self._size += len(document.text.encode())
        ref = document.blob
        if ref is not None and self.blobs.setdefault(ref.sha256, ref) != ref:
            raise InvalidInput("two documents of the archive disagree on the size of a blob")
        if isinstance(document.model, Swarm):
            self._swarm = document.model
        elif isinstance(document.model, SwarmNode):
            self._add_node(line, document.text, document.model)
        elif isinstance(document.model, SwarmEvent):
            self._add_event(document.model)

    def _add_node(self, line: Line, text: str, node: SwarmNode) -> None:
        if not _NODE_ID.fullmatch(node.node_id) or len(node.node_id) > MAX_NODE_ID:
            raise InvalidInput(f"the archive has a node {node.node_id[:80]!r}, which is no node's id")
        if node.alive:
            raise InvalidInput(f"node {node.node_id} of the archive has not ended")
        if node.parent_id != (node.node_id.rpartition(".")[0] or None):
            raise InvalidInput(f"node {node.node_id} of the archive names another parent than its id")
        self._nodes[node.node_id] = node.parent_id
        if node.node_id == ROOT_ID:
            self._root = line.seq, text

    def _add_event(self, event: SwarmEvent) -> None:
        with _named(f"frame {event.frame} of the history"):
            self._history.read(event)
        if self._history.found:
            raise InvalidInput(f"the archive's history is not sound: {self._history.found[0]}")

    def finish(self, manifest: Manifest, blobs: set[str]) -> None:
        """Check what only the whole can tell."""
        if self._swarm is None:
            raise InvalidInput("the archive has no swarm in it")
        if self._swarm.status is SwarmStatus.RUNNING:
            raise InvalidInput("the archive's swarm has not ended")
        if ROOT_ID not in self._nodes:
            raise InvalidInput("the archive has no root node in it")
        if missing := next((parent for parent in self._nodes.values() if parent and parent not in self._nodes), None):
            raise InvalidInput(f"the archive lacks node {missing}")
        if broken := self._history.unfinished():
            raise InvalidInput(f"the archive's history is not sound: {broken[0]}")
        if blobs != self.blobs.keys():
            raise InvalidInput("the blobs in the archive are not those that its documents name")
        counted = {category: number for category, number in manifest.documents.items() if number}
        if counted != self._counts or manifest.blobs != len(blobs):
            raise InvalidInput("the archive does not hold what its manifest says")

    def contents(self, sha256: str) -> Contents:
        """What was learned, once it is known to be whole."""
        if self._swarm is None or self._root is None:
            raise InvalidInput("the archive has no swarm in it")
        return Contents(
            swarm=self._swarm,
            root=self._root,
            blobs=tuple(self.blobs.values()),
            frames=self._counts.get(Category.SWARM_HISTORY, 0),
            size=self._size,
            sha256=sha256,
        )


def _names(archive: zipfile.ZipFile) -> set[str]:
    """The names of all entries, each one that may be there, once, and within bounds."""
    infos = archive.infolist()
    if len(infos) > len(CARRIED) + MAX_BLOBS + 1 or sum(info.file_size for info in infos) > MAX_UNPACKED:
        raise TooLarge(f"an archive holds at most {MAX_BLOBS} blobs, and {MAX_UNPACKED} bytes once unpacked")
    known = {MANIFEST, *(entry_of(category) for category in CARRIED)}
    if sum(info.file_size for info in infos if info.filename in known) > MAX_DOCUMENT_BYTES:
        raise TooLarge(f"the documents of an archive have at most {MAX_DOCUMENT_BYTES} bytes once unpacked")
    names = {info.filename for info in infos}
    if len(names) != len(infos) or not known <= names:
        raise InvalidInput("the archive lacks an entry, or has one twice")
    for info in infos:
        if info.filename not in known and not _BLOB.fullmatch(info.filename):
            raise InvalidInput(f"the archive has an entry {info.filename[:80]!r}, which does not belong there")
        if info.flag_bits & 1 or info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise InvalidInput("the archive is encrypted, or compressed in a way that is not read here")
    return names


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    with archive.open(MANIFEST) as entry, _named("the manifest"):
        return Manifest.model_validate_json(entry.read(_MAX_MANIFEST))


def _documents(archive: zipfile.ZipFile, category: Category) -> Iterator[tuple[Line, Document]]:
    """The documents of a category as they are to be stored."""
    keys = set()
    with archive.open(entry_of(category)) as entry:
        for number, raw in enumerate(_lines(entry), 1):
            with _named(f"line {number} of {entry_of(category)}"):
                line = Line.model_validate(from_json(raw, allow_inf_nan=False))
                document = imported(category, line.key, line.value)
                document_key(category, line.key)
                check_seq(line.seq)
                check_value(document.text)
            if line.key in keys:
                raise InvalidInput(f"{entry_of(category)} has {line.key!r} twice")
            keys.add(line.key)
            yield line, document


def _lines(entry: IO[bytes]) -> Iterator[bytes]:
    while raw := entry.readline(_MAX_LINE + 1):
        if len(raw) > _MAX_LINE:
            raise TooLarge(f"a line of the archive has more than {_MAX_LINE} bytes")
        yield raw


def _check_blob(archive: zipfile.ZipFile, ref: BlobRef) -> None:
    digest, size = hashlib.sha256(), 0
    with archive.open(blob_entry(ref.sha256)) as entry:
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
