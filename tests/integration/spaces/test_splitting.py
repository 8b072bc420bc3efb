"""Splitting over-full folders: by the model's groups, by plain rules when those are of no use, and how deep it gets."""

from typing import Any, TypeVar

import pytest
from pydantic import BaseModel
from spaces_stores import SPACE, DictStore, check_whole, tool

from shared.adapters.sqlite import SqliteStore
from shared.llm.port import Message
from shared.spaces.action_space import ActionSpace
from shared.spaces.metadata import SpaceEntry, folder
from shared.spaces.router import MAX_OPTIONS, Choice, Option, search
from shared.spaces.space import BuiltinSpace
from shared.spaces.splitting import is_overfull, split
from shared.store.port import Store

T = TypeVar("T", bound=BaseModel)
BUILTIN = BuiltinSpace([folder("root", "Actions", "", None), folder("tools", "Tools", "", "root")])


class Scripted:
    """Answers with what it was given, in turn."""

    def __init__(self, *answers: list[dict[str, Any]]) -> None:
        self.answers = list(answers)
        self.prompts: list[str] = []

    async def __call__(self, messages: tuple[Message, ...], output: type[T], /) -> T:
        self.prompts.append(messages[-1].content)
        return output.model_validate({"groups": self.answers.pop(0)})


def group(name: str, *members: int) -> dict[str, Any]:
    return {"name": name, "description": f"All about {name}.", "members": list(members)}


async def filled(store: Store, count: int) -> ActionSpace:
    space = ActionSpace(store, SPACE, BUILTIN)
    for n in range(count):
        await space.add(tool(f"t{n:02}"))
    return space


async def shape(space: ActionSpace, at: str = "tools") -> dict[str, list[str]]:
    """The names of the folders in a folder, each with the ids in it."""
    return {
        child.name: [inner.id for inner in await space.children(child.id)]
        for child in await space.children(at)
        if child.kind == "folder"
    }


async def test_a_folder_that_fits_is_left_alone(store: SqliteStore) -> None:
    space = await filled(store, MAX_OPTIONS)
    assert not await is_overfull(space, "tools")
    assert await split(space, "tools", Scripted()) == []


async def test_the_models_groups_become_described_subfolders(store: SqliteStore) -> None:
    space = await filled(store, 14)
    ask = Scripted([group("Odd", 2, 4, 6, 8, 10, 12, 14), group("Even", 1, 3, 5, 7, 9, 11, 13)])
    assert await split(space, "tools", ask) == ["tools"]
    assert "14. Tool t13 - Does t13." in ask.prompts[0]
    assert await shape(space) == {
        "Odd": [f"t{n:02}" for n in range(1, 14, 2)],
        "Even": [f"t{n:02}" for n in range(0, 14, 2)],
    }
    assert {child.description for child in await space.children("tools")} == {"All about Odd.", "All about Even."}
    assert await split(space, "tools", ask) == []


async def test_every_item_ends_in_one_group_whatever_the_answer(store: SqliteStore) -> None:
    space = await filled(store, 14)
    ask = Scripted([group("A", 1, 2, 3, 99, 0), group("B", 3, 4, 5), group("a", 6), group(" ", 7), group("C")])
    await split(space, "tools", ask)
    await check_whole(space, {f"t{n:02}" for n in range(14)})
    found = await shape(space)
    assert set(found) == {"A", "B"}
    assert {"t00", "t01", "t02", "t05"} <= set(found["A"])
    assert {"t03", "t04"} <= set(found["B"])


@pytest.mark.parametrize("answer", [[], [group("All", *range(1, 15))], [group("", 1), group("", 2)]])
async def test_plain_rules_do_when_the_answer_divides_nothing(store: SqliteStore, answer: list[dict[str, Any]]) -> None:
    space = await filled(store, 14)
    await split(space, "tools", Scripted(answer))
    found = await shape(space)
    assert list(found) == [
        f"Tool t{a} – Tool t{b}" for a, b in (("00", "02"), ("03", "05"), ("06", "07"), ("08", "10"), ("11", "13"))
    ]
    await check_whole(space, {f"t{n:02}" for n in range(14)})


async def test_what_comes_later_is_filed_into_the_groups_there_are(store: SqliteStore) -> None:
    space = await filled(store, 14)
    halves = [group("Odd", *range(2, 15, 2)), group("Even", *range(1, 15, 2))]
    await split(space, "tools", Scripted(halves))
    for n in range(14, 25):
        await space.add(tool(f"t{n:02}"))
    ask = Scripted([group("Odd", 1, 2), group("even", 3, 4), group("New", 5, 6, 7, 8, 9, 10, 11)])
    await split(space, "tools", ask)
    assert "Odd - All about Odd." in ask.prompts[0]
    assert {name: len(ids) for name, ids in (await shape(space)).items()} == {"Odd": 9, "Even": 9, "New": 7}
    await check_whole(space, {f"t{n:02}" for n in range(25)})


async def test_a_group_that_is_overfull_itself_is_split_too(store: SqliteStore) -> None:
    space = await filled(store, 20)
    first = [group("Many", *range(1, 18)), group("Few", 18, 19, 20)]
    second = [group("Left", *range(1, 9)), group("Right", *range(9, 18))]
    done = await split(space, "tools", Scripted(first, second))
    assert len(done) == 2
    assert set(await shape(space, done[1])) == {"Left", "Right"}
    await check_whole(space, {f"t{n:02}" for n in range(20)})


async def test_a_tree_that_grows_stays_easy_to_route() -> None:
    space = ActionSpace(DictStore(), SPACE, BUILTIN)
    count = 1_500
    for n in range(count):
        await space.add(tool(f"t{n:04}", name=f"Tool {n * 7919 % count:04}"))
        await split(space, "tools")
    above: dict[str, SpaceEntry] = {}
    queue = ["tools"]
    while queue:
        children = await space.children(queue.pop())
        # A few splits are left for the next call, which makes no more than its bound.
        assert len(children) <= 2 * MAX_OPTIONS
        above.update({child.id: child for child in children})
        queue.extend(child.id for child in children if child.kind == "folder")
    assert sum(child.kind == "leaf" for child in above.values()) == count

    def holds(option: Option, target: str) -> bool:
        within = {option.id, *option.members}
        at: str | None = target
        while at in above and at not in within:
            at = above[at].parent_id
        return at in within

    asked = []
    for n in range(0, count, 30):
        target = f"t{n:04}"

        async def oracle(query: str, options: list[Option], target: str = target) -> Choice:
            return Choice(best=next(o.number for o in options if holds(o, target)))

        route = await search(space, "find it", oracle)
        assert route.found == target
        asked.append(route.asked)
    assert max(asked) <= 6
