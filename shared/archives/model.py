"""The archive of one swarm, a zip file: what is in it, what is left out, and how each document is read.

    documents/{category}.jsonl    a document a line: {"key": ..., "seq": ..., "value": ...}
    blobs/{sha256}                content too large for a document
    manifest.json                 the format and how much there is of what

It names neither the user nor the swarm's id, nobody's claims, and nothing of the account.
"""

import json
from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.blobs import BlobRef
from shared.llm.journal import JournalEntry
from shared.spaces.metadata import ActionMetadata, MemoryMetadata, SpaceEntry, SwarmUtilMetadata
from shared.spaces.stored import checked
from shared.store import Category
from shared.swarm.node import SwarmEvent, SwarmNode
from shared.swarm.swarm import Artifact, ContextDoc, QuestionDoc, Swarm

#: Bytes of an archive, and of what is in it once unpacked.
MAX_ARCHIVE = 100 * 1024 * 1024
MAX_UNPACKED = 512 * 1024 * 1024
MAX_DOCUMENTS = 200_000
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


def normal(category: Category, key: str, value: str) -> tuple[str, BlobRef | None]:
    """A document as it travels, with nothing the product does not know, and the blob that belongs to it.

    Raises `ValueError` unless it is one of its category, under its key.
    """
    return _READERS[category](key, value)


def _swarm(key: str, value: str) -> tuple[str, BlobRef | None]:
    swarm = Swarm.model_validate_json(value)
    _same(key, SWARM_KEY)
    return swarm.model_copy(update=_ANONYMOUS).model_dump_json(), None


def _node(key: str, value: str) -> tuple[str, BlobRef | None]:
    node = SwarmNode.model_validate_json(value)
    _same(key, node.node_id)
    return node.evolve(outbox=None, claim=None).model_dump_json(exclude_defaults=True), None


def _event(key: str, value: str) -> tuple[str, BlobRef | None]:
    event = SwarmEvent.model_validate_json(value)
    _same(key, str(event.frame))
    return event.model_dump_json(exclude_defaults=True), None


def _call(key: str, value: str) -> tuple[str, BlobRef | None]:
    entry = JournalEntry.model_validate_json(value)
    _same(key, f"{entry.node_id.replace('.', '-')}.{entry.step}")
    return entry.model_dump_json(), None


def _question(key: str, value: str) -> tuple[str, BlobRef | None]:
    question = QuestionDoc.model_validate_json(value)
    _same(key, question.question_id)
    return question.model_dump_json(), None


def _artifact(key: str, value: str) -> tuple[str, BlobRef | None]:
    artifact = Artifact.model_validate_json(value)
    _same(key, artifact.artifact_id)
    ref = BlobRef(sha256=artifact.sha256, size=artifact.size)
    return artifact.model_dump_json(), ref if artifact.content is None else None


def _context(key: str, value: str) -> tuple[str, BlobRef | None]:
    doc = ContextDoc.model_validate_json(value)
    _same(key, doc.context_id)
    ref = BlobRef(sha256=doc.sha256, size=doc.size)
    return doc.model_dump_json(), ref if doc.content is None else None


def _space(leaf_model: type[SpaceEntry]) -> "Reader":
    def read(key: str, value: str) -> tuple[str, BlobRef | None]:
        text = checked(key, value, leaf_model)
        found = json.loads(text)
        sha256, size = found.get("blob_sha256"), found.get("blob_size")
        return text, None if sha256 is None else BlobRef(sha256=sha256, size=size)

    return read


def _same(key: str, wanted: str) -> None:
    if key != wanted:
        raise ValueError(f"a document that belongs under {wanted[:80]!r} lies under {key[:80]!r}")


Reader = Callable[[str, str], tuple[str, BlobRef | None]]
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
