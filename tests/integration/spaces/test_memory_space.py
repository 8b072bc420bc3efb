"""A swarm's memory: standing folders, filing by node, listings, and the search."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from spaces_stores import SPACE, Crash, DictStore, Watched, leaf_places

from shared.adapters.sqlite import SqliteStore
from shared.errors import NotFound
from shared.llm.prompting import estimate_tokens
from shared.spaces.memory_search import search_memory
from shared.spaces.memory_space import MemorySpace, memory_id
from shared.spaces.metadata import MemoryMetadata
from shared.spaces.router import Choice, Option
from shared.spaces.space import path_to
from shared.store.port import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def memory(entry_id: str, name: str, parent_id: str, **fields: object) -> MemoryMetadata:
    told = {"id": entry_id, "name": name, "description": f"About {name}.", "parent_id": parent_id}
    return MemoryMetadata.model_validate({"node_id": "0", "created": NOON} | told | fields)


async def file_tree(space: MemorySpace, *node_ids: str) -> None:
    for node_id in node_ids:
        await space.file("directive", node_id, f"Do {node_id}", created=NOON)
    for node_id in reversed(node_ids):
        await space.file("report", node_id, f"Do {node_id}", created=NOON, content=f"Did {node_id}.")


async def test_a_memory_is_kept_with_its_content_and_listed_without(store: SqliteStore) -> None:
    space = MemorySpace(store, SPACE, [memory("docs.intro", "Intro", "docs", content="Hello.")])
    kept = await space.remember(memory(memory_id("0.1", 3), "Tea", "facts", content="Likes tea."))
    assert kept.content == "Likes tea."
    assert await space.memory("0.1-3") == kept
    assert await space.children("facts") == [kept.card()]
    assert [child.id for child in await space.children("memory")] == ["swarmstar", "user", "projects", "references"]
    assert (await space.memory("docs.intro")).content == "Hello."
    for entry_id in ("facts", "0.1-4"):
        with pytest.raises(NotFound):
            await space.memory(entry_id)


async def test_reports_are_filed_by_the_nodes_above(store: SqliteStore) -> None:
    space = MemorySpace(store, SPACE)
    await file_tree(space, "0", "0.1", "0.1.0", "0.10")
    assert await path_to(space, "0-report") == ("Swarm Star", "Reports", "Do 0")
    assert await path_to(space, "0.1.0-report") == (
        "Swarm Star",
        "Reports",
        "Below: Do 0",
        "Below: Do 0.1",
        "Do 0.1.0",
    )
    report = await space.memory("0.10-report")
    assert (report.parent_id, report.node_id, report.type) == ("reports.0", "0.10", "report")
    assert report.description == "Do 0.10 - Did 0.10."
    ids = {f"{node}-{kind}" for node in ("0", "0.1", "0.1.0", "0.10") for kind in ("report", "directive")}
    assert {entry_id: len(at) for entry_id, at in (await leaf_places(space)).items()} == dict.fromkeys(ids, 1)


async def test_nodes_without_reports_of_their_own_can_be_left_out_of_the_way(store: SqliteStore) -> None:
    space = MemorySpace(store, SPACE)
    await space.file("report", "0.3.0", "Count", created=NOON, content="3", below=["0"])
    assert (await space.memory("0.3.0-report")).parent_id == "reports.0"
    large = await space.file("report", "0.4", "Print", created=NOON, blob=("a" * 64, 70_000), summary="A long list.")
    assert (large.content, large.blob_size) == (None, 70_000)
    assert large.description == "Print - A long list."


async def test_filing_cut_off_anywhere_is_mended_by_the_next_call() -> None:
    for cut in range(20):
        store = DictStore()
        try:
            await file_tree(MemorySpace(Watched(store, writes_left=cut), SPACE), "0.1.2")
        except Crash:
            space = MemorySpace(store, SPACE)
            await file_tree(space, "0.1.2")
            assert {k: len(v) for k, v in (await leaf_places(space)).items()} == {
                "0.1.2-directive": 1,
                "0.1.2-report": 1,
            }
        else:
            assert cut > 8
            return
    pytest.fail("filing never ended")


async def test_filing_costs_the_same_in_a_large_swarm() -> None:
    watched = Watched(DictStore())
    space = MemorySpace(watched, SPACE)
    nodes = ["0"]
    for parent in nodes:
        nodes += [f"{parent}.{n}" for n in range(8)] if len(nodes) < 1_200 else []
    most = 0
    for node_id in nodes:
        watched.calls.clear()
        await file_tree(space, node_id)
        most = max(most, watched.calls.total())
    assert len(nodes) > 1_200
    assert most <= 40
    assert watched.largest < 10_000


async def test_siblings_file_at_the_same_time(store: SqliteStore) -> None:
    space = MemorySpace(store, SPACE)
    await asyncio.gather(*(file_tree(space, f"0.0.{n}") for n in range(16)))
    places = await leaf_places(space)
    assert {len(at) for at in places.values()} == {1}
    assert len(places) == 32


async def test_pages_give_memories_in_the_order_they_were_made(store: SqliteStore) -> None:
    space = MemorySpace(store, SPACE)
    for n in (2, 0, 1):
        await space.remember(memory(f"0-{n}", f"Fact {n}", "facts", created=NOON + timedelta(minutes=n)))
    await space.file("report", "0.1", "Late", created=NOON + timedelta(hours=1), content="done")
    page, cursor = await space.page(limit=2)
    assert [entry.id for entry in page] == ["0-0", "0-1"]
    page, cursor = await space.page(limit=2, cursor=cursor)
    assert [entry.id for entry in page] == ["0-2", "0.1-report"]
    page, _ = await space.page(since=NOON + timedelta(minutes=1))
    assert [entry.id for entry in page] == ["0-2", "0.1-report"]


async def test_the_overview_is_bounded_and_leaves_empty_folders_out(store: SqliteStore) -> None:
    space = MemorySpace(store, SPACE)
    for n in range(8):
        await space.remember(memory(f"0-{n}", f"Fact {n}", "facts"))
    glimpses = {glimpse.folder.id: glimpse for glimpse in await space.overview()}
    assert "projects" not in glimpses
    facts = glimpses["facts"]
    assert (facts.path, facts.count, len(facts.names)) == (("User", "Facts"), 8, 6)
    assert len(await space.overview(limit=2)) == 2


class ByName:
    """Chooses the option whose name, path or members hold a word of the question."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, query: str, options: list[Option]) -> Choice:
        self.asked += 1
        for option in options:
            if any(word in query for word in option.name.split()):
                return Choice(best=option.number)
        return Choice(best=0)


async def read(found: MemoryMetadata) -> str:
    return found.content or ""


async def small_memory(store: Store) -> MemorySpace:
    space = MemorySpace(store, SPACE)
    await space.remember(memory("0-1", "tea", "facts", content="Likes tea.\n\n" + "Also walks. " * 4000))
    await space.remember(memory("0-2", "coffee", "facts", content="Hates coffee."))
    await space.remember(memory("0-3", "tea", "references", content="Tea grows in Assam."))
    return space


async def test_a_search_gathers_what_each_question_needs(store: SqliteStore) -> None:
    space = await small_memory(store)
    questions = ["What of tea ?", "What of coffee ?", "What of rain ?"]
    result = await search_memory(space, questions, ByName(), read, max_tokens=600)
    assert {item.memory.id: item.questions for item in result.found} == {
        "0-1": ("What of tea ?",),
        "0-3": ("What of tea ?",),
        "0-2": ("What of coffee ?",),
    }
    assert result.unanswered == ("What of rain ?",)
    excerpts = {item.memory.id: item.excerpt for item in result.found}
    assert excerpts["0-2"] == "Hates coffee."
    assert "Likes tea." in excerpts["0-1"]
    assert sum(estimate_tokens(text) for text in excerpts.values()) <= 600


async def test_a_search_is_bounded(store: SqliteStore) -> None:
    space = await small_memory(store)
    one = await search_memory(space, ["tea", "coffee"], ByName(), read, max_memories=1)
    assert [item.memory.id for item in one.found] == ["0-3"]
    chooser = ByName()
    none = await search_memory(space, ["rain"], chooser, read, max_steps=0)
    assert (none.found, chooser.asked, none.routes[0].outcome) == ((), 0, "step_limit")
    below = await search_memory(space, ["tea"], ByName(), read, start="references")
    assert [item.memory.id for item in below.found] == ["0-3"]
