"""Conversations with tools: what the model says in its turn, and how results go back to it."""

from dataclasses import dataclass, replace

from shared.llm.port import Completion, CompletionRequest, Message, ToolCall
from shared.llm.whole import Complete


@dataclass(frozen=True, slots=True)
class ModelTurn:
    """What the model said in one turn of a conversation."""

    #: The assistant's message, to be put behind the others.
    message: Message
    #: Why it stopped before its end; empty if it did not. A call that was cut off has an `error` of its own.
    cut: str = ""

    @property
    def text(self) -> str:
        """What the model says beside its calls."""
        return self.message.content

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tools it calls, in order."""
        return self.message.tool_calls


def result_of(call: ToolCall, text: str) -> Message:
    """The result of a tool call, as the message that answers it. Every call of a turn needs one."""
    return Message(role="tool", content=text, tool_call_id=call.id)


async def take_turn(complete: Complete, request: CompletionRequest) -> ModelTurn:
    """Have the model take its turn.

    A turn that was cut off before it came to a call that can be carried out is taken once more, with twice the room.
    """
    answer = await complete(request)
    roomier = min(2 * request.max_output_tokens, request.output_ceiling)
    if _is_lost(answer) and roomier > request.max_output_tokens:
        answer = await complete(replace(request, max_output_tokens=roomier))
    message = Message(role="assistant", content=answer.text, tool_calls=answer.tool_calls)
    return ModelTurn(message, cut=_cut(answer))


def _is_lost(answer: Completion) -> bool:
    return answer.finish_reason == "length" and all(call.error for call in answer.tool_calls)


def _cut(answer: Completion) -> str:
    if answer.finish_reason == "content_filter":
        return "the endpoint's content filter stopped it"
    return "it was cut off at the limit of tokens" if answer.finish_reason == "length" else ""
