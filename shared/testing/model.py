"""A model for tests of actions: answers from a list, checked as the real one's are, with a record of what it got."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from shared.actions.context import Model
from shared.llm.conversation import ModelTurn
from shared.llm.port import Effort, Message, Tool
from shared.llm.profiles import ModelProfile, profile_of
from shared.llm.prompting import Example, Section, build
from shared.llm.schema import strict_schema

T = TypeVar("T", bound=BaseModel)

#: What a fake model gives: an object for `ask`, a text for `write`, a turn for `converse`, or an error that it raises.
Answer = Mapping[str, object] | BaseModel | str | ModelTurn | Exception


@dataclass(frozen=True, slots=True)
class Asked:
    """One call that an action made."""

    purpose: str
    messages: tuple[Message, ...]
    #: What the answer needs on the smallest model, and how much the model is to think.
    tokens: int
    effort: Effort
    #: The tools on offer in a conversation.
    tools: tuple[Tool, ...] = ()

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

    def __init__(self, *answers: Answer, profile: ModelProfile | None = None) -> None:
        self._answers = list(answers)
        #: What it can take and give; the default model's unless another is given.
        self.profile = profile or profile_of("gpt-5-mini")
        #: The calls so far.
        self.asked: list[Asked] = []

    @property
    def unused(self) -> int:
        """How many answers nobody has asked for."""
        return len(self._answers)

    def share(self, part: float) -> int:
        """A part of the tokens of its prompts."""
        return self.profile.share(part)

    async def ask(
        self,
        purpose: str,
        instructions: str,
        sections: Sequence[Section],
        output: type[T],
        *,
        examples: Sequence[Example] = (),
        tokens: int = 600,
        effort: Effort = "medium",
    ) -> T:
        """The next answer as an `output`."""
        for example in examples:
            output.model_validate_json(example.answer)
        messages = build(instructions, sections, budget=self.profile.prompt_tokens, examples=examples)
        return await self.ask_messages(purpose, messages, output, tokens=tokens, effort=effort)

    async def ask_messages(
        self, purpose: str, messages: Sequence[Message], output: type[T], *, tokens: int = 200, effort: Effort = "low"
    ) -> T:
        """The next answer as an `output`, for messages that are ready."""
        strict_schema(output)
        answer = self._next(Asked(purpose, tuple(messages), tokens, effort))
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
        tokens: int = 1_024,
        effort: Effort = "medium",
    ) -> str:
        """The next answer, which must be a text."""
        messages = build(instructions, sections, budget=self.profile.prompt_tokens, examples=examples)
        answer = self._next(Asked(purpose, messages, tokens, effort))
        if not isinstance(answer, str):
            raise AssertionError(f"{purpose} asks for text, and the next answer is {answer!r}")
        return answer

    async def converse(
        self,
        purpose: str,
        messages: Sequence[Message],
        tools: Sequence[Tool],
        *,
        tokens: int = 1_024,
        effort: Effort = "medium",
    ) -> ModelTurn:
        """The next answer, which must be a turn."""
        answer = self._next(Asked(purpose, tuple(messages), tokens, effort, tuple(tools)))
        if not isinstance(answer, ModelTurn):
            raise AssertionError(f"{purpose} asks for a turn, and the next answer is {answer!r}")
        return answer

    def _next(self, asked: Asked) -> Mapping[str, object] | BaseModel | str | ModelTurn:
        self.asked.append(asked)
        if not self._answers:
            raise AssertionError(f"there is no answer left for call {len(self.asked)}, {asked.purpose!r}")
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


# mypy holds the fake to what actions are given.
_FAKE: type[Model] = FakeModel
