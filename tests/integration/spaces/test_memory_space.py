"""A swarm's memory: standing folders, what it keeps, listings, and the search."""

from datetime import UTC, datetime, timedelta

import pytest
from spaces_stores import SPACE

from shared.adapters.sqlite import SqliteStore
from shared.errors import NotFound
from shared.llm.prompting import estimate_tokens
from shared.spaces.memory_search import search_memory
from shared.spaces.memory_space import MemorySpace, memory_id
from shared.spaces.metadata import MemoryMetadata
from shared.spaces.router import Choice, Option
from shared.store.port import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def memory(entry_id: str, name: str, parent_id: str, **fields: object) -> MemoryMetadata:
    told = {"id": entry_id, "name": name, "description": f"About {name}.", "parent_id": parent_id}
    return MemoryMetadata.model_validate({"node_id": "0", "created": NOON} | told | fields)


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


async def test_pages_give_memories_in_the_order_they_were_made(store: SqliteStore) -> None:
    space = MemorySpace(store, SPACE)
    for n in (2, 0, 1):
        await space.remember(memory(f"0-{n}", f"Fact {n}", "facts", created=NOON + timedelta(minutes=n)))
    await space.remember(memory("0.1-0", "Late", "projects", created=NOON + timedelta(hours=1), content="done"))
    page, cursor = await space.page(limit=2)
    assert [entry.id for entry in page] == ["0-0", "0-1"]
    page, cursor = await space.page(limit=2, cursor=cursor)
    assert [entry.id for entry in page] == ["0-2", "0.1-0"]
    page, _ = await space.page(since=NOON + timedelta(minutes=1))
    assert [entry.id for entry in page] == ["0-2", "0.1-0"]


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
    assert (none.found, chooser.asked, none.routes[0].ending) == ((), 0, "step_limit")
    below = await search_memory(space, ["tea"], ByName(), read, start="references")
    assert [item.memory.id for item in below.found] == ["0-3"]
