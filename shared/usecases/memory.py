"""A swarm's memory, as its user sees it and adds to it.

Browsing shows the tree that the routers search, the views of reports, directives and projects among it. A memory is
written once, since reports rest on it: it can be removed by the user who added it, never changed.
"""

from collections import deque
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.blobs import BlobRef
from shared.errors import Conflict, InvalidInput, NotFound, TooLarge, Unavailable
from shared.services import Services
from shared.spaces.excerpt import MAX_READ
from shared.spaces.memory_space import PROJECTS, ROOT, MemorySpace
from shared.spaces.metadata import (
    MAX_DESCRIPTION,
    MAX_INLINE_BYTES,
    MAX_NAME,
    Kind,
    MemoryMetadata,
    MemoryType,
    SpaceEntry,
    one_line,
)
from shared.spaces.node_view import is_view
from shared.spaces.space import path_to
from shared.spaces.splitting import split
from shared.store import Category
from shared.swarm.swarm import SwarmStatus
from shared.tenancy import TenantContext
from shared.types import ITEM_ID, SpaceKey, check_item_id
from shared.usecases.listing import page_of

#: The folder that everything lies in.
TOP = ROOT
#: Where what a user adds is filed unless it says otherwise: in `user`, where every node's prompt draws on it.
DEFAULT_FOLDER = "facts"
#: Bytes of one memory that a user adds: as much as a node reads of one.
MAX_CONTENT = MAX_READ
#: Memories that a user may add to one swarm, removed ones included.
MAX_ADDED = 1_000
#: Folders that one search reads, from the top down.
MAX_SEARCHED = 64
_COUNTER = "memories_added"
#: Folders that are named to who named one that is not there.
_NAMED = 20


class MemoryEntry(BaseModel):
    """A folder or a memory, as its folder lists it."""

    model_config = ConfigDict(frozen=True)

    memory_id: str
    #: The folder it lies in; None for the top.
    parent_id: str | None
    kind: Kind
    name: str
    description: str
    #: How to read it; None for a folder.
    type: MemoryType | None = None
    #: The node that left it; None for folders, for what ships with the app and for what the user added.
    node_id: str | None = None
    created: datetime | None = None
    #: Whether the user added it, and so may remove it.
    own: bool = False


class MemoryDetail(MemoryEntry):
    """One folder or memory with its content."""

    #: The names from below the top down to it.
    path: tuple[str, ...]
    #: Bytes of content; None for a folder.
    size: int | None = None
    #: None where it is over 64 KiB; `/content` hands that out.
    content: str | None = None

    @property
    def etag(self) -> str:
        """Its version: changes when anything of it does."""
        return sha256(self.model_dump_json().encode()).hexdigest()[:32]


class MemoryPage(BaseModel):
    """Some of what lies in a folder, or of what a search found below it, and the cursor that goes on."""

    model_config = ConfigDict(frozen=True)

    folder: MemoryEntry
    items: list[MemoryEntry]
    cursor: str | None
    #: False if a search came to its bound before it had looked everywhere: begin it further down.
    complete: bool = True


class NewMemory(BaseModel):
    """What a user adds to a swarm's memory."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=MAX_NAME, pattern=r"\S")
    description: str = Field(
        default="", max_length=MAX_DESCRIPTION, description="What it holds, for whoever searches; else how it begins."
    )
    type: Literal["text", "markdown", "code", "json", "csv", "conversation", "document"] = "text"
    content: str = Field(min_length=1, max_length=MAX_CONTENT, pattern=r"\S")
    folder_id: str = Field(default=DEFAULT_FOLDER, pattern=f"^{ITEM_ID.pattern}$")


async def list_memory(
    services: Services,
    tenant: TenantContext,
    swarm_id: str,
    parent: str,
    query: str | None,
    limit: int,
    cursor: str | None,
) -> MemoryPage:
    """What lies in a folder or, with a query, the memories below it that have all its words in name or description.

    Raises `NotFound` for what is no folder.
    """
    _, memory = await _open(services, tenant, swarm_id)
    folder = await _folder(memory, parent)
    if query is None:
        found, complete = await memory.children(folder.id), True
    else:
        found, complete = await _search(memory, folder.id, query)
    items, after = page_of(found, lambda entry: entry.id, limit, cursor)
    return MemoryPage(folder=_entry(folder), items=[_entry(entry) for entry in items], cursor=after, complete=complete)


async def get_memory(services: Services, tenant: TenantContext, swarm_id: str, memory_id: str) -> MemoryDetail:
    """One folder or memory, with its content if that is short; raises `NotFound`."""
    _, memory = await _open(services, tenant, swarm_id)
    return await _detail(memory, await _find(memory, memory_id))


async def read_memory(services: Services, tenant: TenantContext, swarm_id: str, memory_id: str) -> bytes:
    """The content of a memory; raises `NotFound`, for a folder too."""
    space, memory = await _open(services, tenant, swarm_id)
    found = await _find(memory, memory_id)
    if not isinstance(found, MemoryMetadata):
        raise NotFound(f"{memory_id!r} is a folder, and has no content")
    if found.blob_sha256 is None or found.blob_size is None:
        return (found.content or "").encode()
    return await services.blobs.read(space, BlobRef(sha256=found.blob_sha256, size=found.blob_size))


async def add_memory(
    services: Services, tenant: TenantContext, swarm_id: str, new: NewMemory, fresh_id: str
) -> MemoryDetail:
    """Hand more over to a swarm while it runs; nodes that act from now on find it.

    Raises `Conflict` once the swarm has ended, where a folder cannot be added to, and when it has had its most.
    """
    space, held = await services.swarm(tenant, swarm_id)
    if held.doc.status is not SwarmStatus.RUNNING:
        raise Conflict(f"swarm {swarm_id} has already ended ({held.doc.status})")
    memory = MemorySpace(services.store, space)
    added = _checked(new).model_copy(update={"id": f"user-{fresh_id}", "created": services.now()})
    if (folder := await memory.get(new.folder_id)) is None or folder.kind != "folder":
        there = ", ".join(await _folder_ids(memory))
        raise InvalidInput(f"folder_id: there is no folder {new.folder_id!r}; there are {there}")
    if await services.store.increment(space, Category.CONTROL, _COUNTER) > MAX_ADDED:
        raise Conflict(f"a user adds at most {MAX_ADDED} memories to one swarm")
    await memory.remember(await _placed(services, space, added, new.content))
    with suppress(Unavailable):  # others add to it right now; the next one to add splits it
        await split(memory, new.folder_id)
    return await _detail(memory, await _find(memory, added.id))


async def remove_memory(services: Services, tenant: TenantContext, swarm_id: str, memory_id: str) -> None:
    """Take away what the user added. A node that has read it keeps what it made of it; a blob goes with the swarm.

    Raises `NotFound`, and `Conflict` for what the user did not add.
    """
    _, memory = await _open(services, tenant, swarm_id)
    found = await _find(memory, memory_id)
    if not isinstance(found, MemoryMetadata) or not found.of_user:
        raise Conflict("only what you added to a memory can be removed from it")
    await memory.forget(found.id, services.now())


async def _open(services: Services, tenant: TenantContext, swarm_id: str) -> tuple[SpaceKey, MemorySpace]:
    space, _ = await services.swarm(tenant, swarm_id)
    return space, MemorySpace(services.store, space)


async def _find(memory: MemorySpace, memory_id: str) -> SpaceEntry:
    found = await memory.get(check_item_id(memory_id, "memory_id"))
    if found is None or (isinstance(found, MemoryMetadata) and found.removed is not None):
        raise NotFound(f"there is no memory {memory_id!r}")
    return found


async def _folder(memory: MemorySpace, folder_id: str) -> SpaceEntry:
    found = await memory.get(folder_id)
    if found is None or found.kind != "folder":
        raise NotFound(f"there is no folder {folder_id!r}")
    return found


async def _folder_ids(memory: MemorySpace) -> list[str]:
    """The folders that can be added to, from the top down: as many as a message has room for."""
    found: list[str] = []
    queue = deque([TOP])
    while queue and len(found) < _NAMED:
        folder_id = queue.popleft()
        if folder_id == PROJECTS or not is_view(folder_id):
            found.append(folder_id)
            queue += [child.id for child in await memory.children(folder_id) if child.kind == "folder"]
    return found


async def _search(memory: MemorySpace, top: str, query: str) -> tuple[list[SpaceEntry], bool]:
    """The memories below a folder that have all the words, those nearest the top first, and whether that is all."""
    words = query.casefold().split()
    found: list[SpaceEntry] = []
    queue = deque([top])
    for _ in range(MAX_SEARCHED):
        if not queue:
            break
        for child in await memory.children(queue.popleft()):
            if child.kind == "folder":
                queue.append(child.id)
            elif _has_all(child, words):
                found.append(child)
    return found, not queue


def _has_all(entry: SpaceEntry, words: list[str]) -> bool:
    text = f"{entry.name} {entry.description}".casefold()
    return all(word in text for word in words)


def _checked(new: NewMemory) -> MemoryMetadata:
    """The memory without its id and its content; raises `InvalidInput` and `TooLarge`."""
    if "\x00" in new.content:
        raise InvalidInput("content: it is no text")
    if (size := len(new.content.encode())) > MAX_CONTENT:
        raise TooLarge(f"content: it has {size} bytes; add at most {MAX_CONTENT} at a time")
    if not (name := one_line(new.name, MAX_NAME)):
        raise InvalidInput("name: it is empty")
    told = one_line(new.description, MAX_DESCRIPTION) or one_line(new.content[: 4 * MAX_DESCRIPTION], MAX_DESCRIPTION)
    return MemoryMetadata(id="new", name=name, description=told, parent_id=new.folder_id, type=new.type)


async def _placed(services: Services, space: SpaceKey, memory: MemoryMetadata, content: str) -> MemoryMetadata:
    """The memory with its content in it, or in a blob if that is large."""
    encoded = content.encode()
    if len(encoded) <= MAX_INLINE_BYTES:
        return memory.model_copy(update={"content": content})
    ref = await services.blobs.put(space, encoded, max_bytes=MAX_CONTENT)
    return memory.model_copy(update={"blob_sha256": ref.sha256, "blob_size": ref.size})


def _entry(entry: SpaceEntry) -> MemoryEntry:
    return MemoryEntry.model_validate(_fields(entry))


async def _detail(memory: MemorySpace, found: SpaceEntry) -> MemoryDetail:
    path = await path_to(memory, found.id)
    if not isinstance(found, MemoryMetadata):
        return MemoryDetail.model_validate(_fields(found) | {"path": path})
    size = len((found.content or "").encode()) if found.blob_size is None else found.blob_size
    return MemoryDetail.model_validate(_fields(found) | {"path": path, "size": size, "content": found.content})


def _fields(entry: SpaceEntry) -> dict[str, object]:
    shown = entry.model_dump(include={"parent_id", "kind", "name", "description", "type", "node_id", "created"})
    own = isinstance(entry, MemoryMetadata) and entry.of_user
    return shown | {"memory_id": entry.id, "own": own}
