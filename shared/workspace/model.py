"""What a workspace is made of: contents, files, changes, snapshots, merges."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.blobs import BlobRef


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
FilePath = Annotated[str, Field(min_length=1, max_length=512)]


class FileContent(_Frozen):
    """What one version of a file holds."""

    sha256: Sha256
    #: In bytes.
    size: Annotated[int, Field(ge=0)]
    executable: bool = False

    @property
    def ref(self) -> BlobRef:
        """Where its bytes lie."""
        return BlobRef(sha256=self.sha256, size=self.size)


class Change(_Frozen):
    """What happened to one path."""

    path: FilePath
    #: The hash of what lay there, or None.
    before: Sha256 | None = None
    #: What lies there now; None for a deleted file.
    after: FileContent | None = None
    #: Whether a rebase carried it over: its node has not touched the path since it saw the present base.
    carried: bool = False


class PathConflict(_Frozen):
    """One path at which a draft and the workspace do not merge; both contents are kept."""

    path: FilePath
    #: What the draft has; None if it deleted the file.
    ours: FileContent | None = None
    #: What the workspace has, and who changed it last; None if it was deleted there.
    theirs: FileContent | None = None
    node_id: str = ""
    #: What both were made from.
    base: FileContent | None = None
    #: The path in the workspace that ours cannot lie beside, if that is why.
    clash: str | None = None


class DraftChanges(_Frozen):
    """The changes of a draft, where they are too many for a document. Lies in a blob."""

    format: Literal["swarmstar.draft.1"] = "swarmstar.draft.1"
    changes: tuple[Change, ...] = ()


class DraftEntry(_Frozen):
    """One step of a draft, as a tool's result is journalled: small, and with every content already kept."""

    changes: tuple[Change, ...] = ()
    #: Where the changes lie instead when they are many.
    listed: BlobRef | None = None
    #: A rebase: from here on the draft lies on this state, and the changes are all it has.
    rebase: "Snapshot | None" = None
    #: What a rebase could not merge. Touching the path resolves it.
    conflicts: tuple[PathConflict, ...] = ()


class KeptSide(_Frozen):
    """The side of a conflict that does not lie at the path; its content is kept."""

    #: The path the other side wanted, where that is not the same.
    path: FilePath
    node_id: str
    #: None if the other side deleted the file.
    content: FileContent | None = None


class MergedChange(Change):
    """A change as a merge made it, with what it could not merge."""

    kept: tuple[KeptSide, ...] = ()


class WorkspaceFile(FileContent):
    """A file of one state of the workspace."""

    path: FilePath
    #: The node that changed it last; empty for what was handed over.
    node_id: str = ""
    #: The sequence of the merge that did.
    seq: Annotated[int, Field(ge=0)] = 0
    #: Other sides of conflicts that nobody has resolved since.
    kept: tuple[KeptSide, ...] = ()

    @property
    def content(self) -> FileContent:
        """What it holds."""
        return FileContent(sha256=self.sha256, size=self.size, executable=self.executable)


class Manifest(_Frozen):
    """Every file of one state, in the order of their paths. Lies in a blob."""

    format: Literal["swarmstar.manifest.1"] = "swarmstar.manifest.1"
    files: tuple[WorkspaceFile, ...] = ()


class ChangeList(_Frozen):
    """What one merge changed. Lies in a blob."""

    format: Literal["swarmstar.changes.1"] = "swarmstar.changes.1"
    seq: Annotated[int, Field(ge=1)]
    node_id: str
    changes: tuple[MergedChange, ...] = ()


class Snapshot(_Frozen):
    """Names one state of the workspace for good: a manifest, and the change lists of the merges since."""

    #: The sequence of the last merge in it; 0 is the empty workspace.
    seq: Annotated[int, Field(ge=0)] = 0
    manifest: BlobRef | None = None
    since: tuple[BlobRef, ...] = ()


#: The state of a workspace that nothing was merged into.
EMPTY = Snapshot()


class Merge(_Frozen):
    """One merge, as history remembers it. Written once."""

    seq: Annotated[int, Field(ge=1)]
    #: The node that merged, and its version with the merge; empty for what was handed over.
    node_id: str
    version: int = 0
    #: The state it was merged onto, and the one that came of it.
    onto: Snapshot
    snapshot: Snapshot
    changes: BlobRef
    at: datetime
    #: Of the workspace after it.
    files: int
    size: int
    #: Paths at which a conflict stayed.
    conflicts: int = 0
    #: Whether the node ran out of its budget before its work was checked.
    unverified: bool = False


class KeptDraft(_Frozen):
    """A draft that was not merged, because its node failed, gave up or was cancelled."""

    node_id: str
    base: Snapshot
    changes: BlobRef
    #: Why it was not merged, in a few words.
    reason: Annotated[str, Field(max_length=1_000)]
    at: datetime
    #: How many paths it changes.
    files: int


class Pending(_Frozen):
    """A merge whose node may or may not have been committed."""

    merge: Merge
    #: After this, whoever finds it may fence the node's old writer and drop it.
    expires: datetime


class Current(_Frozen):
    """The one document that merges go through."""

    snapshot: Snapshot = EMPTY
    #: The highest sequence that was ever given out.
    last_seq: int = 0
    handed_over: Snapshot = EMPTY
    files: int = 0
    size: int = 0
    pending: Pending | None = None


class Head(_Frozen):
    """The newest version of one path."""

    path: FilePath
    sha256: Sha256 | None
    size: int = 0
    executable: bool = False
    #: Changes of this path so far.
    version: int
    node_id: str
    #: The workspace sequence of the last one.
    seq: int
    deleted: bool = False


DraftEntry.model_rebuild()
