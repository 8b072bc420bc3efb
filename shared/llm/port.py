"""The model port: one chat completion, bounded in time and tokens. Structure, repair and journal lie on top."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from shared.llm.encodable import decoded

Role = Literal["system", "user", "assistant", "tool"]
#: How much a model that reasons is to think.
Effort = Literal["low", "medium", "high"]

#: Seconds one model call may take unless the request says otherwise.
CALL_TIMEOUT = 120.0


class ToolCall(BaseModel):
    """A call of a tool, as the model wrote it."""

    model_config = ConfigDict(frozen=True)

    #: Unique in its conversation; the result names it.
    id: str
    name: str
    #: The text of a JSON object, unless `error` says why it is none.
    arguments: str
    #: Why the call cannot be carried out, such as arguments that were cut off; empty if it can. It is the answer to
    #: give in the place of a result.
    error: str = ""

    def values(self) -> dict[str, Any]:
        """The arguments by name. Raises `ValueError` for a call with an `error`."""
        if self.error:
            raise ValueError(self.error)
        parsed = decoded(self.arguments)
        if not isinstance(parsed, dict):
            raise ValueError("the arguments are no JSON object")
        return parsed


class Message(BaseModel):
    """One message of a conversation."""

    model_config = ConfigDict(frozen=True)

    role: Role
    content: str
    #: Of an assistant's message, the tools it calls.
    tool_calls: tuple[ToolCall, ...] = ()
    #: Of a tool's message, the id of the call that it answers.
    tool_call_id: str | None = None

    @property
    def size(self) -> int:
        """Characters, those of its tool calls included."""
        return len(self.content) + sum(len(call.name) + len(call.arguments) for call in self.tool_calls)


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the model may call."""

    #: Letters, digits, `_` and `-`; 64 characters at most.
    name: str
    description: str
    #: The JSON schema of its arguments: an object.
    parameters: dict[str, Any]

    @property
    def size(self) -> int:
        """Characters of its definition in a request."""
        return len(self.name) + len(self.description) + len(json.dumps(self.parameters))


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """One call to a chat model."""

    messages: tuple[Message, ...]
    #: A model name of the endpoint.
    model: str
    #: The most tokens the answer may have, with what the model thinks before it.
    max_output_tokens: int = 1024
    #: Tokens of these that the answer itself may need; a call with less room than that is not worth making.
    least_output_tokens: int = 1
    #: The most that `max_output_tokens` may be raised to when an answer was cut off.
    output_ceiling: int = 1 << 20
    #: Tokens that the messages and the answer may have together.
    window: int = 1 << 20
    #: A JSON schema that the answer must follow, and its name; None for plain text.
    schema: dict[str, object] | None = None
    schema_name: str = "answer"
    #: Tools that the answer may call, several at once. Not together with a schema.
    tools: tuple[Tool, ...] = ()
    #: How much to think, for a model that reasons; None leaves it to the model.
    effort: Effort | None = None
    temperature: float = 0.0
    #: Seconds the whole call may take.
    timeout: float = CALL_TIMEOUT
    #: Extra HTTP headers; the step key of the call travels in one.
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model answered."""

    #: What the model says, without what it thought before.
    text: str
    #: The name the endpoint gave for the model that answered.
    model: str
    #: Why it stopped: `stop`, `tool_calls`, `length`, `content_filter` or what the endpoint said.
    finish_reason: str
    input_tokens: int
    #: With what the model thought.
    output_tokens: int
    #: Tokens of the input that the endpoint had cached.
    cached_tokens: int = 0
    tool_calls: tuple[ToolCall, ...] = ()

    @property
    def is_cut(self) -> bool:
        """Whether it stopped before its end."""
        return self.finish_reason in {"length", "content_filter"}


class ChatModel(Protocol):
    """A chat endpoint. It makes one attempt; whoever calls it owns the retry."""

    async def complete(self, request: CompletionRequest) -> Completion:
        """Answer one request.

        A model that has no tools or schemas of its own is asked for them in words; the completion is the same.
        Raises `ModelUnavailable` (with the seconds to wait) when another try can help: 408, 409, 429, 5xx, a cut
        connection, a timeout, a passing answer that is no completion. Raises `ModelError` when it cannot: any other
        4xx, a refusal, an endpoint that keeps answering what is no completion.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
