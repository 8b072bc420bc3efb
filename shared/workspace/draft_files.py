"""The operations on a draft that a node's tools are made of.

An operation that changes something keeps the content, checks the change and returns the `DraftEntry` to journal; the
draft itself is changed by `apply` once the entry is in the journal. Errors say what a model can do about them.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import regex

from shared.errors import InvalidInput
from shared.workspace.bounds import IN_FLIGHT
from shared.workspace.contents import Contents
from shared.workspace.draft import Draft, changed_to
from shared.workspace.model import Change, DraftChanges, DraftEntry, FileContent
from shared.workspace.paths import check_kept
from shared.workspace.text_file import TextFile

#: Changes that one entry carries itself; longer lists go to a blob.
MAX_ENTRY_CHANGES = 100
#: Seconds that matching may take in one search.
SEARCH_SECONDS = 5.0
_MAX_LINE = 300


@dataclass(frozen=True, slots=True)
class FileLines:
    """Some lines of a text, with plain newlines."""

    path: str
    #: The number of the first line, from 1.
    first: int
    lines: tuple[str, ...]
    #: Lines of the whole file.
    total: int


@dataclass(frozen=True, slots=True)
class Found:
    """One line that a search found."""

    path: str
    line: int
    text: str


class DraftFiles:
    """Reads and changes one draft."""

    def __init__(self, draft: Draft, contents: Contents) -> None:
        self.draft = draft
        self._contents = contents

    async def write(self, path: str, text: str) -> DraftEntry:
        """Make a text file, or give one another text; its encoding, byte order mark and line ends stay."""
        there = self.draft.find(check_kept(path))
        known = TextFile("") if there is None else await self._contents.text(there) or TextFile("")
        return await self._changed(path, known.rewritten(text).encode())

    async def append(self, path: str, text: str) -> DraftEntry:
        """Add text to the end of a file, or make the file."""
        there = self.draft.find(check_kept(path))
        known = TextFile("") if there is None else await self._text(path)
        return await self._changed(path, known.appended(text).encode())

    async def edit(self, path: str, old: str, new: str, occurrences: int = 1) -> DraftEntry:
        """Replace text that is in a file exactly `occurrences` times; a newline in `old` stands for any line end."""
        known = await self._text(path)
        return await self._changed(path, known.replaced(old, new, occurrences).encode())

    async def write_bytes(self, path: str, content: bytes, *, executable: bool | None = None) -> DraftEntry:
        """Make or replace a file of any kind; without a word about it, it stays as executable as it was."""
        return await self._changed(check_kept(path), content, executable)

    async def take_over(self, changed: Mapping[str, bytes | None]) -> DraftEntry:
        """What a run left behind, by path: new contents, and None for what it deleted.

        A path that is the same as before is no change; the executable bit stays as it was. Raises `InvalidInput` for
        a path that cannot be kept, and then keeps nothing of it.
        """
        changes = []
        for path in sorted(changed):
            content, there = changed[path], self.draft.find(check_kept(path))
            kept = None
            if content is not None:
                kept = await self._contents.keep(content, executable=bool(there and there.executable))
            if kept != there:
                changes.append(changed_to(path, there, kept))
        return await self._entry(changes)

    async def move(self, path: str, to: str) -> DraftEntry:
        """Move a file, or a folder with all that is in it."""
        changes: list[Change] = []
        for source, target in self._moves(path, to):
            content = self.draft.get(source)
            if self.draft.find(target) is not None:
                raise InvalidInput(
                    f"there is a file {target[:200]!r} already: delete it first, or move to another path"
                )
            changes += [changed_to(source, content, None), changed_to(check_kept(target), None, content)]
        return await self._entry(changes)

    async def delete(self, path: str) -> DraftEntry:
        """Delete a file, or a folder with all that is in it."""
        paths = [path] if self.draft.find(path) is not None else self.draft.below(path) if path else []
        if not paths:
            self.draft.get(path)
        return await self._entry([changed_to(each, self.draft.get(each), None) for each in paths])

    async def revert(self, path: str) -> DraftEntry:
        """Put a path back to what the draft's base has there; after a conflict, that takes the other side."""
        file = self.draft.tree.files.get(path)
        before = None if file is None else file.content
        there = self.draft.find(path)
        if there == before and path not in self.draft.conflicts:
            raise InvalidInput(f"the draft did not change {path[:200]!r}")
        return await self._entry([Change(path=path, before=there.sha256 if there else None, after=before)])

    async def apply(self, entry: DraftEntry) -> None:
        """Change the draft by an entry that is journalled. A rebase makes another draft: see `Workspace.draft`."""
        if entry.rebase is not None:
            raise ValueError("a rebase makes another draft")
        self.draft.apply(await entry_changes(self._contents, entry))

    async def read_bytes(self, path: str) -> bytes:
        """A file's bytes."""
        return await self._contents.read(self.draft.get(path))

    async def read(self, path: str, first: int = 1, last: int | None = None) -> FileLines:
        """The lines `first` to `last` of a text file, both counted from 1 and included."""
        lines = (await self._text(path)).shown.split("\n")
        if lines[-1] == "":
            lines.pop()
        if first < 1 or (last is not None and last < first):
            raise InvalidInput(f"lines {first} to {last} are no range: lines count from 1")
        return FileLines(path, first, tuple(lines[first - 1 : last]), len(lines))

    def files(self, under: str = "", pattern: str | None = None) -> list[tuple[str, FileContent]]:
        """Paths in a folder and what lies there; `pattern` is a glob of the path, or of the name if it has no `/`."""
        found = self.draft.below(under)
        if pattern is not None:
            found = [
                path for path in found if fnmatchcase(path if "/" in pattern else path.rsplit("/", 1)[-1], pattern)
            ]
        return [(path, self.draft.get(path)) for path in found]

    async def search(
        self,
        wanted: str,
        *,
        is_regex: bool = False,
        ignore_case: bool = False,
        under: str = "",
        pattern: str | None = None,
        limit: int = 100,
    ) -> list[Found]:
        """Lines of text files that hold a text, or match a regular expression; at most `limit` of them."""
        search = _Search(wanted, is_regex=is_regex, ignore_case=ignore_case, limit=limit)
        files = self.files(under, pattern)
        for start in range(0, len(files), IN_FLIGHT):
            batch = files[start : start + IN_FLIGHT]
            texts = await asyncio.gather(*(self._contents.text(content) for _, content in batch))
            await asyncio.to_thread(search.look, [(path, text) for (path, _), text in zip(batch, texts, strict=True)])
            if search.full:
                break
        return search.found

    def _moves(self, path: str, to: str) -> Sequence[tuple[str, str]]:
        if self.draft.find(path) is not None:
            return [(path, to)]
        below = self.draft.below(path) if path else []
        if not below:
            self.draft.get(path)
        if f"{to}/".startswith(f"{path}/"):
            raise InvalidInput(f"a folder cannot be moved into itself: {path[:200]!r} to {to[:200]!r}")
        return [(each, to + each[len(path.rstrip("/")) :]) for each in below]

    async def _text(self, path: str) -> TextFile:
        text = await self._contents.text(self.draft.get(path))
        if text is None:
            raise InvalidInput(f"{path[:200]!r} is a binary file, which has no lines")
        return text

    async def _changed(self, path: str, content: bytes, executable: bool | None = None) -> DraftEntry:
        there = self.draft.find(path)
        if executable is None:
            executable = bool(there and there.executable)
        after = await self._contents.keep(content, executable=executable)
        if path in self.draft.conflicts:  # the same content again is a decision here
            return await self._entry([Change(path=path, before=there.sha256 if there else None, after=after)])
        return await self._entry([changed_to(path, there, after)])

    async def _entry(self, changes: Sequence[Change]) -> DraftEntry:
        self.draft.check(changes)
        return await listed_entry(self._contents, changes)


async def listed_entry(contents: Contents, changes: Sequence[Change]) -> DraftEntry:
    """An entry with these changes, in a blob if they are many."""
    if len(changes) <= MAX_ENTRY_CHANGES:
        return DraftEntry(changes=tuple(changes))
    return DraftEntry(listed=await contents.keep_list(DraftChanges(changes=tuple(changes))))


async def entry_changes(contents: Contents, entry: DraftEntry) -> Sequence[Change]:
    """The changes of an entry, wherever they lie."""
    return entry.changes if entry.listed is None else (await contents.draft_changes(entry.listed)).changes


class _Search:
    """One search under way, bounded in what it finds and in the time its pattern takes."""

    def __init__(self, wanted: str, *, is_regex: bool, ignore_case: bool, limit: int) -> None:
        if not wanted:
            raise InvalidInput("there is nothing to search for: give a text or a pattern")
        try:
            flags = regex.IGNORECASE if ignore_case else 0
            self._pattern = regex.compile(wanted if is_regex else regex.escape(wanted), flags)
        except regex.error as error:
            raise InvalidInput(f"the pattern is no regular expression: {error}") from None
        self.found: list[Found] = []
        self._limit = limit
        self._left = SEARCH_SECONDS

    @property
    def full(self) -> bool:
        return len(self.found) >= self._limit

    def look(self, texts: Sequence[tuple[str, TextFile | None]]) -> None:
        """Look through some files; blocks."""
        began = time.monotonic()
        for path, text in texts:
            if text is not None and not self.full:
                self._look(path, text, began)
        self._left -= time.monotonic() - began

    def _look(self, path: str, text: TextFile, began: float) -> None:
        for number, line in enumerate(text.shown.split("\n"), 1):
            left = self._left - (time.monotonic() - began)
            try:
                if left <= 0:
                    raise TimeoutError
                if self._pattern.search(line, timeout=left):
                    self.found.append(Found(path, number, line[:_MAX_LINE]))
            except TimeoutError:
                raise InvalidInput(
                    f"the search takes longer than {SEARCH_SECONDS:g} seconds, at {path[:200]!r}: make the pattern "
                    "simpler, or search fewer files"
                ) from None
            if self.full:
                return
