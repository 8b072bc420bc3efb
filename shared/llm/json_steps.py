"""Tools for a model that has none of its own: one JSON object a step names the tool and its arguments."""

import json
from dataclasses import replace

from shared.llm.port import CompletionRequest, Message, Tool
from shared.llm.written_calls import as_text

STEP_SCHEMA_NAME = "Step"

_HOW = (
    "You work in steps. Each answer is one JSON object and nothing else: "
    '{{"tool": "its name", "arguments": {{...}}}}. The result of the tool is the next message.\nTools:\n{tools}'
)


def as_steps(request: CompletionRequest) -> CompletionRequest:
    """The same request with its tools in words, and earlier calls and results as text."""
    listed = "\n".join(_described(tool) for tool in request.tools)
    told = Message(role="system", content=_HOW.format(tools=listed))
    first = request.messages[:1]
    if first and first[0].role == "system":
        told = Message(role="system", content=f"{first[0].content}\n\n{told.content}")
    rest = request.messages[1:] if told.content != _HOW.format(tools=listed) else request.messages
    names = {call.id: call.name for message in rest for call in message.tool_calls}
    spoken = tuple(_spoken(message, names) for message in rest)
    return replace(
        request, messages=(told, *spoken), tools=(), schema=step_schema(request.tools), schema_name=STEP_SCHEMA_NAME
    )


def step_schema(tools: tuple[Tool, ...]) -> dict[str, object]:
    """The JSON schema of one step; the arguments are checked by whoever carries them out."""
    return {
        "type": "object",
        "properties": {
            "tool": {"type": "string", "enum": [tool.name for tool in tools]},
            "arguments": {"type": "object"},
        },
        "required": ["tool", "arguments"],
    }


def _described(tool: Tool) -> str:
    schema = json.dumps(tool.parameters, ensure_ascii=False)
    return f"- {tool.name}: {tool.description} Arguments by this JSON schema: {schema}"


def _spoken(message: Message, names: dict[str, str]) -> Message:
    if message.role == "tool":
        name = names.get(message.tool_call_id or "", "the tool")
        return Message(role="user", content=f"Result of {name}:\n{message.content}")
    if message.tool_calls:
        calls = "\n".join(as_text(call.name, call.arguments) for call in message.tool_calls)
        return Message(role="assistant", content=f"{message.content}\n{calls}".strip())
    return message
