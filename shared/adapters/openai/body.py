"""Requests in the words of the chat completions protocol, as a dialect wants them."""

from typing import Any

from shared.adapters.openai.dialect import Dialect
from shared.llm.json_steps import as_steps
from shared.llm.port import CompletionRequest, Message, Tool, ToolCall
from shared.llm.prompting import prompt_tokens
from shared.llm.schema import Schema, without_bounds
from shared.llm.schema_words import shape_in_words

#: How many schemas are remembered without their bounds.
REMEMBERED = 256


class Bodies:
    """Makes the bodies of requests; `keep_bounds` leaves lengths in schemas, for servers that make grammars of them."""

    def __init__(self, *, keep_bounds: bool) -> None:
        self._keep_bounds = keep_bounds
        self._stripped: dict[int, tuple[Schema, Schema]] = {}

    def of(self, request: CompletionRequest, dialect: Dialect) -> dict[str, Any]:
        """The body of a request."""
        if request.tools and dialect.tools != "native":
            request = as_steps(request)
        messages = [_message(message) for message in request.messages]
        body: dict[str, Any] = {"model": request.model, "messages": messages}
        body[dialect.limit] = _limit(request, dialect)
        if dialect.temperature:
            body["temperature"] = request.temperature
        if dialect.effort and request.effort is not None:
            body["reasoning_effort"] = request.effort
        if request.tools:
            body["tools"] = [_tool(tool) for tool in request.tools]
        if request.schema is not None:
            self._shape(body, request, request.schema, dialect)
        return body

    def _shape(self, body: dict[str, Any], request: CompletionRequest, schema: Schema, dialect: Dialect) -> None:
        if dialect.structured == "schema":
            sent = schema if self._keep_bounds else self._without_bounds(schema)
            strict = schema.get("additionalProperties") is False
            described = {"name": request.schema_name, "schema": sent, "strict": strict}
            body["response_format"] = {"type": "json_schema", "json_schema": described}
            return
        if dialect.structured == "object":
            body["response_format"] = {"type": "json_object"}
        last = body["messages"][-1]
        body["messages"][-1] = {**last, "content": f"{last['content']}\n\n{shape_in_words(schema)}"}

    def _without_bounds(self, schema: Schema) -> Schema:
        known = self._stripped.get(id(schema))
        if known is not None:
            return known[1]
        if len(self._stripped) >= REMEMBERED:
            self._stripped.clear()
        stripped = without_bounds(schema)
        # The original is kept too: as long as it lives, no other object has its id.
        self._stripped[id(schema)] = (schema, stripped)
        return stripped


def _limit(request: CompletionRequest, dialect: Dialect) -> int:
    limit = request.max_output_tokens if dialect.most is None else min(request.max_output_tokens, dialect.most)
    if dialect.window is None:
        return limit
    return max(1, min(limit, dialect.window - prompt_tokens(request)))


def _message(message: Message) -> dict[str, Any]:
    said: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        said["tool_calls"] = [_call(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        said["tool_call_id"] = message.tool_call_id
    return said


def _call(call: ToolCall) -> dict[str, Any]:
    # Servers read the arguments of earlier calls: those that are no JSON are left out.
    arguments = "{}" if call.error else call.arguments
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _tool(tool: Tool) -> dict[str, Any]:
    described = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": described}
