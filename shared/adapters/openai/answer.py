"""Completions out of what endpoints answer, in whichever form they do."""

import json
import re
from collections.abc import Iterator
from typing import Any

from shared.adapters.openai.thinking import spoken
from shared.adapters.openai.told import Told, told_by, told_in
from shared.adapters.openai.usage import tokens
from shared.errors import ModelError
from shared.llm.encodable import decoded
from shared.llm.json_objects import objects
from shared.llm.port import Completion, CompletionRequest, ToolCall
from shared.llm.written_calls import Written, written_calls

#: Tool calls of one answer that are taken.
MAX_CALLS = 32
#: The longest model name and finish reason that are kept, in characters.
_NAME = 200
_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")
#: What endpoints call the reasons that matter here.
_REASONS = {
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "token_limit": "length",
    "safety": "content_filter",
    "content_filtered": "content_filter",
    "end_turn": "stop",
    "eos": "stop",
    "function_call": "tool_calls",
    "tool_use": "tool_calls",
}
_CUT_CALL = (
    "The call was cut off at the limit of tokens. Make it again with shorter arguments, in several calls if need be."
)
_NO_JSON = "The arguments are no JSON object. Make the call again with a JSON object as the tool's schema says."
_TOO_MANY = f"Only the first {MAX_CALLS} calls of one answer are carried out. Make this one again."


class NoCompletion(Exception):
    """A response of status 200 that holds no completion; what it says in its place."""

    def __init__(self, told: Told) -> None:
        super().__init__(told.message)
        self.told = told


def completion_of(body: bytes, request: CompletionRequest) -> Completion:
    """The completion in a response of status 200.

    Raises `NoCompletion`, and `ModelError` for a refusal and for an answer that says nothing.
    """
    answer, choice = _choice(body)
    message = choice.get("message")
    message = message if isinstance(message, dict) else {"content": choice.get("text")}
    raw, refusal = _text(message.get("content")), _text(message.get("refusal"))
    if refusal:
        raise ModelError(f"the model refused: {refusal[:300]}")
    thought = _text(message.get("reasoning_content") or message.get("reasoning"))
    used = tokens(answer.get("usage"), request, len(raw) + len(thought) + _size_of_calls(message))
    text, reason = spoken(raw), _reason(choice, used.output, request)
    text, calls = _calls(message, text, request, cut=reason == "length")
    if not raw and not calls and not thought and reason != "length":
        raise ModelError(f"the model answered no text ({reason})")
    model = answer.get("model")
    return Completion(
        text=text,
        model=model[:_NAME] if isinstance(model, str) and model else request.model,
        finish_reason=reason,
        input_tokens=used.input,
        output_tokens=used.output,
        cached_tokens=used.cached,
        tool_calls=calls,
    )


def _choice(body: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer and its first choice."""
    try:
        answer = decoded(body)
    except (ValueError, RecursionError):
        raise NoCompletion(told_by(body)) from None
    if not isinstance(answer, dict):
        raise NoCompletion(Told())
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict) or not (isinstance(choice.get("message"), dict) or "text" in choice):
        of_choice = told_in(choice) if isinstance(choice, dict) else None
        raise NoCompletion(of_choice or told_in(answer) or Told())
    if choice.get("error"):
        raise NoCompletion(told_in(choice) or Told())
    return answer, choice


def _text(content: Any) -> str:
    """Text that is a string, or a list of parts of which those that are no text are left out."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(_text(part) for part in content)
    if isinstance(content, dict) and content.get("type", "text") in {"text", "output_text"}:
        return _text(content.get("text"))
    return ""


def _reason(choice: dict[str, Any], written: int, request: CompletionRequest) -> str:
    told = choice.get("finish_reason")
    if not isinstance(told, str) or not told:
        # Without a reason, an answer that used all its tokens was cut off.
        return "length" if written >= request.max_output_tokens else "stop"
    return _REASONS.get(told.lower(), told.lower()[:_NAME])


def _size_of_calls(message: dict[str, Any]) -> int:
    return sum(len(str(call)) for call in _native(message))


def _native(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The calls made in the protocol's own way, those of its older form too."""
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict):
            yield call
    if not calls and isinstance(message.get("function_call"), dict):
        yield {"function": message["function_call"]}


def _calls(
    message: dict[str, Any], text: str, request: CompletionRequest, *, cut: bool
) -> tuple[str, tuple[ToolCall, ...]]:
    """The tool calls of an answer, and its text without those that are written in it."""
    if not request.tools:
        return text, ()
    made = list(_native(message))
    if made:
        return text, _numbered([_made(call, cut=cut) for call in made], request)
    rest, written = written_calls(text, {tool.name for tool in request.tools}, repair=not cut)
    return rest, _numbered([("", _json_call(call)) for call in written], request)


def _json_call(written: Written) -> ToolCall:
    name, arguments = written
    return ToolCall(id="", name=name, arguments=json.dumps(arguments, ensure_ascii=False))


def _made(call: dict[str, Any], *, cut: bool) -> tuple[str, ToolCall]:
    """The id that the endpoint gave a call, and the call."""
    function = call.get("function")
    function = function if isinstance(function, dict) else call
    name, given = _text(function.get("name")), function.get("arguments")
    arguments = given if isinstance(given, str) else json.dumps(given if given is not None else {}, ensure_ascii=False)
    arguments, error = _usable(arguments.strip() or "{}", cut=cut)
    made = ToolCall(id="", name=_NO_NAME.sub("_", name)[:64] or "unnamed", arguments=arguments, error=error)
    return _NO_NAME.sub("_", _text(call.get("id")))[:64], made


def _usable(arguments: str, *, cut: bool) -> tuple[str, str]:
    """The arguments as the text of a JSON object, or as they are with what is wrong with them."""
    try:
        if isinstance(decoded(arguments), dict):
            return arguments, ""
    except (ValueError, RecursionError):
        pass
    if cut:
        return arguments, _CUT_CALL
    repaired = next(objects(arguments), None)
    return (json.dumps(repaired, ensure_ascii=False), "") if repaired is not None else (arguments, _NO_JSON)


def _numbered(calls: list[tuple[str, ToolCall]], request: CompletionRequest) -> tuple[ToolCall, ...]:
    """The calls with ids that are unique in the conversation; those beyond `MAX_CALLS` are answered as errors."""
    taken = {call.id for message in request.messages for call in message.tool_calls}
    numbered = []
    for place, (given, call) in enumerate(calls[: 4 * MAX_CALLS]):
        unique = given if given and given not in taken else f"call_{len(request.messages)}_{place}"
        taken.add(unique)
        error = call.error or (_TOO_MANY if place >= MAX_CALLS else "")
        numbered.append(call.model_copy(update={"id": unique, "error": error}))
    return tuple(numbered)
