"""What a script sees of a call and what it may answer."""

from collections.abc import Callable, Mapping, Sequence
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
    def messages(self) -> list[dict[str, Any]]:
        """The conversation."""
        return list(self.body.get("messages", ()))

    @property
    def last(self) -> str:
        """The text of the last message."""
        messages = self.messages
        return str(messages[-1]["content"]) if messages else ""

    @property
    def limit(self) -> int | None:
        """The most tokens that the answer may have, by either name of the parameter."""
        limit: int | None = self.body.get("max_completion_tokens", self.body.get("max_tokens"))
        return limit

    @property
    def tools(self) -> list[str]:
        """The names of the tools on offer."""
        return [tool["function"]["name"] for tool in self.body.get("tools", ())]

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
class Calling:
    """A tool that a reply calls."""

    name: str
    #: As JSON, or text that is sent as it is.
    arguments: object = field(default_factory=dict)
    #: None gives it one of its own.
    id: str | None = None


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
    #: Tools that the answer calls.
    calls: Sequence[Calling] = ()
    #: None for `tool_calls` where tools are called, and `stop` otherwise.
    finish_reason: str | None = None
    #: Tokens as reported; by default a quarter of the characters.
    input_tokens: int | None = None
    output_tokens: int | None = None
    #: Fields that go into the message, into the usage and into the body, over what would stand there.
    message: Mapping[str, object] = field(default_factory=dict)
    usage: Mapping[str, object] = field(default_factory=dict)
    body: Mapping[str, object] = field(default_factory=dict)


#: Decides the reply to each call. It runs on the event loop, so it must not block.
Rule = Callable[[Call], Reply]


def say_ok(_call: Call) -> Reply:
    """The rule when there is no other: every call is answered with `ok`."""
    return Reply("ok")
