"""A draft: a state of the workspace and a node's changes to it, as the fold of its journalled entries."""

from collections.abc import Iterable, Iterator

from shared.errors import InvalidInput, NotFound
from shared.workspace.model import Change, FileContent, PathConflict, Snapshot
from shared.workspace.paths import PathIndex
from shared.workspace.tree import Tree, check_bounds


class Draft:
    """What a node sees: its base, which never moves, with its own changes."""

    def __init__(
        self, base: Snapshot, tree: Tree, changes: Iterable[Change] = (), conflicts: Iterable[PathConflict] = ()
    ) -> None:
        self.base = base
        self.tree = tree
        #: By path; `before` is what the base has.
        self.changes: dict[str, Change] = {}
        #: What the last rebase could not merge and nobody has touched since, by path.
        self.conflicts: dict[str, PathConflict] = {}
        self._index: PathIndex | None = None
        self._files = len(tree.files)
        self._size = tree.size
        self.apply(changes)
        self.conflicts = {conflict.path: conflict for conflict in conflicts}

    def find(self, path: str) -> FileContent | None:
        """What lies at a path, or None."""
        change = self.changes.get(path)
        if change is not None:
            return change.after
        file = self.tree.files.get(path)
        return None if file is None else file.content

    def get(self, path: str) -> FileContent:
        """What lies at a path; raises `NotFound` that says what is near."""
        content = self.find(path)
        if content is None:
            raise NotFound(f"there is no file {path[:200]!r}{self._near(path)}")
        return content

    def paths(self) -> Iterator[str]:
        """Every path, in order."""
        there = set(self.tree.files)
        for change in self.changes.values():
            (there.discard if change.after is None else there.add)(change.path)
        return iter(sorted(there))

    def below(self, folder: str) -> list[str]:
        """The paths in a folder, at any depth; all of them for the empty name."""
        prefix = f"{folder.rstrip('/')}/" if folder else ""
        return [path for path in self.paths() if path.startswith(prefix)]

    def check(self, changes: Iterable[Change]) -> None:
        """Raise `InvalidInput` for changes that would make paths clash, `TooLarge` for more than may be."""
        files, size, index = self._files, self._size, self._paths().copy()
        listed = list(changes)
        for change in listed:
            there = self.find(change.path)
            files += (change.after is not None) - (there is not None)
            size += (change.after.size if change.after else 0) - (there.size if there else 0)
            if change.after is None:
                index.remove(change.path)
        for change in listed:
            if change.after is not None:
                index.add(change.path)
        check_bounds(files, size)

    def apply(self, changes: Iterable[Change]) -> None:
        """Make changes that were checked before, and are journalled by now."""
        listed = list(changes)
        for change in sorted(listed, key=lambda change: change.after is not None):  # what goes makes room
            self._apply(change)

    def _apply(self, change: Change) -> None:
        there, file = self.find(change.path), self.tree.files.get(change.path)
        before = None if file is None else file.content
        self.conflicts.pop(change.path, None)
        if change.after == before:
            self.changes.pop(change.path, None)
        else:
            self.changes[change.path] = Change(
                path=change.path,
                before=before.sha256 if before else None,
                after=change.after,
                carried=change.carried,
            )
        self._files += (change.after is not None) - (there is not None)
        self._size += (change.after.size if change.after else 0) - (there.size if there else 0)
        if self._index is not None:
            if change.after is None:
                self._index.remove(change.path)
            elif there is None:
                self._index.add(change.path)

    def _paths(self) -> PathIndex:
        if self._index is None:
            index = self.tree.index.copy()
            for change in self.changes.values():
                if change.after is None:
                    index.remove(change.path)
            for change in self.changes.values():
                if change.after is not None:
                    index.add(change.path)
            self._index = index
        return self._index

    def _near(self, path: str) -> str:
        """A hint at a file that is probably meant."""
        if self.below(path):
            return ": it is a folder"
        name = path.rsplit("/", 1)[-1].casefold()
        near = [known for known in self.paths() if known.rsplit("/", 1)[-1].casefold() == name][:3]
        return f"; there is {', '.join(near)}" if near else ""


def changed_to(path: str, before: FileContent | None, after: FileContent | None) -> Change:
    """The change of a path from one content to another; raises `InvalidInput` where there is nothing to do."""
    if before == after:
        raise InvalidInput(f"{path[:200]!r} already is as it would be: nothing was changed")
    return Change(path=path, before=before.sha256 if before else None, after=after)
