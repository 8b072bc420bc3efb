"""The dialects that endpoints speak beside OpenAI's own: what they refuse, and in which form they answer."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from local.scripted.rules import Call, Reply, Rule

#: Makes a rule speak a dialect.
Dialect = Callable[[Rule], Rule]


def speaking(rule: Rule, *names: str) -> Rule:
    """A rule in one or several of the dialects; the first is the outermost."""
    for name in reversed(names):
        rule = DIALECTS[name](rule)
    return rule


def _refusing(refuses: Callable[[Call], bool], error: Mapping[str, Any] | str, status: int = 400) -> Dialect:
    """Refuse some calls with such a body; the error is a body of its own, or a message in OpenAI's."""

    def dialect(rule: Rule) -> Rule:
        def answer(call: Call) -> Reply:
            if not refuses(call):
                return rule(call)
            if isinstance(error, str):
                return Reply(error, status=status)
            return Reply(status=status, rubbish=json.dumps(error).encode())

        return answer

    return dialect


def _has(*names: str) -> Callable[[Call], bool]:
    return lambda call: any(name in call.body for name in names)


def _format(call: Call) -> str:
    return str((call.body.get("response_format") or {}).get("type", ""))


def _saying(change: Callable[[Reply], Reply]) -> Dialect:
    """Answer in another form; errors stay as they are."""

    def dialect(rule: Rule) -> Rule:
        def answer(call: Call) -> Reply:
            reply = rule(call)
            return reply if reply.status >= 400 or reply.rubbish is not None else change(reply)

        return answer

    return dialect


def _text(reply: Reply) -> str:
    return reply.content if isinstance(reply.content, str) else json.dumps(reply.content)


def _thinking_in_text(opening: str) -> Callable[[Reply], Reply]:
    draft = 'First a draft: {"option": "draft"}. No, better:'
    return lambda reply: replace(reply, content=f"{opening}{draft}\n</think>\n\n{_text(reply)}")


def _calls_as_text(before: str, after: str, name: str, arguments: str) -> Callable[[Reply], Reply]:
    """Tool calls in the text, as models do that have no other way."""

    def change(reply: Reply) -> Reply:
        if not reply.calls:
            return reply
        made = [before + json.dumps({name: one.name, arguments: one.arguments}) + after for one in reply.calls]
        return replace(reply, content=_text(reply) + "\n".join(made), calls=(), finish_reason="stop")

    return change


_DETAIL = {"detail": [{"loc": ["body", "max_tokens"], "msg": "Extra inputs are not permitted", "type": "extra"}]}
_NO_SCHEMA = {"error": {"message": "This response_format type is unavailable now", "type": "invalid_request_error"}}

DIALECTS: dict[str, Dialect] = {
    "newer limit, by param": _refusing(
        _has("max_tokens"), {"error": {"message": "Unsupported", "param": "max_tokens", "code": "unsupported"}}
    ),
    "newer limit, by message": _refusing(
        _has("max_tokens"), "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    ),
    "newer limit, by detail": _refusing(_has("max_tokens"), _DETAIL, 422),
    "older limit": _refusing(
        _has("max_completion_tokens"), {"message": "property 'max_completion_tokens' is unsupported"}
    ),
    "no temperature": _refusing(_has("temperature"), "Unsupported value: 'temperature' does not support 0.0"),
    "no effort": _refusing(_has("reasoning_effort"), {"detail": "Unrecognized request argument: reasoning_effort"}),
    "a lower limit": _refusing(
        lambda call: (call.limit or 0) > 512, "max_tokens is too large: it must be less than or equal to 512"
    ),
    "no schema, by param": _refusing(
        lambda call: _format(call) == "json_schema",
        {"error": {"message": "Invalid parameter", "param": "response_format"}},
    ),
    "no schema, by message": _refusing(lambda call: _format(call) == "json_schema", _NO_SCHEMA),
    "no schema, unnamed": _refusing(lambda call: _format(call) == "json_schema", {"error": "Bad Request"}),
    "no format, by message": _refusing(_has("response_format"), {"detail": "response_format is not supported"}, 422),
    "no format, unnamed": _refusing(_has("response_format"), {}),
    "no tools, by message": _refusing(_has("tools"), "this model does not support tools"),
    "no tools, as not found": _refusing(_has("tools"), "No endpoints found that support tool use", 404),
    "thinking in tags": _saying(_thinking_in_text("<think>\n")),
    "thinking in tags, opened by the template": _saying(_thinking_in_text("")),
    "thinking apart": _saying(
        lambda reply: replace(reply, message={**reply.message, "reasoning_content": 'Perhaps {"option": 1}?'})
    ),
    "parts": _saying(
        lambda reply: replace(
            reply,
            message={
                **reply.message,
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                    {"type": "text", "text": _text(reply)[:3]},
                    {"type": "text", "text": _text(reply)[3:]},
                ],
            },
        )
    ),
    "no usage": _saying(lambda reply: replace(reply, body={**reply.body, "usage": None})),
    "usage in floats": _saying(
        lambda reply: replace(reply, usage={"prompt_tokens": 12.0, "completion_tokens": 3.0, **reply.usage})
    ),
    "no model": _saying(lambda reply: replace(reply, body={**reply.body, "model": None})),
    "calls in tags": _saying(_calls_as_text("<tool_call>\n", "\n</tool_call>", "name", "arguments")),
    "calls in a fence": _saying(_calls_as_text("```json\n", "\n```", "tool", "arguments")),
    "calls as an object": _saying(_calls_as_text("", "", "name", "parameters")),
}
