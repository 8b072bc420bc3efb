"""The model port: one chat completion, bounded in time and tokens. Structure, repair and journal lie on top."""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

Role = Literal["system", "user", "assistant"]


class Message(BaseModel):
    """One message of a conversation."""

    model_config = ConfigDict(frozen=True)

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """One call to a chat model."""

    messages: tuple[Message, ...]
    #: A model name of the endpoint.
    model: str
    #: The most tokens the answer may have.
    max_output_tokens: int = 1024
    #: A JSON schema that the answer must follow, and its name; None for plain text.
    schema: dict[str, object] | None = None
    schema_name: str = "answer"
    temperature: float = 0.0
    #: Seconds the whole call may take.
    timeout: float = 120.0
    #: Extra HTTP headers; the step key of the call travels in one.
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model answered."""

    text: str
    #: The name the endpoint gave for the model that answered.
    model: str
    #: Why it stopped: `stop`, `length`, `content_filter` or what the endpoint said.
    finish_reason: str
    input_tokens: int
    output_tokens: int


class ChatModel(Protocol):
    """A chat endpoint. It makes one attempt; whoever calls it owns the retry."""

    async def complete(self, request: CompletionRequest) -> Completion:
        """Answer one request.

        Raises `ModelUnavailable` (with the endpoint's Retry-After) when another try can help: 408, 409, 429, 5xx,
        a cut connection, a timeout. Raises `ModelError` when it cannot: any other 4xx, a refusal, an answer that
        is no completion.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
