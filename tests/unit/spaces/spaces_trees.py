"""Trees and choosers for the tests of the router."""

import random
from collections.abc import Sequence

from hypothesis import strategies as st

from shared.spaces.metadata import SpaceEntry, folder
from shared.spaces.router import Choice, Option
from shared.spaces.space import BuiltinSpace


def leaf(entry_id: str, parent_id: str, name: str = "") -> SpaceEntry:
    return SpaceEntry(
        id=entry_id, name=name or entry_id, description=f"about {entry_id}", parent_id=parent_id, kind="leaf"
    )


def build(shape: Sequence[tuple[int, bool]]) -> BuiltinSpace:
    """A tree from (which folder, is it a folder) for each entry."""
    entries = [folder("root", "root", "", None)]
    folders = ["root"]
    for number, (where, is_folder) in enumerate(shape):
        parent = folders[where % len(folders)]
        if is_folder:
            entries.append(folder(f"F{number}", f"F{number}", "", parent))
            folders.append(f"F{number}")
        else:
            entries.append(leaf(f"L{number}", parent))
    return BuiltinSpace(entries)


#: Bushy, chained, over-full and empty folders alike.
trees = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from([True, False, False, False])), min_size=1, max_size=120
).map(build)


def leaves(space: BuiltinSpace, at: str = "root") -> list[str]:
    found = []
    for child in space.listed(at):
        found += leaves(space, child.id) if child.kind == "folder" else [child.id]
    return found


def holds(space: BuiltinSpace, option: Option, target: str) -> bool:
    """Whether an option is the target or lies above it."""
    above = {target}
    entry = space.find(target)
    while entry is not None and entry.parent_id is not None:
        above.add(entry.parent_id)
        entry = space.find(entry.parent_id)
    return bool(({option.id} | set(option.members)) & above)


class Oracle:
    """Knows the way to its target, strays as often as it is told to, and takes no other leaf."""

    def __init__(self, space: BuiltinSpace, target: str, strays: float = 0.0, seed: int = 0) -> None:
        self.shown: list[list[Option]] = []
        self._space = space
        self._target = target
        self._strays = strays
        self._random = random.Random(seed)

    async def __call__(self, query: str, options: list[Option]) -> Choice:
        self.shown.append(options)
        right = [o.number for o in options if holds(self._space, o, self._target)]
        wrong = [o.number for o in options if o.number not in right]
        doors = [o.number for o in options if o.kind != "leaf" and o.number in wrong]
        unviable = tuple(n for n in wrong if self._random.random() < self._strays)
        if doors and self._random.random() < self._strays:
            return Choice(best=self._random.choice(doors), unviable=unviable)
        return Choice(best=right[0] if right else 0, unviable=unviable)
