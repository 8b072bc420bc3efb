"""Model calls of one node's turn: each under its step key, within the node's lease, and only while the user agrees."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.llm.configured import configured_profile
from shared.llm.journal import JournalEntry
from shared.llm.port import Completion, CompletionRequest, Message
from shared.llm.prices import usage_of
from shared.llm.profiles import ModelProfile
from shared.llm.prompting import prompt_tokens
from shared.model_calls.retry import complete_with_short_waits
from shared.node.interruption import Interrupted, OutOfBudget
from shared.node.journal import NodeJournal
from shared.services import Services
from shared.swarm.budget import Lease, spent
from shared.swarm.control import Command, Control
from shared.swarm.node import NodeRef, SwarmNode

#: Carries the step key of a call to the endpoint: `user/swarm/node/generation.turn.step`.
STEP_HEADER = "x-swarmstar-step"
#: How many earlier calls of a turn are looked at for the beginning of a conversation.
_LOOKED_AT = 4
_MILLION = 1_000_000


@dataclass
class JournalledCalls:
    """Makes the calls of one turn, or finds them in the journal. They are counted in order, so a repeat meets the same
    step keys.
    """

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
    #: The messages of the latest calls and their answers, by step key: what later calls may begin with.
    _said: dict[str, tuple[Message, ...]] = field(default_factory=dict)

    @property
    def profile(self) -> ModelProfile:
        """The profile of the configured model."""
        return configured_profile(self.services.settings)

    @property
    def left(self) -> Lease:
        """What is left of the node's lease."""
        return self.node.lease - self.below - spent(self.journal.usage, 0)

    async def complete(self, purpose: str, request: CompletionRequest) -> Completion:
        """Make the turn's next call, unless the journal has its answer.

        Raises `OutOfBudget`, `Interrupted`, and what the model port raises.
        """
        key = self._next_key(purpose)
        entry = await self.journal.find(key)
        if entry is None:
            entry = await self._made(key, purpose, request)
        answer = Message(role="assistant", content=entry.answer, tool_calls=entry.tool_calls)
        self._said[key] = (*request.messages, answer)
        if len(self._said) > _LOOKED_AT:
            del self._said[next(iter(self._said))]
        return _answered(entry)

    def _next_key(self, purpose: str) -> str:
        """The key of the next step: one that was made for this purpose, or the first that is free.

        A step that was made for something else, as before a deploy, is passed over: nothing is paid for under a key
        that is taken.
        """
        while True:
            key = f"{self.node.generation}.{self.node.turn}.{self.step}"
            self.step += 1
            if self.journal.purpose_of(key) in {None, purpose}:
                return key

    async def _made(self, key: str, purpose: str, request: CompletionRequest) -> JournalEntry:
        control = await self._check()
        entry = await self._call(key, purpose, self._afforded(request, control))
        if await self.journal.write(entry) != entry:
            raise Interrupted(None)  # another worker has the node by now: its answer holds, and it goes on
        await self._check()
        return entry

    async def _call(self, key: str, purpose: str, request: CompletionRequest) -> JournalEntry:
        services, ref = self.services, self.ref
        headers = {STEP_HEADER: f"{ref.user_id}/{ref.swarm_id}/{self.node.node_id}/{key}"}
        started = services.now()
        async with services.calls.slot(ref.user_id):
            completion = await complete_with_short_waits(services.model, replace(request, headers=headers))
        continues, messages = self._new_messages(request.messages)
        return JournalEntry(
            node_id=self.node.node_id,
            step=key,
            purpose=purpose,
            model=completion.model,
            continues=continues,
            messages=messages,
            tools=tuple(tool.name for tool in request.tools),
            answer=completion.text,
            tool_calls=completion.tool_calls,
            finish_reason=completion.finish_reason,
            usage=usage_of(completion, self.profile),
            started=started,
            seconds=(services.now() - started).total_seconds(),
        )

    def _new_messages(self, messages: tuple[Message, ...]) -> tuple[str | None, tuple[Message, ...]]:
        """The step whose messages and answer these begin with, and those behind them."""
        for key, said in reversed(self._said.items()):
            if messages[: len(said)] == said:
                return key, messages[len(said) :]
        return None, messages

    async def _check(self) -> Control:
        """What the user asks now; raises `Interrupted` unless that is to go on."""
        control = await self.services.control(self.ref.space)
        command = control.of(self.node.node_id)
        if command is not Command.RUN:
            raise Interrupted(command)
        return control

    def _afforded(self, request: CompletionRequest, control: Control) -> CompletionRequest:
        """The request with as much room as the lease covers; raises `OutOfBudget` unless that is enough for an answer,
        and there is time.
        """
        if self.services.now() >= self.deadline + timedelta(seconds=control.paused):
            raise OutOfBudget("time")
        read = prompt_tokens(request)
        fitting = max(request.window - read, request.least_output_tokens)
        room = min(request.max_output_tokens, fitting, self.left.tokens - read, self._bought(read))
        if self.left.calls < 1:
            raise OutOfBudget("model calls")
        if room < min(request.least_output_tokens, request.max_output_tokens):
            raise OutOfBudget("tokens" if self.left.tokens - read <= room else "cost")
        return replace(request, max_output_tokens=room)

    def _bought(self, read: int) -> int:
        """Tokens of an answer that what is left pays for, behind a prompt of so many."""
        price = self.profile.price
        if price is None or not price.output:
            return self.left.tokens
        return int((self.left.cost_usd - read * price.input / _MILLION) * _MILLION / price.output)


def _answered(entry: JournalEntry) -> Completion:
    return Completion(
        text=entry.answer,
        model=entry.model,
        finish_reason=entry.finish_reason,
        input_tokens=entry.usage.input_tokens,
        output_tokens=entry.usage.output_tokens,
        cached_tokens=entry.usage.cached_tokens,
        tool_calls=entry.tool_calls,
    )
