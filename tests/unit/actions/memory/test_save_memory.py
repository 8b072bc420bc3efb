"""Documents and facts as memories."""

from shared.actions.memory import save_memory
from shared.swarm.outcomes import Terminate
from shared.swarm.swarm import ContextDoc
from shared.testing import FakeModel, action_context


async def test_a_document_becomes_memories_of_a_bounded_size() -> None:
    text = "line\n" * 6_000
    document = ContextDoc(context_id="c", name="big.txt", type="text", size=len(text), content=text, sha256="0" * 64)
    outcome = await save_memory.perform(action_context(FakeModel({"description": "Lines."}), document=document))
    assert isinstance(outcome, Terminate)
    assert "".join(memory.content for memory in outcome.memories) == text
    assert all(len(memory.content) <= save_memory.PART_CHARS for memory in outcome.memories)
    assert outcome.memories[0].name == "big.txt (1 of 3)"


def test_no_document_makes_more_parts_than_the_bound() -> None:
    assert len(save_memory.split("x" * save_memory.PART_CHARS * 300)) == save_memory.MAX_PARTS
