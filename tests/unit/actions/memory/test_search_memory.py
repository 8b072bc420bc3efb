"""Answers from memory."""

from shared.actions.memory import search_memory
from shared.swarm.outcomes import Terminate
from shared.testing import FakeMemory, FakeModel, action_context


async def test_a_search_that_finds_nothing_reports_so_without_a_model() -> None:
    outcome = await search_memory.perform(action_context(FakeModel(), "Who pays?"))
    assert outcome == Terminate(report="Memory holds nothing on this: Who pays?", complete=False)


async def test_an_answer_names_the_memories_it_rests_on_and_no_others() -> None:
    model = FakeModel({"found": True, "answer": "Ada pays.", "memories": [2, 9]})
    outcome = await search_memory.perform(action_context(model, memory=FakeMemory(("a", "x"), ("b", "Ada pays"))))
    assert isinstance(outcome, Terminate)
    assert outcome.report == "Ada pays.\n\nMemories: m-1"
