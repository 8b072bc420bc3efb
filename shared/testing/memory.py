"""A memory for tests of actions: every search finds all that it holds, and what was searched for is kept."""

from collections.abc import Sequence

from shared.actions.context import Memory
from shared.llm.prompting import clip
from shared.spaces.metadata import MemoryMetadata
from shared.utils.memory_reader import Recalled


class FakeMemory:
    """Holds memories given as (name, content); satisfies `shared.actions.context.Memory`.

    Their ids are `m-0`, `m-1`, ... in the order they are given in.
    """

    def __init__(self, *held: tuple[str, str]) -> None:
        self._held = [_recalled(number, name, content) for number, (name, content) in enumerate(held)]
        #: What was searched for, background included, in order.
        self.searched: list[str] = []

    async def background(self, query: str, tokens: int) -> Sequence[Recalled]:
        """Everything it holds, each memory cut to an equal part of the tokens."""
        self.searched.append(query)
        part = tokens // max(1, len(self._held))
        return [Recalled(item.memory, clip(item.content, part)) for item in self._held]

    async def search(self, question: str) -> Sequence[Recalled]:
        """Everything it holds."""
        self.searched.append(question)
        return list(self._held)


def _recalled(number: int, name: str, content: str) -> Recalled:
    memory = MemoryMetadata(id=f"m-{number}", name=name, description="", parent_id="references", content=content)
    return Recalled(memory, content)


# mypy holds the fake to what actions are given.
_FAKE: type[Memory] = FakeMemory
