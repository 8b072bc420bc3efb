"""One state of the workspace in memory: files by path. Immutable, so that it can be shared and kept."""

from collections.abc import Iterable, Mapping
from functools import cached_property

from shared.errors import TooLarge
from shared.workspace.bounds import MAX_BYTES, MAX_FILES
from shared.workspace.model import ChangeList, Manifest, MergedChange, WorkspaceFile
from shared.workspace.paths import PathIndex


class Tree:
    """The files of one state."""

    def __init__(self, files: Mapping[str, WorkspaceFile] | None = None, index: PathIndex | None = None) -> None:
        self.files: Mapping[str, WorkspaceFile] = files or {}
        self._index = index

    @classmethod
    def of(cls, manifest: Manifest, changes: Iterable[ChangeList] = ()) -> "Tree":
        """The state that a manifest and the change lists after it describe."""
        tree = cls({file.path: file for file in manifest.files})
        for listed in changes:
            tree = tree.changed(listed)
        return tree

    def changed(self, listed: ChangeList) -> "Tree":
        """The state after one more merge."""
        files, index = dict(self.files), self.index.copy()
        for change in listed.changes:
            if change.after is None:
                files.pop(change.path, None)
                index.remove(change.path)
        for change in listed.changes:
            if change.after is not None:
                files[change.path] = _changed(files.get(change.path), change, listed)
                index.add(change.path)
        return Tree(files, index)

    @property
    def index(self) -> PathIndex:
        """Its paths; copy it to change it."""
        if self._index is None:
            self._index = PathIndex(self.files)
        return self._index

    @cached_property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files.values())

    @property
    def manifest(self) -> Manifest:
        """Everything there is to keep of it."""
        return Manifest(files=tuple(self.files[path] for path in sorted(self.files)))

    def check_bounds(self) -> None:
        """Raise `TooLarge` if it holds more than a workspace may."""
        check_bounds(len(self.files), self.size)


def _changed(there: WorkspaceFile | None, change: MergedChange, listed: ChangeList) -> WorkspaceFile:
    assert change.after is not None
    same = there is not None and there.content == change.after
    return WorkspaceFile(
        path=change.path,
        sha256=change.after.sha256,
        size=change.after.size,
        executable=change.after.executable,
        # A merge that only keeps another side beside a file did not change the file.
        node_id=there.node_id if there is not None and same else listed.node_id,
        seq=there.seq if there is not None and same else listed.seq,
        kept=change.kept,
    )


def check_bounds(files: int, size: int) -> None:
    """Raise `TooLarge` for more files or bytes than a workspace may hold."""
    if files > MAX_FILES:
        raise TooLarge(
            f"a workspace holds at most {MAX_FILES} files; this would make {files}: leave out or delete some"
        )
    if size > MAX_BYTES:
        raise TooLarge(f"a workspace holds at most {MAX_BYTES} bytes; this would make {size}: leave out or delete some")
