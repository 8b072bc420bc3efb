"""The fake memory gives what it holds, within the tokens that are asked for."""

from shared.actions.context import Memory
from shared.llm.prompting import estimate_tokens
from shared.testing import FakeMemory


async def test_a_search_finds_everything_whole_and_is_kept() -> None:
    memory = FakeMemory(("a.md", "Ada pays."), ("b.md", "Bob eats."))
    searching: Memory = memory
    found = await searching.search("Who pays?")
    assert [(item.memory.id, item.memory.name, item.content) for item in found] == [
        ("m-0", "a.md", "Ada pays."),
        ("m-1", "b.md", "Bob eats."),
    ]
    assert memory.searched == ["Who pays?"]


async def test_background_keeps_to_its_tokens() -> None:
    memory = FakeMemory(("a.md", "a" * 9_000), ("b.md", "b" * 9_000))
    shown = await memory.background("Anything", 100)
    assert len(shown) == 2
    assert 50 < sum(estimate_tokens(item.content) for item in shown) <= 102  # an estimate is a token too many at most
    assert memory.searched == ["Anything"]


async def test_an_empty_memory_finds_nothing() -> None:
    memory = FakeMemory()
    assert await memory.search("Anything") == await memory.background("Anything", 100) == []
