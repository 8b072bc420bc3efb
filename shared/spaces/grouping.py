"""Filing an over-full folder's children into subfolders, by plain rules and without a model."""

import hashlib
import json
import re
from collections.abc import Sequence
from itertools import pairwise
from math import ceil
from typing import TypeVar
from zlib import crc32

from pydantic import BaseModel, ConfigDict

from shared.spaces.metadata import MAX_DESCRIPTION, SpaceEntry, folder, one_line

#: The most subfolders a split makes: fewer than a routing step shows, so that new entries fit beside them.
MAX_GROUPS = 8
#: How the ids of folders made by a split begin. Only such folders take in what lies loose beside them.
SPLIT_PREFIX = "f-"
#: How many entries a new group begins with, about; more and smaller groups make a flatter tree as they fill.
_PER_GROUP = 3
_WORD = re.compile(r"\w{3,}")

T = TypeVar("T")


class Group(BaseModel):
    """A subfolder, new or already there, and the ids of the children that move into it."""

    model_config = ConfigDict(frozen=True)

    folder: SpaceEntry
    members: tuple[str, ...]


def new_group(parent_id: str, name: str, description: str, members: Sequence[str]) -> Group:
    """A group in a new subfolder; its id follows from what is in it, so that a repeated split makes the same one."""
    content = json.dumps([parent_id, name, sorted(members)]).encode()
    entry_id = SPLIT_PREFIX + hashlib.sha256(content).hexdigest()[:24]
    return Group(folder=folder(entry_id, name, description, parent_id), members=tuple(members))


def to_be_filed(
    children: Sequence[SpaceEntry], max_groups: int = MAX_GROUPS
) -> tuple[list[SpaceEntry], list[SpaceEntry]]:
    """The subfolders of earlier splits that can take something in, and what is to be filed.

    When there are too many subfolders to keep, everything is to be filed, they included.
    """
    kept = [child for child in children if child.kind == "folder" and child.id.startswith(SPLIT_PREFIX)]
    if len(kept) > max_groups:
        return [], list(children)
    taken = {child.id for child in kept}
    return kept, [child for child in children if child.id not in taken]


def plain_groups(parent_id: str, children: Sequence[SpaceEntry], max_groups: int = MAX_GROUPS) -> list[Group]:
    """Group the children: into the subfolders there are by shared words, else into new ones by name."""
    kept, items = to_be_filed(children, max_groups)
    if kept:
        return [
            Group(folder=target, members=tuple(item.id for item in items if nearest(item, kept) is target))
            for target in kept
        ]
    ordered = sorted(items, key=lambda item: (item.name.casefold(), item.id))
    count = max(1, min(max_groups, ceil(len(ordered) / _PER_GROUP)))
    return [
        new_group(parent_id, span_name(part), listing(part), [item.id for item in part])
        for part in parts(ordered, count)
    ]


def nearest(item: SpaceEntry, folders: Sequence[SpaceEntry]) -> SpaceEntry:
    """The folder that shares most words with the item; between equals, one that follows from the ids.

    The folders' ids are part of that, or the same items would crowd together again on every level.
    """
    words = _words(item)
    scores = [len(words & _words(candidate)) for candidate in folders]
    best = [candidate for candidate, score in zip(folders, scores, strict=True) if score == max(scores)]
    return best[crc32(f"{item.id} {best[0].id}".encode()) % len(best)]


def parts(items: Sequence[T], count: int) -> list[Sequence[T]]:
    """Cut a sequence into `count` runs of nearly equal length, in order, none empty."""
    edges = [round(n * len(items) / count) for n in range(count + 1)]
    return [items[a:b] for a, b in pairwise(edges) if b > a]


def span_name(items: Sequence[SpaceEntry]) -> str:
    """A name for a run of entries that are in the order of their names."""
    if len(items) == 1:
        return items[0].name
    return f"{one_line(items[0].name, 38)} – {one_line(items[-1].name, 38)}"


def listing(items: Sequence[SpaceEntry]) -> str:
    """One line that names every entry, each cut so that all of them find room if there are not too many."""
    room = max(8, (MAX_DESCRIPTION - 8) // len(items) - 2)
    return one_line("One of: " + "; ".join(one_line(item.name, room) for item in items), MAX_DESCRIPTION)


def _words(entry: SpaceEntry) -> set[str]:
    return set(_WORD.findall(f"{entry.name} {entry.description}".casefold()))
