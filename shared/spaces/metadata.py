"""The entries of the metadata trees: what a model reads when it routes, and what the leaves point at."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from shared.types import ITEM_ID

MAX_NAME = 80
MAX_DESCRIPTION = 400
#: Folder ids are shorter than other ids, since a folder's list of children lies under a key made from its id.
MAX_FOLDER_ID = 61
#: The most UTF-8 bytes of content a memory's own document holds; anything larger lies in a blob.
MAX_INLINE_BYTES = 64 * 1024

ItemId = Annotated[str, StringConstraints(pattern=f"^{ITEM_ID.pattern}$")]
Kind = Literal["folder", "leaf"]
TerminationPolicy = Literal["simple", "confirm_directive_completion", "clone_with_questions_answered"]
MemoryType = Literal["text", "markdown", "code", "json", "csv", "report", "directive", "conversation", "document"]


def one_line(text: str, limit: int) -> str:
    """`text` on one line, cut at `limit` characters with an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


class SpaceEntry(BaseModel):
    """One folder or leaf of a metadata tree; `parent_id` is None for the root alone."""

    model_config = ConfigDict(frozen=True)

    id: ItemId
    name: str = Field(min_length=1, max_length=MAX_NAME)
    description: str = Field(max_length=MAX_DESCRIPTION)
    parent_id: ItemId | None
    kind: Kind

    @model_validator(mode="after")
    def _folder_ids_are_short(self) -> Self:
        if self.kind == "folder" and len(self.id) > MAX_FOLDER_ID:
            raise ValueError(f"a folder id has at most {MAX_FOLDER_ID} characters")
        return self

    def card(self) -> Self:
        """This entry as its folder lists it: all that routing needs, without content."""
        return self


def folder(entry_id: str, name: str, description: str, parent_id: str | None) -> SpaceEntry:
    """A folder entry; name and description are cut to their bounds."""
    return SpaceEntry(
        id=entry_id,
        name=one_line(name, MAX_NAME),
        description=one_line(description, MAX_DESCRIPTION),
        parent_id=parent_id,
        kind="folder",
    )


class ActionMetadata(SpaceEntry):
    """An action: how it is found, and how a node that performs it ends."""

    kind: Kind = "leaf"
    termination_policy: TerminationPolicy = "simple"
    #: Whether its nodes carry on through children and review their reports; such nodes count as depth.
    is_manager: bool = False
    #: Only such an action may return Blocking.
    may_block: bool = False
    #: Where the code of an action that a swarm made lies; None for an action that ships with the app.
    artifact_id: ItemId | None = None

    @model_validator(mode="after")
    def _policy_fits_flags(self) -> Self:
        if self.is_manager != (self.termination_policy == "confirm_directive_completion"):
            raise ValueError("a manager has the policy confirm_directive_completion, and only a manager has it")
        if self.termination_policy == "clone_with_questions_answered" and not self.may_block:
            raise ValueError("the policy clone_with_questions_answered needs may_block")
        return self


class MemoryMetadata(SpaceEntry):
    """A memory: its type says how to read it, and its content lies here or in a blob, never both."""

    kind: Kind = "leaf"
    type: MemoryType = "text"
    content: str | None = None
    blob_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    blob_size: Annotated[int, Field(ge=0)] | None = None
    #: The node that produced it; None for what ships with the app or the user brought.
    node_id: ItemId | None = None
    created: datetime | None = None
    #: When the user who had added it took it away; what is left stands for it where it had been found already.
    removed: datetime | None = None

    @property
    def of_user(self) -> bool:
        """Whether the user added it, and neither a node nor the app did."""
        return self.node_id is None and self.created is not None

    @model_validator(mode="after")
    def _content_is_in_one_place(self) -> Self:
        if (self.blob_sha256 is None) != (self.blob_size is None):
            raise ValueError("a blob reference has a sha256 and a size")
        if self.content is not None and self.blob_sha256 is not None:
            raise ValueError("a memory's content lies in its document or in a blob, not in both")
        if self.content is not None and len(self.content.encode()) > MAX_INLINE_BYTES:
            raise ValueError(f"inline content has at most {MAX_INLINE_BYTES} bytes; put more into a blob")
        return self

    def card(self) -> Self:
        """This memory without its inline content."""
        return self.model_copy(update={"content": None})


class SwarmUtilMetadata(SpaceEntry):
    """A util: a tool that actions work with."""

    kind: Kind = "leaf"
    #: Where the code of a util that a swarm made lies; None for one that ships with the app.
    artifact_id: ItemId | None = None
