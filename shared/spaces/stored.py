"""A swarm's own entries of a metadata tree, in the store.

Two kinds of documents lie in the category: an entry under its id, and under `in.{folder_id}` the list of the cards
of what lies in a folder, whichever layer the folder itself belongs to. An entry is written first and listed then;
`parent_id` in its document says where it is filed. A split writes its plan into the folder's list before anything
moves, and whoever finds a plan there can carry it out, so neither a crash nor a second worker loses an entry or
lists it twice.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal
from zlib import crc32

from pydantic import BaseModel, ConfigDict

from shared.errors import Conflict, InvalidInput, Unavailable
from shared.spaces.grouping import Group, plain_groups
from shared.spaces.metadata import SpaceEntry
from shared.store.port import Category, Condition, IfAbsent, IfEtag, Page, Store
from shared.types import ITEM_ID, SpaceKey

#: The most entries one list holds; at that length a folder is split by plain rules, whoever adds to it.
MAX_LISTED = 96
_LIST_PREFIX = "in."
_ATTEMPTS = 40
_LONGEST_PAUSE = 0.1


class _ChildList(BaseModel):
    """What lies in one folder, and the plan of a split that is under way."""

    model_config = ConfigDict(frozen=True)

    children: tuple[dict[str, Any], ...] = ()
    plan: tuple[Group, ...] = ()

    @property
    def ids(self) -> set[str]:
        return {child["id"] for child in self.children}

    def with_cards(self, cards: Iterable[SpaceEntry]) -> "_ChildList":
        dumped = tuple(card.model_dump(mode="json", exclude_none=True) for card in cards)
        return self.model_copy(update={"children": self.children + dumped})

    def without(self, entry_id: str) -> "_ChildList":
        left = tuple(child for child in self.children if child["id"] != entry_id)
        return self.model_copy(update={"children": left})

    def planned(self) -> set[str]:
        return {member for group in self.plan for member in group.members}

    def carried_out(self) -> "_ChildList":
        moved = self.planned()
        left = self.model_copy(
            update={"children": tuple(child for child in self.children if child["id"] not in moved), "plan": ()}
        )
        return left.with_cards(group.folder for group in self.plan if group.folder.id not in left.ids)


def checked(
    key: str, raw: dict[str, Any], leaf_model: type[SpaceEntry], extra: Literal["forbid"] | None = None
) -> tuple[str, list[SpaceEntry]]:
    """The text of a document of a stored space from elsewhere, and the entries in it.

    Raises `ValueError` unless it is one under its key. With `extra` a field that is not known is refused.
    """
    if not key.startswith(_LIST_PREFIX):
        entry = _parsed(raw, leaf_model, extra)
        if entry.id != key:
            raise ValueError(f"the entry {entry.id!r} lies under {key!r}")
        return entry.model_dump_json(), [entry]
    listed = _ChildList.model_validate(raw, extra=extra)
    if len(listed.children) > MAX_LISTED:
        raise ValueError(f"a folder lists at most {MAX_LISTED} entries")
    moves = [member for group in listed.plan for member in group.members]
    if max(len(listed.plan), len(moves)) > MAX_LISTED or not all(map(ITEM_ID.fullmatch, moves)):
        raise ValueError(f"the plan of a split moves at most {MAX_LISTED} entries, which it names by their ids")
    cards = [_parsed(child, leaf_model, extra) for child in listed.children]
    return _ChildList(plan=listed.plan).with_cards(cards).model_dump_json(), cards


def _parsed(raw: Any, leaf_model: type[SpaceEntry], extra: Literal["forbid"] | None = None) -> SpaceEntry:
    model = leaf_model if isinstance(raw, dict) and raw.get("kind") == "leaf" else SpaceEntry
    return model.model_validate(raw, extra=extra)


class StoredSpace:
    """The entries of one category in one swarm space; leaves are instances of `leaf_model`.

    It does not ask whether a parent exists, since that may lie in a layer it does not know.
    """

    def __init__(
        self, store: Store, space: SpaceKey, category: Category, leaf_model: type[SpaceEntry], root_id: str
    ) -> None:
        self.root_id = root_id
        self._store = store
        self._space = space
        self._category = category
        self._leaf_model = leaf_model

    async def get(self, entry_id: str) -> SpaceEntry | None:
        """The whole entry, or None."""
        if entry_id.startswith(_LIST_PREFIX):
            return None
        stored = await self._store.get(self._space, self._category, entry_id)
        return self._parse(json.loads(stored.value)) if stored else None

    async def children(self, folder_id: str) -> list[SpaceEntry]:
        """The cards of what lies directly in a folder, in the order it was added; one read."""
        _, listed = await self._read_list(folder_id)
        return [self._parse(child) for child in listed.children]

    async def page(
        self, *, after: int = 0, limit: int = 100, cursor: str | None = None
    ) -> tuple[list[SpaceEntry], str | None]:
        """Entries in the order of their `seq`, wherever they are filed, and the cursor that goes on after them."""
        page: Page = await self._store.scan(
            self._space, self._category, after=max(after, 0), limit=limit, cursor=cursor
        )
        return [self._parse(json.loads(item.value)) for item in page.items], page.cursor

    async def add(self, entry: SpaceEntry, *, seq: int = 1) -> SpaceEntry:
        """Add an entry, once however often it is called, and return what is stored: the first write of an id stays.

        `seq` is what `page` goes by, at least 1. A call that finds the entry written and not listed, because an
        earlier one was cut off in between, lists it. Raises `Unavailable` when the folder's list is too contended.
        """
        if entry.id.startswith(_LIST_PREFIX) or entry.parent_id is None or seq < 1:
            raise InvalidInput(f"{entry.id} cannot be an entry of a stored space")
        if not await self._put_new(entry, seq):
            entry = await self.get(entry.id) or entry
        filed_in = entry.parent_id or self.root_id
        await self._list_in(filed_in, [entry.id], filed_in=filed_in)
        return entry

    async def retire(self, left: SpaceEntry) -> None:
        """Take an entry off its folder's list and leave `left` under its id, which lies in no folder.

        A repeated call carries through what was cut off. Raises `Unavailable` when the folder is too contended.
        """
        for attempt in range(_ATTEMPTS):
            stored = await self._store.get(self._space, self._category, left.id)
            filed_in = json.loads(stored.value)["parent_id"] if stored else None
            if stored is None or filed_in is None:
                return
            # Off the list first: whoever moves the entry meanwhile changes its document, and this is tried again.
            value, condition = left.model_dump_json(), IfEtag(stored.etag)
            if await self._unlist(filed_in, left.id) and await self._put(left.id, value, stored.seq, condition):
                return
            await _pause(attempt, left.id)
        raise Unavailable(f"{left.id} is too busy to be removed now", retry_after=2)

    async def _unlist(self, folder_id: str, entry_id: str) -> bool:
        """Take an entry off a folder's list; False if that changed meanwhile, or a split had to be finished first."""
        etag, listed = await self._read_list(folder_id)
        if listed.plan:
            await self.finish(folder_id)
            return False
        return entry_id not in listed.ids or await self._write_list(folder_id, listed.without(entry_id), etag)

    async def regroup(self, folder_id: str, groups: Sequence[Group]) -> bool:
        """Move children of a folder into the groups' subfolders; False if others had moved them all already.

        Any part of it may be repeated or raced: each child ends in one subfolder, what is added meanwhile stays.
        """
        for attempt in range(_ATTEMPTS):
            etag, listed = await self._read_list(folder_id)
            if listed.plan:
                await self.finish(folder_id)
                return False
            plan = await self._still_here(folder_id, listed, groups)
            if not plan:
                return False
            if await self._write_list(folder_id, listed.model_copy(update={"plan": plan}), etag):
                await self.finish(folder_id)
                return True
            await _pause(attempt, folder_id)
        raise Unavailable(f"folder {folder_id} is too busy to be split now", retry_after=2)

    async def finish(self, folder_id: str) -> None:
        """Carry out the plan in a folder's list, if there is one; the folder shows its old children until then."""
        _, listed = await self._read_list(folder_id)
        if not listed.plan:
            return
        for group in listed.plan:
            target = group.folder.id
            await self._put_new(group.folder, 1)
            await self._list_in(target, group.members, filed_in=folder_id)
            for member in group.members:
                await self._refile(member, folder_id, target)
        await self._close_plan(folder_id, listed.plan)

    async def _still_here(self, folder_id: str, listed: _ChildList, groups: Sequence[Group]) -> tuple[Group, ...]:
        """The groups with those members that are listed here and whose documents say so too.

        A child that another split lists here and has not refiled yet must not be moved on: that split's worker
        would not know it again.
        """
        here = set()
        for child_id in {member for group in groups for member in group.members} & listed.ids:
            entry = await self.get(child_id)
            if entry is not None and entry.parent_id == folder_id:
                here.add(child_id)
        kept = [
            group.model_copy(update={"members": tuple(member for member in group.members if member in here)})
            for group in groups
        ]
        return tuple(group for group in kept if group.members)

    async def _list_in(self, folder_id: str, ids: Sequence[str], *, filed_in: str) -> None:
        """List entries in a folder, as long as their documents say they are filed in `filed_in`."""
        for attempt in range(_ATTEMPTS):
            etag, listed = await self._read_list(folder_id)
            # The documents are read after the list: one that has moved on cannot be taken for one not listed yet.
            cards = [
                entry.card().model_copy(update={"parent_id": folder_id})
                for entry in [await self.get(i) for i in ids if i not in listed.ids]
                if entry is not None and entry.parent_id == filed_in
            ]
            if not cards:
                return
            if len(listed.children) + len(cards) > MAX_LISTED:
                await self.regroup(folder_id, plain_groups(folder_id, await self.children(folder_id)))
            elif await self._write_list(folder_id, listed.with_cards(cards), etag):
                return
            await _pause(attempt, ids[0])
        raise Unavailable(f"folder {folder_id} is too busy to be added to now", retry_after=2)

    async def _refile(self, entry_id: str, old: str, new: str) -> None:
        """Say in the entry's document that it is filed in `new`, unless it is not in `old` any more."""
        for attempt in range(_ATTEMPTS):
            stored = await self._store.get(self._space, self._category, entry_id)
            raw = json.loads(stored.value) if stored else {}
            if stored is None or raw["parent_id"] != old:
                return
            value = json.dumps(raw | {"parent_id": new}, ensure_ascii=False)
            if await self._put(entry_id, value, stored.seq, IfEtag(stored.etag)):
                return
            await _pause(attempt, entry_id)
        raise Unavailable(f"{entry_id} is too busy to be filed now", retry_after=2)

    async def _close_plan(self, folder_id: str, plan: tuple[Group, ...]) -> None:
        for attempt in range(_ATTEMPTS):
            etag, listed = await self._read_list(folder_id)
            if listed.plan != plan or await self._write_list(folder_id, listed.carried_out(), etag):
                return
            await _pause(attempt, folder_id)
        raise Unavailable(f"folder {folder_id} is too busy to be split now", retry_after=2)

    async def _read_list(self, folder_id: str) -> tuple[Condition, _ChildList]:
        stored = await self._store.get(self._space, self._category, _LIST_PREFIX + folder_id)
        if stored is None:
            return IfAbsent(), _ChildList()
        return IfEtag(stored.etag), _ChildList.model_validate_json(stored.value)

    async def _write_list(self, folder_id: str, listed: _ChildList, condition: Condition) -> bool:
        return await self._put(_LIST_PREFIX + folder_id, listed.model_dump_json(), 0, condition)

    async def _put_new(self, entry: SpaceEntry, seq: int) -> bool:
        return await self._put(entry.id, entry.model_dump_json(), seq, IfAbsent())

    async def _put(self, key: str, value: str, seq: int, condition: Condition) -> bool:
        try:
            await self._store.put(self._space, self._category, key, value, seq=seq, condition=condition)
        except Conflict:
            return False
        return True

    def _parse(self, raw: dict[str, Any]) -> SpaceEntry:
        return _parsed(raw, self._leaf_model)


async def _pause(attempt: int, salt: str) -> None:
    """Wait a little, each contender for another time, before a lost conditional write is tried again."""
    share = (crc32(f"{salt}.{attempt}".encode()) % 100 + 1) / 100
    await asyncio.sleep(share * min(_LONGEST_PAUSE, 0.002 * 2.0**attempt))
