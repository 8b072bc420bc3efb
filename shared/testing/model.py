"""A model for tests of actions: answers from a list, checked as the real one's are, with a record of what it got."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from shared.actions.context import Model
from shared.llm.port import Message
from shared.llm.prompting import Example, Section, build
from shared.llm.schema import strict_schema

T = TypeVar("T", bound=BaseModel)

#: What a fake model gives: an object for `ask`, a text for `write`, or an error that it raises.
Answer = Mapping[str, object] | BaseModel | str | Exception

#: Tokens of a prompt before its sections are cut.
PROMPT_TOKENS = 12_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One call that an action made."""

    purpose: str
    messages: tuple[Message, ...]
    #: The bound on the answer; None where the action named none.
    tokens: int | None

    @property
    def prompt(self) -> str:
        """The last message: the sections that were not empty, each as `title:` with its text below."""
        return self.messages[-1].content


class FakeModel:
    """Gives the answers it is made with, in their order; satisfies `shared.actions.context.Model`.

    It refuses what an endpoint would refuse: an output model that makes no strict schema raises `TypeError`, an
    example or an answer that does not fit the output model `pydantic.ValidationError`. One call more than there are
    answers raises `AssertionError`.
    """

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        #: The calls so far.
        self.asked: list[Asked] = []

    @property
    def unused(self) -> int:
        """How many answers nobody has asked for."""
        return len(self._answers)

    async def ask(
        self,
        purpose: str,
        instructions: str,
        sections: Sequence[Section],
        output: type[T],
        *,
        examples: Sequence[Example] = (),
        tokens: int = 600,
    ) -> T:
        """The next answer as an `output`."""
        for example in examples:
            output.model_validate_json(example.answer)
        messages = build(instructions, sections, budget=PROMPT_TOKENS, examples=examples)
        return await self.ask_messages(purpose, messages, output, tokens=tokens)

    async def ask_messages(self, purpose: str, messages: Sequence[Message], output: type[T], *, tokens: int = 200) -> T:
        """The next answer as an `output`, for messages that are ready."""
        strict_schema(output)
        answer = self._next(Asked(purpose, tuple(messages), tokens))
        if isinstance(answer, str):
            return output.model_validate_json(answer)
        return output.model_validate(answer)

    async def write(
        self,
        purpose: str,
        instructions: str,
        sections: Sequence[Section],
        *,
        examples: Sequence[Example] = (),
        tokens: int | None = None,
    ) -> str:
        """The next answer, which must be a text."""
        messages = build(instructions, sections, budget=PROMPT_TOKENS, examples=examples)
        answer = self._next(Asked(purpose, messages, tokens))
        if not isinstance(answer, str):
            raise AssertionError(f"{purpose} asks for text, and the next answer is {answer!r}")
        return answer

    def _next(self, asked: Asked) -> Mapping[str, object] | BaseModel | str:
        self.asked.append(asked)
        if not self._answers:
            raise AssertionError(f"there is no answer left for call {len(self.asked)}, {asked.purpose!r}")
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


# mypy holds the fake to what actions are given.
_FAKE: type[Model] = FakeModel
