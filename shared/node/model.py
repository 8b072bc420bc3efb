"""The model as an action sees it: asked for objects, for text and for turns of a conversation with tools."""

from collections.abc import Sequence
from functools import partial
from typing import TypeVar

from pydantic import BaseModel

from shared.llm.conversation import ModelTurn, take_turn
from shared.llm.port import CompletionRequest, Effort, Message, Tool
from shared.llm.profiles import ModelProfile
from shared.llm.prompting import Example, Section, build
from shared.llm.structured import structured
from shared.llm.whole import Complete, UnfinishedAnswer, complete_whole
from shared.node.journalled_calls import JournalledCalls
from shared.spaces.choosing import Ask

T = TypeVar("T", bound=BaseModel)

#: Tokens that a text is given on the smallest model, and with fewer than which none is begun.
TEXT_TOKENS = 1_024
LEAST_TEXT = 400
#: A prompt takes at most this part of the tokens that are left, unless it is a short one anyway.
_PART_OF_LEASE = 4
_SHORT_PROMPT = 2_976


class NodeModel:
    """The model for one node's turn. Calls are counted in order, so a repeat meets the same step keys."""

    def __init__(self, calls: JournalledCalls) -> None:
        self.calls = calls

    @property
    def profile(self) -> ModelProfile:
        """What the model can take and give."""
        return self.calls.profile

    @property
    def prompt_tokens(self) -> int:
        """Tokens that a prompt may have now."""
        affordable = self.calls.left.tokens // _PART_OF_LEASE
        return min(self.profile.prompt_tokens, max(affordable, _SHORT_PROMPT))

    def share(self, part: float) -> int:
        """A part of the tokens that a prompt may have."""
        return int(self.prompt_tokens * part)

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
        """An answer of the output model's shape."""
        messages = build(instructions, sections, budget=self.prompt_tokens, examples=examples)
        return await self.ask_messages(purpose, messages, output, tokens=tokens, effort=effort)

    async def ask_messages(
        self, purpose: str, messages: Sequence[Message], output: type[T], *, tokens: int = 200, effort: Effort = "low"
    ) -> T:
        """The same with messages that are ready."""
        request = self._request(messages, tokens, tokens, effort)
        # A grammar holds the small model to the bounds, and its prompts stay short.
        say_bounds = not self.calls.services.settings.model_offline
        return await structured(self._complete(purpose), request, output, say_bounds=say_bounds)

    def chooser(self, purpose: str) -> Ask:
        """Asks for the choices of one search, all under one purpose."""

        async def ask(messages: tuple[Message, ...], output: type[T], /) -> T:
            return await self.ask_messages(purpose, messages, output)

        return ask

    async def write(
        self,
        purpose: str,
        instructions: str,
        sections: Sequence[Section],
        *,
        examples: Sequence[Example] = (),
        tokens: int = TEXT_TOKENS,
        effort: Effort = "medium",
    ) -> str:
        """A whole text; raises `UnfinishedAnswer` with what there is of one that could not be finished."""
        messages = build(instructions, sections, budget=self.prompt_tokens, examples=examples)
        request = self._request(messages, tokens, min(tokens, LEAST_TEXT), effort)
        whole = await complete_whole(self._complete(purpose), request)
        if whole.cut:
            raise UnfinishedAnswer(whole.text, whole.cut)
        return whole.text

    async def converse(
        self,
        purpose: str,
        messages: Sequence[Message],
        tools: Sequence[Tool],
        *,
        tokens: int = TEXT_TOKENS,
        effort: Effort = "medium",
    ) -> ModelTurn:
        """The model's next turn in a conversation with tools; the caller keeps the messages within the window.

        The next call gets these messages, this turn's message and a result for each of its calls
        (`shared.llm.conversation.result_of`). The journal holds what is new in each.
        """
        request = self._request(messages, tokens, min(tokens, LEAST_TEXT), effort, tools=tools)
        return await take_turn(self._complete(purpose), request)

    def _complete(self, purpose: str) -> Complete:
        return partial(self.calls.complete, purpose)

    def _request(
        self, messages: Sequence[Message], tokens: int, least: int, effort: Effort, *, tools: Sequence[Tool] = ()
    ) -> CompletionRequest:
        """A request whose answer needs `tokens` on the smallest model, `least` of them at any rate."""
        settings, profile = self.calls.services.settings, self.profile
        visible = profile.visible(tokens)
        if settings.output_tokens is not None:
            visible = min(visible, settings.output_tokens)
        return CompletionRequest(
            messages=tuple(messages),
            model=settings.model,
            max_output_tokens=profile.room(visible, effort),
            least_output_tokens=min(least, visible),
            output_ceiling=profile.output,
            window=profile.window,
            tools=tuple(tools),
            effort=effort if profile.reasons else None,
            timeout=settings.model_timeout,
        )
