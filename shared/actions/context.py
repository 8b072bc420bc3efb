"""What an action is given: its node, and what it may ask and read. It writes nothing; it returns an outcome."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from pydantic import BaseModel

from shared.llm.conversation import ModelTurn
from shared.llm.port import Effort, Message, Tool
from shared.llm.profiles import ModelProfile
from shared.llm.prompting import Example, Section
from shared.swarm.node import SwarmNode
from shared.swarm.outcomes import Outcome
from shared.swarm.swarm import ContextDoc, QuestionDoc, Swarm
from shared.utils.memory_reader import Recalled

T = TypeVar("T", bound=BaseModel)


class Model(Protocol):
    """The model as an action sees it: every call is journalled and bounded.

    `tokens` is what an answer needs of the smallest model; a larger one is given more, and room to think by `effort`.
    """

    @property
    def profile(self) -> ModelProfile:
        """What the model can take and give."""
        ...

    def share(self, part: float) -> int:
        """A part of the tokens that a prompt may have, such as 0.25 for what memory may fill."""
        ...

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
        """An answer of the output model's shape; the model is told its bounds. Raises `ModelError`, `Unavailable`."""
        ...

    async def ask_messages(
        self, purpose: str, messages: Sequence[Message], output: type[T], *, tokens: int = 200, effort: Effort = "low"
    ) -> T:
        """The same with messages that are ready."""
        ...

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
        """A whole text. Raises `UnfinishedAnswer`, a `ModelError`, with what there is of one that stays cut off."""
        ...

    async def converse(
        self,
        purpose: str,
        messages: Sequence[Message],
        tools: Sequence[Tool],
        *,
        tokens: int = 1_024,
        effort: Effort = "medium",
    ) -> ModelTurn:
        """The model's next turn in a conversation with tools."""
        ...


class Memory(Protocol):
    """The swarm's memory as an action sees it."""

    async def background(self, query: str, tokens: int) -> Sequence[Recalled]:
        """What bears on a query, within so many tokens; without a model call where memory is small."""
        ...

    async def search(self, question: str) -> Sequence[Recalled]:
        """The memories found by searching the memory space for one question."""
        ...


#: How a child ended, as its manager reads it.
ChildEnding = Literal["done", "incomplete", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class ChildReport:
    """What a child left for its manager's review."""

    node_id: str
    directive: str
    report: str
    ending: ChildEnding


@dataclass(frozen=True, slots=True)
class ActionOption:
    """An action a plan may name."""

    action_id: str
    description: str


@dataclass(frozen=True, slots=True)
class ActionContext:
    """Everything an action may read."""

    node: SwarmNode
    swarm: Swarm
    model: Model
    memory: Memory
    #: Whether a plan is checked for independence.
    check_plan: bool = True
    #: The actions a plan may name itself; empty when routers choose.
    options: tuple[ActionOption, ...] = ()
    #: Reports of its children, for a review.
    children: tuple[ChildReport, ...] = ()
    #: For a review and the plan of a later round, files that the directive names and no node has produced; not those
    #: of the context.
    not_produced: tuple[str, ...] = ()
    #: Its questions of earlier turns, answered or expired.
    answers: tuple[QuestionDoc, ...] = ()
    #: The document it was spawned to absorb.
    document: ContextDoc | None = None

    @property
    def fan_out(self) -> int:
        """Sub-directives a plan may have."""
        return self.swarm.limits.fan_out

    @property
    def handed_over(self) -> frozenset[str]:
        """The names of the context's documents, which nothing that is produced may take."""
        return frozenset(document.name for document in self.swarm.context)


Perform = Callable[[ActionContext], Awaitable[Outcome]]
