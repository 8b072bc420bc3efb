"""A swarm's memory, its actions and the pages of its tree, as its user sees them."""

import pytest
from swarms_read import whole_tree

from shared.errors import Conflict, InvalidInput, NotFound, TooLarge
from shared.spaces.action_space import ActionSpace
from shared.spaces.memory_space import MemorySpace
from shared.spaces.metadata import ActionMetadata
from shared.store.documents import Documents
from shared.store.port import Category
from shared.swarm.budget import Lease
from shared.swarm.node import SwarmNode
from shared.swarm.swarm import Swarm
from shared.usecases import actions, memory
from shared.usecases.memory import MemoryDetail, MemoryEntry, MemoryPage, NewMemory
from tests.crash import crash_script
from tests.integration.swarm_world import ADA, BOB, World


def new(name: str = "Tea", content: str = "Likes tea.", **more: str) -> NewMemory:
    return NewMemory.model_validate({"name": name, "content": content, **more})


async def add(world: World, swarm: Swarm, number: int, given: NewMemory) -> MemoryDetail:
    return await memory.add_memory(world.services, ADA, swarm.swarm_id, given, f"{number:016}")


async def listed(world: World, swarm: Swarm, parent: str = memory.TOP, query: str | None = None) -> MemoryPage:
    return await memory.list_memory(world.services, ADA, swarm.swarm_id, parent, query, 200, None)


async def test_browsing_shows_what_the_routers_see(world: World) -> None:
    swarm = await world.create(crash_script.both("Write a.md", crash_script.both("Write b.md")))
    await world.run(swarm)
    space = MemorySpace(world.services.store, ADA.space(swarm.swarm_id))
    queue, seen = [memory.TOP], 0
    while queue:
        shown = await listed(world, swarm, queue.pop())
        cards = await space.children(shown.folder.memory_id)
        assert [(e.memory_id, e.name, e.description, e.parent_id, e.kind) for e in shown.items] == [
            (card.id, card.name, card.description, card.parent_id, card.kind) for card in cards
        ]
        seen += len(shown.items)
        queue += [entry.memory_id for entry in shown.items if entry.kind == "folder"]
        for entry in shown.items:
            detail = await memory.get_memory(world.services, ADA, swarm.swarm_id, entry.memory_id)
            assert detail.model_dump(include=set(MemoryEntry.model_fields)) == entry.model_dump()
            assert detail.path[-1] == entry.name
            if entry.kind == "leaf":
                content = await memory.read_memory(world.services, ADA, swarm.swarm_id, entry.memory_id)
                assert content.decode() == detail.content
                assert detail.size == len(content) > 0
            assert not entry.own
    assert seen > 20
    reports = await listed(world, swarm, "reports", "a.md")
    # The root's directive names it too, and its report says so.
    assert [(entry.type, entry.kind, entry.node_id) for entry in reports.items] == [
        ("report", "leaf", "0"),
        ("report", "leaf", "0.0.0"),
    ]


async def test_what_is_added_is_filed_and_found_and_can_be_removed(world: World) -> None:
    swarm = await world.create()
    added = await add(world, swarm, 1, new(content="Likes tea.\nNo milk.", type="markdown"))
    assert (added.parent_id, added.type, added.own, added.node_id) == ("facts", "markdown", True, None)
    assert (added.path, added.description) == (("User", "Facts", "Tea"), "Likes tea. No milk.")
    assert (added.content, added.size) == ("Likes tea.\nNo milk.", 19)
    assert [entry.memory_id for entry in (await listed(world, swarm, "facts")).items] == [added.memory_id]
    assert await memory.get_memory(world.services, ADA, swarm.swarm_id, added.memory_id) == added

    # The same request once more is the same memory.
    assert await add(world, swarm, 1, new(content="Likes tea.\nNo milk.", type="markdown")) == added
    other = await add(world, swarm, 2, new("Plan", "Paint.", folder_id="projects", description="What to paint."))
    assert other.path == ("Projects", "Plan")
    assert other.etag != added.etag

    await memory.remove_memory(world.services, ADA, swarm.swarm_id, added.memory_id)
    assert (await listed(world, swarm, "facts")).items == []
    for look in (memory.get_memory, memory.read_memory, memory.remove_memory):
        with pytest.raises(NotFound):
            await look(world.services, ADA, swarm.swarm_id, added.memory_id)


async def test_large_content_lies_in_a_blob(world: World) -> None:
    swarm = await world.create()
    text = "ä" * (memory.MAX_CONTENT // 2)
    added = await add(world, swarm, 1, new(content=text))
    assert (added.content, added.size) == (None, memory.MAX_CONTENT)
    assert (await memory.read_memory(world.services, ADA, swarm.swarm_id, added.memory_id)).decode() == text
    with pytest.raises(TooLarge):
        await add(world, swarm, 2, new(content=text + "ä"))


async def test_only_what_a_user_added_can_be_removed(world: World) -> None:
    swarm = await world.create(context=[{"name": "a.md", "content": "Fact."}])
    await world.run(swarm)
    (kept,) = (await listed(world, swarm, "references")).items
    for memory_id in ("facts", "0-directive", "0-report", kept.memory_id):
        with pytest.raises(Conflict, match="only what you added"):
            await memory.remove_memory(world.services, ADA, swarm.swarm_id, memory_id)
    assert (await listed(world, swarm, "references")).items == [kept]


async def test_what_cannot_be_added_is_refused(world: World) -> None:
    swarm = await world.create()
    for given in (new(folder_id="nowhere"), new(content="a\x00b"), new(name="\x1c")):
        with pytest.raises(InvalidInput):
            await add(world, swarm, 1, given)
    with pytest.raises(InvalidInput, match=r"no folder 'nowhere'; there are memory, .*facts.*") as told:
        await add(world, swarm, 1, new(folder_id="nowhere"))
    named = str(told.value).partition("there are ")[2].split(", ")
    assert "projects" in named
    assert not {"reports", "directives"} & set(named)
    for number, folder_id in enumerate(named):
        await add(world, swarm, number, new(name=f"In {folder_id}", content="Word.", folder_id=folder_id))
    for folder_id in ("reports", "directives"):
        with pytest.raises(Conflict):
            await add(world, swarm, 1, new(folder_id=folder_id))
    with pytest.raises(NotFound):
        await memory.add_memory(world.services, BOB, swarm.swarm_id, new(), "1")
    assert (await listed(world, swarm, query="tea")).items == []
    await world.run(swarm)
    with pytest.raises(Conflict, match="already ended"):
        await add(world, swarm, 1, new())


async def test_a_swarm_takes_so_much_and_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MAX_ADDED", 20)
    swarm = await world.create()
    for n in range(20):
        await add(world, swarm, n, new(f"Fact {n}", f"Number {n} of tea."))
    with pytest.raises(Conflict, match="at most 20"):
        await add(world, swarm, 20, new())
    # They were split into folders, as a router can show no more; nothing is lost on the way.
    assert len((await listed(world, swarm, "facts")).items) <= 12
    found = await listed(world, swarm, query="TEA number")
    assert sorted(entry.name for entry in found.items) == sorted(f"Fact {n}" for n in range(20))


async def test_lists_come_in_pages_and_a_search_tells_where_it_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    swarm = await world.create()
    for n in range(15):
        await add(world, swarm, n, new(f"Fact {n}", folder_id="references"))
    for query in (None, "tea"):
        whole = await listed(world, swarm, "references", query)
        assert whole.complete
        paged: list[MemoryEntry] = []
        cursor = None
        while True:
            page = await memory.list_memory(world.services, ADA, swarm.swarm_id, "references", query, 2, cursor)
            assert 1 <= len(page.items) <= 2
            paged, cursor = paged + page.items, page.cursor
            if cursor is None:
                break
        assert paged == whole.items
    monkeypatch.setattr(memory, "MAX_SEARCHED", 2)
    assert not (await listed(world, swarm, "references", "tea")).complete
    for parent in ("nowhere", "0-directive"):
        with pytest.raises(NotFound):
            await listed(world, swarm, parent)


async def test_actions_tell_how_often_each_was_chosen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped, cursor = await actions.list_actions(world.services, 200, None)
    assert cursor is None
    assert {action.action_id for action in shipped} >= {"writing.write_document", "memory.search_memory"}
    assert await actions.get_action(world.services, "communication.ask_user_questions") in shipped
    assert {action.action_id for action in shipped if action.may_block} == {
        "communication.ask_user_questions",
        "reasoning.determine_unknown_requirements",
    }
    for action_id in ("writing", "actions", "reasoning.review_reports"):
        with pytest.raises(NotFound):
            await actions.get_action(world.services, action_id)

    swarm = await world.create(crash_script.both("Write a.md", "Write b.md", "Program c.py"))
    await world.run(swarm)
    told = await actions.list_swarm_actions(world.services, ADA, swarm.swarm_id, 200, None)
    assert [action.action_id for action in told.items] == [action.action_id for action in shipped]
    assert {action.action_id: action.used for action in told.items if action.used} == {
        "reasoning.decompose_directive": 1,
        "writing.write_document": 2,
        "coding.write_python": 1,
    }
    assert (told.counted, told.complete) == (7, True)
    monkeypatch.setattr(actions, "_PAGE", 2)
    monkeypatch.setattr(actions, "MAX_COUNTED", 4)
    cut = await actions.list_swarm_actions(world.services, ADA, swarm.swarm_id, 200, None)
    assert (cut.counted, cut.complete) == (4, False)


async def test_what_a_swarm_made_is_listed_as_its_own(world: World) -> None:
    one, other = await world.create(), await world.create()
    space = ActionSpace(world.services.store, ADA.space(one.swarm_id), world.services.actions)
    await space.add(ActionMetadata(id="made-0", name="count words", description="Counts.", parent_id="coding"))
    mine = await actions.list_swarm_actions(world.services, ADA, one.swarm_id, 200, None)
    (made,) = [action for action in mine.items if not action.built_in]
    assert (made.action_id, made.path, made.used) == ("made-0", ("coding",), 0)
    others = await actions.list_swarm_actions(world.services, ADA, other.swarm_id, 200, None)
    assert all(action.built_in for action in others.items)
    with pytest.raises(NotFound):
        await actions.list_swarm_actions(world.services, BOB, one.swarm_id, 200, None)


async def test_a_tree_comes_parents_first_and_whole_while_it_grows(world: World) -> None:
    swarm = await world.create(crash_script.both(*(f"Write {n}.md" for n in range(5))))
    await world.run(swarm)
    pages = await whole_tree(world.services, ADA, swarm.swarm_id, limit=3)
    assert [len(page.nodes) for page in pages] == [3, 3, 3, 2]
    seen: set[str] = set()
    for page in pages:
        for node in page.nodes:
            assert node.parent_id is None or node.parent_id in seen
            seen.add(node.node_id)
        assert page.frame == page.nodes[-1].seq
    assert len(seen) == 11

    nodes = Documents(world.services.store, Category.SWARM_STATE, SwarmNode)
    late = SwarmNode(node_id="0.9", parent_id="0", action_id="x", directive="Late", lease=Lease(), seq=10_000)

    async def grow() -> None:
        await nodes.write(ADA.space(swarm.swarm_id), "0.9", late, seq=late.seq)

    grown = [n.node_id for page in await whole_tree(world.services, ADA, swarm.swarm_id, 4, grow) for n in page.nodes]
    assert sorted(grown) == sorted({*seen, "0.9"})
