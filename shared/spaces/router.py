"""The search of a metadata tree: few options at a time, and back up from what turned out to hold nothing.

The search is a function of the tree and of the chooser's answers alone: the same answers give the same route.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.errors import NotFound
from shared.spaces.grouping import listing, parts, span_name
from shared.spaces.metadata import SpaceEntry
from shared.spaces.space import Space

#: The most options a step shows, and the most leaves a subtree has that is shown whole.
MAX_OPTIONS = 12
#: The most steps that ask the chooser, unless the caller sets another bound.
MAX_STEPS = 16
#: The most folders that are read to find out whether a subtree is small.
_MAX_PEEKS = 24

Confidence = Literal["low", "medium", "high"]
Ending = Literal["found", "exhausted", "step_limit"]


class Option(BaseModel):
    """One numbered option: a leaf, a folder, or a group of a folder's children that has no folder of its own."""

    model_config = ConfigDict(frozen=True)

    number: int
    #: The entry's id; for a group one of its own, which is no entry's.
    id: str
    kind: Literal["leaf", "folder", "group"]
    name: str
    description: str
    #: The folders between where the search stands and the option.
    path: tuple[str, ...] = ()
    #: The ids of the children in a group.
    members: tuple[str, ...] = ()


class Choice(BaseModel):
    """What the chooser holds of the options it was shown; 0 is "none of these"."""

    model_config = ConfigDict(frozen=True)

    best: int
    unviable: tuple[int, ...] = ()
    confidence: Confidence = "medium"


class Shown(BaseModel):
    """An option as a step keeps it."""

    model_config = ConfigDict(frozen=True)

    number: int
    id: str
    name: str


class RouteStep(BaseModel):
    """One step of a search; `chosen` is None for "none of these", `asked` false for what was taken unasked."""

    model_config = ConfigDict(frozen=True)

    folder_id: str
    options: tuple[Shown, ...]
    chosen: str | None
    unviable: tuple[str, ...] = ()
    confidence: Confidence | None = None
    asked: bool = True


class Route(BaseModel):
    """How a search went; `found` is the id of the leaf it ended at, or None."""

    model_config = ConfigDict(frozen=True)

    ending: Ending
    found: str | None
    steps: tuple[RouteStep, ...]

    @property
    def asked(self) -> int:
        """How often the chooser was asked."""
        return sum(step.asked for step in self.steps)


Chooser = Callable[[str, list[Option]], Awaitable[Choice]]
Accept = Callable[[SpaceEntry], bool]


async def search(
    space: Space,
    query: str,
    choose: Chooser,
    *,
    start: str | None = None,
    accept: Accept | None = None,
    max_steps: int = MAX_STEPS,
) -> Route:
    """Find the leaf that fits `query` best, below the folder `start` or the root.

    Only leaves whose card `accept` takes are shown. A folder that is the one option left is entered unasked, and
    so is a leaf that is all a chosen folder holds. Raises `NotFound` when there is no folder `start`.
    """
    entry = await space.get(start or space.root_id)
    if entry is None or entry.kind != "folder":
        raise NotFound(f"there is no folder {start or space.root_id} to search")
    return await _Search(space, query, choose, accept or (lambda _: True), max_steps).run(_Folder(entry))


@dataclass(frozen=True)
class _Leaf:
    entry: SpaceEntry
    path: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.entry.id

    def option(self, number: int) -> Option:
        entry = self.entry
        return Option(
            number=number,
            id=entry.id,
            kind="leaf",
            name=entry.name,
            description=entry.description,
            path=self.path,
        )


@dataclass(frozen=True)
class _Folder:
    entry: SpaceEntry

    @property
    def id(self) -> str:
        return self.entry.id

    def option(self, number: int) -> Option:
        entry = self.entry
        return Option(number=number, id=entry.id, kind="folder", name=entry.name, description=entry.description)


@dataclass(frozen=True)
class _Group:
    """Some children of a folder that has too many to be shown and was not split yet."""

    members: Sequence["_Leaf | _Folder"]

    @property
    def id(self) -> str:
        return f"{self.members[0].id}..{self.members[-1].id}/{len(self.members)}"

    def option(self, number: int) -> Option:
        entries = [member.entry for member in self.members]
        return Option(
            number=number,
            id=self.id,
            kind="group",
            name=span_name(entries),
            description=listing(entries),
            members=tuple(entry.id for entry in entries),
        )


_Place = _Leaf | _Folder | _Group


@dataclass(frozen=True)
class _Frame:
    """A folder or group the search stands in; `approved` when the chooser led here, rather than a lack of options."""

    id: str
    places: Sequence[_Place]
    approved: bool


class _Search:
    def __init__(self, space: Space, query: str, choose: Chooser, accept: Accept, max_steps: int) -> None:
        self._space = space
        self._query = query
        self._choose = choose
        self._accept = accept
        self._asks_left = max_steps
        self._unviable: set[str] = set()
        self._opened: set[str] = set()
        self._steps: list[RouteStep] = []
        self._read: dict[str, list[SpaceEntry]] = {}

    async def run(self, start: _Folder) -> Route:
        self._opened.add(start.id)
        frames = [await self._open(start, approved=False)]
        while frames:
            frame = frames[-1]
            places = [place for place in frame.places if place.id not in self._unviable]
            if not places:
                self._unviable.add(frame.id)
                frames.pop()
                continue
            free = self._is_free(frame, places)
            if not free and self._asks_left == 0:
                return self._route("step_limit")
            chosen = self._take(frame, places[0]) if free else await self._ask(frame, places)
            if isinstance(chosen, _Leaf):
                return self._route("found", chosen.id)
            if chosen is not None and self._is_new(chosen):
                frames.append(await self._open(chosen, approved=frame.approved or not free))
        return self._route("exhausted")

    def _is_new(self, place: _Place) -> bool:
        """Whether the place was not opened before; one that is listed twice is entered once."""
        if place.id in self._opened:
            self._unviable.add(place.id)
            return False
        self._opened.add(place.id)
        return True

    def _is_free(self, frame: _Frame, places: Sequence[_Place]) -> bool:
        """Whether the one option can be taken unasked.

        A leaf that is merely the last one left cannot: nobody ever said that it fits, and a search that cannot
        answer "not found" never comes to its fallback.
        """
        if len(places) > 1:
            return False
        return not isinstance(places[0], _Leaf) or (frame.approved and len(frame.places) == 1)

    def _take(self, frame: _Frame, place: _Place) -> _Place:
        self._record(frame, [place.option(1)], place.id, (), None)
        return place

    async def _ask(self, frame: _Frame, places: Sequence[_Place]) -> _Place | None:
        """Ask the chooser; numbers that are no option's count for nothing."""
        self._asks_left -= 1
        options = [place.option(number) for number, place in enumerate(places, start=1)]
        choice = await self._choose(self._query, options)
        best = places[choice.best - 1] if 1 <= choice.best <= len(places) else None
        if best is None:
            unviable = [place.id for place in places]
        else:
            numbers = sorted({number for number in choice.unviable if 1 <= number <= len(places)})
            unviable = [places[number - 1].id for number in numbers if number != choice.best]
        self._unviable.update(unviable)
        self._record(frame, options, best.id if best else None, tuple(unviable), choice.confidence)
        return best

    async def _open(self, place: _Folder | _Group, *, approved: bool) -> _Frame:
        if isinstance(place, _Group):
            return _Frame(place.id, _in_groups(place.members), approved)
        small = await self._small_subtree(place.id)
        if small is not None:
            return _Frame(place.id, small, approved)
        children = [self._place(child) for child in await self._children(place.id)]
        return _Frame(place.id, _in_groups(children), approved)

    async def _small_subtree(self, folder_id: str) -> list[_Leaf] | None:
        """All leaves below a folder with their paths, or None when they are too many to be shown at once."""
        leaves: list[_Leaf] = []
        queue: deque[tuple[str, tuple[str, ...]]] = deque([(folder_id, ())])
        peeked = 0
        while queue:
            if len(leaves) > MAX_OPTIONS or peeked + len(queue) > _MAX_PEEKS:
                return None
            at, path = queue.popleft()
            peeked += 1
            for child in await self._children(at):
                if child.kind == "folder":
                    queue.append((child.id, (*path, child.name)))
                else:
                    leaves.append(_Leaf(child, path))
        return leaves if len(leaves) <= MAX_OPTIONS else None

    async def _children(self, folder_id: str) -> list[SpaceEntry]:
        """The folders in a folder and the leaves in it that are wanted; read once in a search."""
        if folder_id not in self._read:
            children = await self._space.children(folder_id)
            self._read[folder_id] = [c for c in children if c.kind == "folder" or self._accept(c)]
        return self._read[folder_id]

    def _place(self, entry: SpaceEntry) -> _Leaf | _Folder:
        return _Folder(entry) if entry.kind == "folder" else _Leaf(entry)

    def _record(
        self,
        frame: _Frame,
        options: Sequence[Option],
        chosen: str | None,
        unviable: tuple[str, ...],
        confidence: Confidence | None,
    ) -> None:
        shown = tuple(Shown(number=option.number, id=option.id, name=option.name) for option in options)
        self._steps.append(
            RouteStep(
                folder_id=frame.id,
                options=shown,
                chosen=chosen,
                unviable=unviable,
                confidence=confidence,
                asked=confidence is not None,
            )
        )

    def _route(self, ending: Ending, found: str | None = None) -> Route:
        return Route(ending=ending, found=found, steps=tuple(self._steps))


def _in_groups(places: Sequence[_Leaf | _Folder]) -> Sequence[_Place]:
    """At most `MAX_OPTIONS` places: the ones given, or groups of neighbours by name, folders before leaves."""
    if len(places) <= MAX_OPTIONS:
        return places
    ordered = sorted(places, key=lambda p: (isinstance(p, _Leaf), p.entry.name.casefold(), p.id))
    count = min(MAX_OPTIONS, ceil(len(ordered) / MAX_OPTIONS))
    return [part[0] if len(part) == 1 else _Group(part) for part in parts(ordered, count)]
