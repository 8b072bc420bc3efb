"""What was said in a model call, in its document or, where it is large, in a blob."""

from shared.blobs import BlobRef, Blobs
from shared.llm.journal import JournalContent, JournalEntry
from shared.types import SpaceKey

#: Bytes of content that a journal entry's document holds.
MAX_INLINE = 64 * 1024
#: The largest content read back, in bytes: a prompt and an answer of the largest window.
MAX_CONTENT = 32 * 1024 * 1024


async def spilled(blobs: Blobs, space: SpaceKey, entry: JournalEntry) -> JournalEntry:
    """The entry as its document holds it; content over `MAX_INLINE` is written to a blob first."""
    content = JournalContent(messages=entry.messages, answer=entry.answer, tool_calls=entry.tool_calls)
    data = content.model_dump_json().encode()
    if len(data) <= MAX_INLINE:
        return entry
    ref = await blobs.put(space, data, max_bytes=MAX_CONTENT)
    left_out = {"messages": (), "answer": "", "tool_calls": ()}
    return entry.model_copy(update={**left_out, "content_sha256": ref.sha256, "content_size": ref.size})


def content_ref(entry: JournalEntry) -> BlobRef | None:
    """Where an entry's content lies; None if it is in the entry."""
    if entry.content_sha256 is None or entry.content_size is None:
        return None
    return BlobRef(sha256=entry.content_sha256, size=entry.content_size)


async def restored(blobs: Blobs, space: SpaceKey, entry: JournalEntry) -> JournalEntry:
    """The entry with its content."""
    ref = content_ref(entry)
    if ref is None:
        return entry
    content = JournalContent.model_validate_json(await blobs.read(space, ref))
    said = {"messages": content.messages, "answer": content.answer, "tool_calls": content.tool_calls}
    return entry.model_copy(update=said)
