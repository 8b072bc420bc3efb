"""What a script sees of a call and what it may answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: The request header that carries a call's step key, `user/swarm/node/generation.turn.step`.
STEP_HEADER = "x-swarmstar-step"


@dataclass(frozen=True, slots=True)
class Call:
    """One chat completion that was asked for."""

    #: Its number, from 0, in the order of arrival.
    index: int
    #: The step key from its header; empty when it had none.
    step: str
    #: How many calls with this step key there were, this one included.
    times_seen: int
    #: The request body.
    body: Mapping[str, Any]
    #: The request headers; names in any case.
    headers: Mapping[str, str]

    @property
    def model(self) -> str:
        """The model name asked for."""
        return str(self.body.get("model", ""))

    @property
    def messages(self) -> list[dict[str, str]]:
        """The conversation."""
        return list(self.body.get("messages", ()))

    @property
    def last(self) -> str:
        """The text of the last message."""
        messages = self.messages
        return messages[-1]["content"] if messages else ""

    @property
    def schema_name(self) -> str | None:
        """The name of the schema the answer must follow; None for plain text."""
        name: str | None = self._schema_part("name")
        return name

    @property
    def schema(self) -> dict[str, Any] | None:
        """The schema the answer must follow."""
        schema: dict[str, Any] | None = self._schema_part("schema")
        return schema

    def _schema_part(self, part: str) -> Any:
        return (self.body.get("response_format") or {}).get("json_schema", {}).get(part)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the endpoint does with a call."""

    #: Text is answered as it is, anything else as JSON. With a `status` of 400 and above it is the error: its
    #: message, or a mapping with the fields of an OpenAI error object.
    content: object = ""
    #: Seconds until the answer, on top of the server's own latency.
    delay: float = 0.0
    status: int = 200
    #: Extra response headers, such as `Retry-After`.
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Cut the connection in the middle of the answer.
    cut: bool = False
    #: Bytes to answer in place of a completion.
    rubbish: bytes | None = None
    #: The model's words for not answering.
    refusal: str | None = None
    finish_reason: str = "stop"
    #: Tokens as reported; by default a quarter of the characters.
    input_tokens: int | None = None
    output_tokens: int | None = None


#: Decides the reply to each call. It runs on the event loop, so it must not block.
Rule = Callable[[Call], Reply]


def say_ok(_call: Call) -> Reply:
    """The rule when there is no other: every call is answered with `ok`."""
    return Reply("ok")
