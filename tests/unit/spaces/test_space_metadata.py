"""Entries and builtin trees: what is valid."""

import pytest
from pydantic import ValidationError

from shared.errors import InvalidInput
from shared.spaces.metadata import MAX_INLINE_BYTES, ActionMetadata, MemoryMetadata, SpaceEntry, folder, one_line
from shared.spaces.space import BuiltinSpace, path_to


def memory(**fields: object) -> MemoryMetadata:
    return MemoryMetadata.model_validate({"id": "0-1", "name": "a", "description": "b", "parent_id": "facts"} | fields)


def test_clip_makes_one_line_within_the_bound() -> None:
    assert one_line("a\n  b", 80) == "a b"
    assert one_line("x" * 100, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "a/b"},
        {"id": "x" * 65},
        {"name": ""},
        {"name": "x" * 81},
        {"description": "x" * 401},
        {"content": "é" * (MAX_INLINE_BYTES // 2 + 1)},
        {"blob_sha256": "0" * 64},
        {"content": "a", "blob_sha256": "0" * 64, "blob_size": 1},
    ],
)
def test_entries_out_of_bounds_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        memory(**fields)


def test_a_card_has_all_but_the_content() -> None:
    whole = memory(content="long", type="report")
    assert whole.card() == memory(type="report")
    action = ActionMetadata(id="a.b", name="A", description="", parent_id="root", may_block=True)
    assert action.card() == action


def test_folder_ids_leave_room_for_their_lists() -> None:
    with pytest.raises(ValidationError):
        folder("x" * 62, "a", "", None)


ROOT = folder("root", "Root", "", None)


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [ROOT, ROOT],
        [ROOT, folder("other", "b", "", None)],
        [ROOT, folder("a", "a", "", "nowhere")],
        [ROOT, folder("a", "a", "", "b"), folder("b", "b", "", "a")],
        [SpaceEntry(id="leaf", name="l", description="", parent_id=None, kind="leaf")],
        [
            ROOT,
            SpaceEntry(id="l", name="l", description="", parent_id="root", kind="leaf"),
            folder("a", "a", "", "l"),
        ],
    ],
)
def test_a_builtin_space_is_one_tree(entries: list[SpaceEntry]) -> None:
    with pytest.raises(InvalidInput):
        BuiltinSpace(entries)


async def test_the_path_is_a_view() -> None:
    space = BuiltinSpace([ROOT, folder("a", "A", "", "root"), folder("b", "B", "", "a")])
    assert await path_to(space, "b") == ("A", "B")
    assert await path_to(space, "root") == ()
    assert [child.id for child in await space.children("root")] == ["a"]
    assert await space.children("nowhere") == []
