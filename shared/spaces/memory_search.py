"""Searching memory: each question is routed through the tree, and what is found is read within a bound."""

from collections.abc import Awaitable, Callable, Sequence

from pydantic import BaseModel, ConfigDict

from shared.spaces.excerpt import excerpt
from shared.spaces.memory_space import MemorySpace
from shared.spaces.metadata import MemoryMetadata, SpaceEntry
from shared.spaces.router import MAX_STEPS, Accept, Chooser, Route, search

#: The most questions one search takes up.
MAX_QUESTIONS = 8
#: The most memories one search gathers, unless the caller sets another bound.
MAX_MEMORIES = 6

#: Gives a memory's content as text, from its document or from its blob.
Read = Callable[[MemoryMetadata], Awaitable[str]]


class FoundMemory(BaseModel):
    """A memory a search found, the questions it was found for, and what of its content bears on them."""

    model_config = ConfigDict(frozen=True)

    memory: MemoryMetadata
    questions: tuple[str, ...]
    excerpt: str


class MemorySearch(BaseModel):
    """What a search found, the questions it found nothing for, and how it went."""

    model_config = ConfigDict(frozen=True)

    found: tuple[FoundMemory, ...]
    unanswered: tuple[str, ...]
    routes: tuple[Route, ...]


async def search_memory(
    space: MemorySpace,
    questions: Sequence[str],
    choose: Chooser,
    read: Read,
    *,
    start: str | None = None,
    accept: Accept | None = None,
    max_memories: int = MAX_MEMORIES,
    max_tokens: int = 3_000,
    max_steps: int = MAX_STEPS,
) -> MemorySearch:
    """Find at most `max_memories` memories for the questions, in turn, with excerpts of `max_tokens` in all.

    A question is searched for again, without what it found already, until nothing more is found or its `max_steps`
    are used up. One question comes after the other, so that the same answers give the same search. `accept` leaves
    memories out by their cards.
    """
    hunt = _Hunt(space, choose, start, accept, dict.fromkeys(questions[:MAX_QUESTIONS], max_steps))
    while hunt.open and len(hunt.found) < max_memories:
        for question in tuple(hunt.open):
            if len(hunt.found) < max_memories:
                await hunt.step(question)
    each = max_tokens // max(1, len(hunt.found))
    found = [await _read(space, read, *item, each) for item in hunt.found.items()]
    answered = {question for asked in hunt.found.values() for question in asked}
    return MemorySearch(
        found=tuple(found),
        unanswered=tuple(question for question in questions if question not in answered),
        routes=tuple(hunt.routes),
    )


class _Hunt:
    """The questions that are still open with the steps each has left, and what was found for which question."""

    def __init__(
        self,
        space: MemorySpace,
        choose: Chooser,
        start: str | None,
        accept: Accept | None,
        questions: dict[str, int],
    ) -> None:
        self.open = questions
        self.found: dict[str, list[str]] = {}
        self.routes: list[Route] = []
        self._space = space
        self._choose = choose
        self._start = start
        self._accept = accept or (lambda _: True)

    async def step(self, question: str) -> None:
        """Search once more for a question, and close it if that finds nothing."""

        def is_wanted(card: SpaceEntry) -> bool:
            return question not in self.found.get(card.id, ()) and self._accept(card)

        left = self.open[question]
        route = await search(self._space, question, self._choose, start=self._start, accept=is_wanted, max_steps=left)
        self.routes.append(route)
        self.open[question] = left - route.asked
        if route.found is None:
            del self.open[question]
        else:
            self.found.setdefault(route.found, []).append(question)


async def _read(space: MemorySpace, read: Read, entry_id: str, questions: list[str], tokens: int) -> FoundMemory:
    memory = await space.memory(entry_id)
    text = await read(memory)
    return FoundMemory(memory=memory, questions=tuple(questions), excerpt=excerpt(text, " ".join(questions), tokens))
