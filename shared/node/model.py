"""The model as an action sees it: bounded by the node's lease, journalled, and stopped by the user's control."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from pydantic import BaseModel

from shared.llm.journal import JournalEntry
from shared.llm.port import Completion, CompletionRequest, Message
from shared.llm.prices import usage_of
from shared.llm.prompting import Example, Section, build, estimate_tokens
from shared.llm.structured import structured
from shared.model_calls.retry import complete_with_short_waits
from shared.node.interruption import Interrupted, OutOfBudget
from shared.node.journal import NodeJournal
from shared.services import Services
from shared.spaces.choosing import Ask
from shared.swarm.budget import Lease, spent
from shared.swarm.control import Command, Control
from shared.swarm.node import NodeRef, SwarmNode

T = TypeVar("T", bound=BaseModel)

#: Characters of an answer that are kept: a journal entry is one document of the store.
MAX_ANSWER = 150_000
#: Carries the step key of a call to the endpoint: `user/swarm/node/generation.turn.step`.
STEP_HEADER = "x-swarmstar-step"


@dataclass
class NodeModel:
    """The model for one node's turn. Calls are counted in order, so a repeat meets the same step keys."""

    services: Services
    ref: NodeRef
    node: SwarmNode
    journal: NodeJournal
    #: When the swarm's wall time is over, had it never been paused.
    deadline: datetime
    #: What the node's ended children used, which counts against its lease too.
    below: Lease = field(default_factory=Lease)
    #: Steps already taken in this turn.
    step: int = 0

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
        """An answer of the output model's shape."""
        messages = build(instructions, sections, budget=self.services.settings.prompt_tokens, examples=examples)
        return await self.ask_messages(purpose, messages, output, tokens=tokens)

    async def ask_messages(self, purpose: str, messages: Sequence[Message], output: type[T], *, tokens: int = 200) -> T:
        """The same with messages that are ready."""

        async def complete(request: CompletionRequest) -> Completion:
            return await self._complete(purpose, request)

        return await structured(complete, self._request(messages, tokens), output)

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
        tokens: int | None = None,
    ) -> str:
        """Plain text."""
        messages = build(instructions, sections, budget=self.services.settings.prompt_tokens, examples=examples)
        request = self._request(messages, tokens or self.services.settings.output_tokens)
        return (await self._complete(purpose, request)).text

    def _request(self, messages: Sequence[Message], tokens: int) -> CompletionRequest:
        settings = self.services.settings
        return CompletionRequest(
            messages=tuple(messages),
            model=settings.model,
            max_output_tokens=min(tokens, settings.output_tokens),
            timeout=settings.model_timeout,
        )

    async def _complete(self, purpose: str, request: CompletionRequest) -> Completion:
        key = f"{self.node.generation}.{self.node.turn}.{self.step}"
        self.step += 1
        known = await self.journal.find(key)
        if known is not None and known.purpose == purpose:
            return _answered(known)
        control = await self._check()
        self._afford(request, control)
        entry = await self._call(key, purpose, request)
        if await self.journal.write(entry) != entry:
            raise Interrupted(None)  # another worker has the node by now: its answer holds, and it goes on
        await self._check()
        return _answered(entry)

    async def _call(self, key: str, purpose: str, request: CompletionRequest) -> JournalEntry:
        services, ref = self.services, self.ref
        headers = {STEP_HEADER: f"{ref.user_id}/{ref.swarm_id}/{self.node.node_id}/{key}"}
        started = services.now()
        async with services.calls.slot(ref.user_id):
            completion = _bounded(await complete_with_short_waits(services.model, replace(request, headers=headers)))
        return JournalEntry(
            node_id=self.node.node_id,
            step=key,
            purpose=purpose,
            model=completion.model,
            messages=request.messages,
            answer=completion.text,
            finish_reason=completion.finish_reason,
            usage=usage_of(completion),
            started=started,
            seconds=(services.now() - started).total_seconds(),
        )

    async def _check(self) -> Control:
        """What the user asks now; raises `Interrupted` unless that is to go on."""
        control = await self.services.control(self.ref.space)
        if control.generation > self.ref.generation:
            raise Interrupted(None)
        command = control.of(self.node.node_id)
        if command is not Command.RUN:
            raise Interrupted(command)
        return control

    def _afford(self, request: CompletionRequest, control: Control) -> None:
        """Raise `OutOfBudget` unless there is time, and the lease covers this call at its largest."""
        if self.services.now() >= self.deadline + timedelta(seconds=control.paused):
            raise OutOfBudget("time")
        read = sum(estimate_tokens(message.content) for message in request.messages)
        most = usage_of(Completion("", request.model, "", read, request.max_output_tokens))
        left = self.node.lease - self.below - spent(self.journal.usage, 0)
        after = left - spent(most, 0)
        if not after.covers(Lease()):
            raise OutOfBudget(after.shortest())


def _bounded(completion: Completion) -> Completion:
    """An answer that fits into the journal, whatever length an endpoint that knows no limit gave it."""
    if len(completion.text) <= MAX_ANSWER:
        return completion
    return replace(completion, text=completion.text[:MAX_ANSWER], finish_reason="length")


def _answered(entry: JournalEntry) -> Completion:
    return Completion(
        text=entry.answer,
        model=entry.model,
        finish_reason=entry.finish_reason,
        input_tokens=entry.usage.input_tokens,
        output_tokens=entry.usage.output_tokens,
    )
