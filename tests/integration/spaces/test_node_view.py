"""The folders of memory that show the node tree: what lies where, what a look costs, and that nothing is written."""

import asyncio

import pytest
from nodes_written import artifact, ended, node, router, write, write_tree
from spaces_stores import SPACE, DictStore, Watched, check_whole, leaf_places

from shared.adapters.sqlite import SqliteStore
from shared.errors import Conflict, NotFound
from shared.spaces.memory_search import search_memory
from shared.spaces.memory_space import MemorySpace
from shared.spaces.metadata import MAX_INLINE_BYTES, MemoryMetadata, SpaceEntry, folder
from shared.spaces.node_view import artifact_memory_id, directive_id, report_id
from shared.spaces.router import Choice, Option
from shared.spaces.space import path_to
from shared.swarm.node import MAX_NODE_ID, SwarmNode
from shared.swarm.statuses import Status
from shared.swarm.swarm import Artifact


@pytest.fixture
async def space(store: SqliteStore) -> MemorySpace:
    await write_tree(store)
    return MemorySpace(store, SPACE)


async def listed(space: MemorySpace, folder_id: str) -> list[str]:
    return [child.id for child in await space.children(folder_id)]


async def test_reports_are_of_nodes_that_ended_routers_and_absorbers_left_out(space: MemorySpace) -> None:
    assert await listed(space, "reports") == ["reports.0"]
    assert await listed(space, "reports.0") == ["reports.0.2", "reports.0.5", "0.1.0-report", "0.3-report"]
    assert await listed(space, "reports.0.2") == ["0.2-report", "0.2.0-report", "0.2.1.0-report"]
    assert await listed(space, "reports.0.5") == ["0.5.0-report"]
    report = await space.memory("0.2.1.0-report")
    assert (report.parent_id, report.node_id, report.type) == ("reports.0.2", "0.2.1.0", "report")
    assert (report.name, report.content) == ("Do 0.2.1.0", "Did 0.2.1.0.")
    assert report.description == "Do 0.2.1.0 - Did 0.2.1.0."
    assert (await space.memory("0.3-report")).content == "There is no action for this."


async def test_directives_are_of_all_nodes_that_act(space: MemorySpace) -> None:
    assert await listed(space, "directives.0") == [
        *("directives.0.2", "directives.0.5"),
        *("0-directive", "0.1.0-directive", "0.3-directive", "0.4-directive"),
    ]
    directive = await space.memory("0.4-directive")
    assert (directive.parent_id, directive.type, directive.content) == ("directives.0", "directive", "Do 0.4")
    assert await path_to(space, "0.2.1.0-directive") == (
        *("Swarm Star", "Directives", "Do 0", "Do 0.2"),
        "Do 0.2.1.0",
    )


async def test_a_continuation_is_a_folder_under_its_manager_named_by_what_was_missing(space: MemorySpace) -> None:
    continued = await space.get("directives.0.5")
    assert continued is not None
    assert (continued.parent_id, continued.kind) == ("directives.0", "folder")
    assert continued.name == "Still missing: the second half Do 0"
    assert (await space.memory("0.5-directive")).content == "Still missing: the second half\n\nDo 0"


async def test_what_a_continuation_reports_is_listed_once_as_its_managers(store: SqliteStore) -> None:
    last = ended("0.1", round=1, missing="more", report="All of it.")
    await write(store, ended("0", "0", "1", report="All of it."), ended("0.0"), last)
    space = MemorySpace(store, SPACE)
    assert await listed(space, "reports.0") == ["0-report", "0.0-report"]
    assert (await space.memory("0.1-report")).content == "All of it."


async def test_projects_show_what_was_made_beside_kept_memories(space: MemorySpace) -> None:
    kept = MemoryMetadata(id="0.1.0-1", name="Plan", description="", parent_id="projects", content="Kept.")
    await space.remember(kept)
    assert await listed(space, "projects") == ["projects.0", "0.1.0-1"]
    assert await listed(space, "projects.0") == ["projects.0.2", "projects.0.5", "0.1.0-a0", "0.1.0-a1"]
    assert await listed(space, "projects.0.5") == []
    assert await space.memory("0.1.0-1") == kept
    notes = await space.memory(artifact_memory_id("0.1.0", 1))
    assert (notes.name, notes.description, notes.type) == ("notes.md", "What notes.md is.", "markdown")
    assert (notes.content, notes.blob_sha256, notes.parent_id) == ("print\n", None, "projects.0")
    assert (await space.memory("0.1.0-a0")).type == "code"
    film = await space.memory("0.2.1.0-a0")
    assert (film.content, film.blob_sha256, film.blob_size, film.type) == (None, "a" * 64, 99_000, "document")


async def test_every_card_is_its_entry_without_content_and_every_leaf_lies_in_one_place(space: MemorySpace) -> None:
    leaves = [*("0.1.0-report", "0.2-report", "0.2.0-report", "0.2.1.0-report", "0.3-report", "0.5.0-report")]
    leaves += [f"0{rest}-directive" for rest in ("", ".1.0", ".2", ".2.0", ".2.1.0", ".3", ".4", ".5", ".5.0")]
    leaves += ["0.1.0-a0", "0.1.0-a1", "0.2.1.0-a0"]
    await check_whole(space, set(leaves))
    queue: list[SpaceEntry] = [entry for entry in [await space.get("memory")] if entry]
    for at in queue:
        for card in await space.children(at.id):
            entry = await space.get(card.id)
            assert entry is not None
            assert card == entry.card()
            assert getattr(card, "content", None) is None
            queue += [card] if card.kind == "folder" else []


@pytest.mark.parametrize(
    "entry_id",
    [
        *("reports.9", "reports.0.4", "reports.0.1", "projects.0.2.0", "directives.0.9"),
        *("0-report", "0.4-report", "0.1-report", "9-directive", "0.1.0-a2", "0.1.0-a00", "0.4-a0"),
    ],
)
async def test_what_no_node_left_is_not_there(space: MemorySpace, entry_id: str) -> None:
    assert await space.get(entry_id) is None
    assert await space.children(entry_id) == []
    with pytest.raises(NotFound):
        await space.memory(entry_id)


async def test_views_cannot_be_added_to(space: MemorySpace) -> None:
    for entry_id, parent_id in (("x", "reports"), ("x", "projects.0"), ("0.4-report", "facts"), ("0.4-a0", "facts")):
        with pytest.raises(Conflict, match="cannot be added to"):
            await space.remember(MemoryMetadata(id=entry_id, name="x", description="", parent_id=parent_id))
    with pytest.raises(Conflict):
        await space.add(folder("projects.7", "x", "", "projects"))


async def test_a_child_that_is_planned_and_not_written_yet_is_left_out(store: SqliteStore) -> None:
    await write(store, node("0", "0", "1", "2"), router("0.0", "0"), ended("0.1"), router("0.2"))
    space = MemorySpace(store, SPACE)
    assert await listed(space, "reports.0") == ["0.1-report"]
    assert await listed(space, "directives.0") == ["0-directive", "0.1-directive", "0.2-directive"]
    await write(store, ended("0.0.0"))
    assert await listed(space, "reports.0") == ["0.0.0-report", "0.1-report"]


async def test_a_look_sees_what_happened_since_the_last_one(store: SqliteStore) -> None:
    await write(store, node("0"))
    space = MemorySpace(store, SPACE)
    assert (await listed(space, "reports"), await listed(space, "directives")) == ([], ["0-directive"])
    await write(store, node("0", "0"), node("0.0"))
    assert (await listed(space, "reports"), await listed(space, "reports.0")) == (["reports.0"], [])
    await write(store, ended("0", "0"), ended("0.0"))
    assert await listed(space, "reports.0") == ["0-report", "0.0-report"]


async def test_the_longest_ids_and_texts_fit(store: SqliteStore) -> None:
    deepest = "0" + ".1" * ((MAX_NODE_ID - 1) // 2)
    await write(store, node(deepest, "0", directive="ä" * MAX_INLINE_BYTES), ended(f"{deepest}.0", artifacts=1))
    await write(store, artifact(f"{deepest}.0-0", "n" * 200, description="d" * 900))
    space = MemorySpace(store, SPACE)
    assert await listed(space, f"projects.{deepest}") == [f"{deepest}.0-a0"]
    assert (await space.get(f"directives.{deepest}")) is not None
    directive = await space.memory(directive_id(deepest))
    assert directive.content == "ä" * (MAX_INLINE_BYTES // 2)
    assert (await space.memory(report_id(f"{deepest}.0"))).content == f"Did {deepest}.0."


def wide(fan_out: int, *, artifacts: int = 0, alive: bool = False) -> list[SwarmNode | Artifact]:
    """A root over managers over routers over leaves, `fan_out` of each below the next."""
    numbers = [str(n) for n in range(fan_out)]
    make = node if alive else ended
    nodes: list[SwarmNode | Artifact] = [make("0", *numbers)]
    for n in numbers:
        nodes.append(make(f"0.{n}", *numbers))
        nodes += [router(f"0.{n}.{m}", "0", **{} if alive else {"status": Status.TERMINATED}) for m in numbers]
        nodes += [make(f"0.{n}.{m}.0", artifacts=artifacts) for m in numbers]
        nodes += [artifact(f"0.{n}.{m}.0-{a}", f"{n}{m}{a}.md") for m in numbers for a in range(artifacts)]
    return nodes


async def test_a_look_costs_as_many_reads_as_the_folder_has_children_and_writes_nothing() -> None:
    store = DictStore()
    await write(store, *wide(8, artifacts=1, alive=True))
    watched = Watched(store)
    space = MemorySpace(watched, SPACE)
    for folder_id, reads, shown in (
        ("reports", 1, 1),
        ("directives.0", 1 + 8, 1 + 8),
        ("directives.0.3", 1 + 2 * 8, 1 + 8),
        ("reports.0.3", 1 + 2 * 8, 0),
        ("projects.0.3", 1 + 2 * 8 + 8, 8),
        ("projects", 1 + 1, 1),
    ):
        watched.calls.clear()
        assert len(await space.children(folder_id)) == shown
        assert watched.calls == {"get": reads}, folder_id
    for entry_id, reads in (("reports.0.3", 2), ("0.3.2.0-directive", 2), ("0.3.2.0-a0", 3), ("no-such", 1)):
        watched.calls.clear()
        await space.get(entry_id)
        assert watched.calls == {"get": reads}, entry_id


async def test_what_has_ended_is_read_once_for_all_views() -> None:
    store = DictStore()
    await write(store, *wide(8))
    watched = Watched(store)
    space = MemorySpace(watched, SPACE)
    await leaf_places(space, "reports")
    first = watched.calls["get"]
    await leaf_places(space, "directives")
    assert first == watched.calls["get"] == 1 + 8 + 2 * 64


async def test_a_look_at_a_node_with_very_many_children_is_bounded() -> None:
    store = DictStore()
    numbers = [str(n) for n in range(300)]
    await write(store, node("0", *numbers), *(ended(f"0.{n}", artifacts=50) for n in numbers))
    watched = Watched(store)
    space = MemorySpace(watched, SPACE)
    assert (await listed(space, "reports.0"))[-1] == "0.299-report"
    await listed(space, "projects.0")
    assert watched.calls["get"] <= 1 + 64 + 1 + 96


class Finds:
    """Chooses the option that is `wanted`, or lies above it; nothing if there is none."""

    def __init__(self, *wanted: str) -> None:
        self.asked = 0
        self._wanted = wanted

    async def __call__(self, query: str, options: list[Option]) -> Choice:
        self.asked += 1
        right = [o.number for o in options if {o.id, *o.members} & set(self._wanted)]
        return Choice(best=right[0] if right else 0)


async def read(memory: MemoryMetadata) -> str:
    return memory.content or ""


async def test_a_search_finds_a_report_among_many() -> None:
    store = DictStore()
    await write(store, *wide(8, artifacts=1))
    space = MemorySpace(store, SPACE)
    way = Finds("swarmstar", "reports", "reports.0.5", "0.5.6.0-report")
    found = await search_memory(space, ["What of 0.5.6?"], way, read, max_memories=1)
    assert [item.excerpt for item in found.found] == ["Did 0.5.6.0."]
    assert way.asked == 4
    way = Finds("projects", "projects.0.5", "0.5.6.0-a0")
    found = await search_memory(space, ["What was made?"], way, read, max_memories=1)
    assert [item.memory.name for item in found.found] == ["560.md"]


async def test_a_small_tree_is_shown_whole_and_an_empty_view_costs_no_question(store: SqliteStore) -> None:
    await write(store, node("0", "0"), ended("0.0"))
    space = MemorySpace(store, SPACE)
    way = Finds("0.0-report")
    found = await search_memory(space, ["What was done?"], way, read, max_memories=1)
    assert ([item.memory.id for item in found.found], way.asked) == (["0.0-report"], 1)
    way = Finds()
    nothing = await search_memory(space, ["What was made?"], way, read, start="projects")
    assert (nothing.found, way.asked) == ((), 0)


async def test_a_search_can_leave_memories_out(store: SqliteStore) -> None:
    await write(store, node("0", "0"), node("0.0"))
    space = MemorySpace(store, SPACE)
    way = Finds("0.0-directive")
    found = await search_memory(space, ["Do 0.0"], way, read, accept=lambda card: card.id != "0.0-directive")
    assert (found.found, way.asked) == ((), 1)


async def test_a_swarm_without_nodes_has_empty_views(store: SqliteStore) -> None:
    watched = Watched(store)
    space = MemorySpace(watched, SPACE)
    looks = await asyncio.gather(*(space.children(view) for view in ("reports", "directives", "projects")))
    assert looks == [[], [], []]
    assert watched.calls == {"get": 4}
