"""The archive of one swarm, a zip file: what is in it, what is left out, and how each document is read.

    documents/{category}.jsonl    a document a line: {"key": ..., "seq": ..., "value": ...}
    blobs/{sha256}                content too large for a document
    manifest.json                 the format and how much there is of what

It names neither the user nor the swarm's id, nobody's claims, and nothing of the account.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from shared.archives.values import check_values
from shared.blobs import BlobRef
from shared.llm.journal import JournalEntry
from shared.node.journal_content import content_ref
from shared.spaces.metadata import ActionMetadata, MemoryMetadata, SpaceEntry, SwarmUtilMetadata
from shared.spaces.stored import checked
from shared.store import Category
from shared.swarm.node import SwarmEvent, SwarmNode
from shared.swarm.swarm import Artifact, ContextDoc, QuestionDoc, Swarm

#: Bytes of an archive, of its documents once unpacked, and of all that is in it once unpacked.
MAX_ARCHIVE = 100 * 1024 * 1024
MAX_DOCUMENT_BYTES = 128 * 1024 * 1024
MAX_UNPACKED = 256 * 1024 * 1024
MAX_DOCUMENTS = 100_000
MAX_BLOBS = 10_000
MANIFEST = "manifest.json"
#: The one key in the category of the swarm's own document.
SWARM_KEY = "swarm"

#: What never leaves: commands to a swarm that has ended, and what belongs to the account or to the deployment.
#: Every other category has a reader at the end of this module.
LEFT_OUT: frozenset[Category] = frozenset(
    {
        Category.CONTROL,
        Category.UNFINISHED,
        Category.USER,
        Category.API_KEY,
        Category.LEDGER,
        Category.ROSTER,
        Category.SHARE,
        Category.TOMBSTONE,
        Category.IDEMPOTENCY,
        Category.SCHEDULE,
        Category.DUE,
        Category.HOOK,
        Category.HOOK_USE,
        Category.WORKSPACE,
        Category.WORKSPACE_MERGE,
        Category.WORKSPACE_DRAFT,
    }
)

M = TypeVar("M", bound=BaseModel)
#: The value of a document, parsed.
Raw = dict[str, Any]
#: Whether fields that are not known are refused, or left out.
Extra = Literal["forbid"] | None

_ANONYMOUS = {"user_id": "", "swarm_id": "", "deleted": None, "origin": None, "paused": False}


class Manifest(BaseModel):
    """What an archive says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["swarmstar.swarm"] = "swarmstar.swarm"
    version: Literal[1] = 1
    documents: dict[Category, int]
    blobs: int = Field(ge=0, le=MAX_BLOBS)


class Line(BaseModel):
    """One document in an archive."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    seq: int
    value: dict[str, Any]


def entry_of(category: Category) -> str:
    """The name of the entry that has the documents of a category."""
    return f"documents/{category.value}.jsonl"


def blob_entry(sha256: str) -> str:
    """The name of the entry that has a blob."""
    return f"blobs/{sha256}"


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it travels: its text, the blob that belongs to it, and its model where one reads all of it."""

    text: str
    blob: BlobRef | None = None
    model: BaseModel | None = None


class Parse(Protocol):
    """Reads the value of a document as a model; raises `ValueError`."""

    def __call__(self, model: type[M], /) -> M:
        """The model of what the document holds."""
        ...


def exported(category: Category, key: str, value: str) -> Document:
    """A stored document as it travels. Fields of another version are left out; raises `ValueError` if it is not sound.

    What is read is the text in the store.
    """
    return _READERS[category](key, json.loads(value), lambda model: model.model_validate_json(value), None)


def imported(category: Category, key: str, value: dict[str, Any]) -> Document:
    """A document from elsewhere as it is to be stored; raises `ValueError` unless it is one of its category.

    A field that is not known, and a number, time or media type out of bounds, is not taken either.
    """
    if category is Category.SWARM_STATE:
        value.pop("alive", None)  # computed, and so in every text of a node

    def parse(model: type[M]) -> M:
        read = model.model_validate(value, extra="forbid")
        check_values(read)
        return read

    return _READERS[category](key, value, parse, "forbid")


def _swarm(key: str, _: Raw, parse: Parse, __: Extra) -> Document:
    swarm = parse(Swarm).model_copy(update=_ANONYMOUS)
    _same(key, SWARM_KEY)
    return Document(swarm.model_dump_json(), model=swarm)


def _node(key: str, _: Raw, parse: Parse, __: Extra) -> Document:
    node = parse(SwarmNode).evolve(outbox=None, claim=None)
    _same(key, node.node_id)
    return Document(node.model_dump_json(exclude_defaults=True), model=node)


def _event(key: str, _: Raw, parse: Parse, __: Extra) -> Document:
    event = parse(SwarmEvent)
    _same(key, str(event.frame))
    return Document(event.model_dump_json(exclude_defaults=True), model=event)


def _call(key: str, _: Raw, parse: Parse, __: Extra) -> Document:
    entry = parse(JournalEntry)
    _same(key, f"{entry.node_id.replace('.', '-')}.{entry.step}")
    return Document(entry.model_dump_json(), content_ref(entry))


def _question(key: str, _: Raw, parse: Parse, __: Extra) -> Document:
    question = parse(QuestionDoc)
    _same(key, question.question_id)
    return Document(question.model_dump_json())


def _artifact(key: str, _: Raw, parse: Parse, __: Extra) -> Document:
    artifact = parse(Artifact)
    _same(key, artifact.artifact_id)
    ref = BlobRef(sha256=artifact.sha256, size=artifact.size)
    return Document(artifact.model_dump_json(), ref if artifact.content is None else None)


def _context(key: str, _: Raw, parse: Parse, __: Extra) -> Document:
    doc = parse(ContextDoc)
    _same(key, doc.context_id)
    ref = BlobRef(sha256=doc.sha256, size=doc.size)
    return Document(doc.model_dump_json(), ref if doc.content is None else None)


def _space(leaf_model: type[SpaceEntry]) -> "Reader":
    def read(key: str, raw: Raw, _: Parse, extra: Extra) -> Document:
        text, entries = checked(key, raw, leaf_model, extra)
        if extra == "forbid":
            for entry in entries:
                check_values(entry)
        found = json.loads(text)
        sha256, size = found.get("blob_sha256"), found.get("blob_size")
        return Document(text, None if sha256 is None else BlobRef(sha256=sha256, size=size))

    return read


def _same(key: str, wanted: str) -> None:
    if key != wanted:
        raise ValueError(f"a document that belongs under {wanted[:80]!r} lies under {key[:80]!r}")


Reader = Callable[[str, Raw, Parse, Extra], Document]
#: What reads the documents of a category.
_READERS: dict[Category, Reader] = {
    Category.SWARM: _swarm,
    Category.SWARM_STATE: _node,
    Category.SWARM_HISTORY: _event,
    Category.NODE_LOG: _call,
    Category.QUESTION: _question,
    Category.ARTIFACT: _artifact,
    Category.CONTEXT: _context,
    Category.ACTION_SPACE: _space(ActionMetadata),
    Category.MEMORY_SPACE: _space(MemoryMetadata),
    Category.UTIL_SPACE: _space(SwarmUtilMetadata),
}

#: The documents that belong to a swarm, in the order in which an archive has them.
CARRIED: tuple[Category, ...] = tuple(_READERS)
