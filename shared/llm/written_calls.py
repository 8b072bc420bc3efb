"""Tool calls that a model wrote into its text, where it does not make them in the protocol's own way."""

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from shared.llm.json_objects import objects

#: Under which keys the name of a tool and its arguments are written.
_NAMES = ("name", "tool", "tool_name", "function")
_ARGUMENTS = ("arguments", "parameters", "args", "input")
#: What models put around their calls: Hermes and Qwen, Mistral, Llama.
_TAGGED = re.compile(r"<(?:tool_call|function_call)>\s*(.*?)\s*(?:</(?:tool_call|function_call)>|\Z)", re.DOTALL)
_LISTED = re.compile(r"\[TOOL_CALLS\]\s*(.*)\Z", re.DOTALL)
_NAMED = re.compile(r"<function=([\w-]+)>\s*(.*?)\s*(?:</function>|\Z)", re.DOTALL)
_FENCED = re.compile(r"```[\w-]*[ \t]*\n(.*?)\n?```", re.DOTALL)

#: The name of a tool and its arguments.
Written = tuple[str, dict[str, Any]]


def written_calls(text: str, names: Collection[str], *, repair: bool = True) -> tuple[str, list[Written]]:
    """The calls of the named tools in a text, and what else the text says.

    Marked calls go first. Without any, an answer counts that is nothing but calls, with a fence around them or not.
    `repair` lets calls with small faults count, which one that was cut off must not.
    """
    for pattern in (_NAMED, _TAGGED, _LISTED):
        calls = [call for match in pattern.finditer(text) for call in _marked(match, names, repair)]
        if calls:
            return pattern.sub("", text).strip(), calls
    calls = [call for match in _FENCED.finditer(text) for call in _read(match[1], names, repair)]
    if calls:
        return _FENCED.sub("", text).strip(), calls
    if text.lstrip().startswith(("{", "[")):
        calls = list(_read(text, names, repair))
        if calls:
            return "", calls
    return text, []


def _marked(match: re.Match[str], names: Collection[str], repair: bool) -> Iterator[Written]:
    if match.re is not _NAMED:
        yield from _read(match[1], names, repair)
    elif match[1] in names and (arguments := next(objects(match[2], repair=repair), None)) is not None:
        yield match[1], arguments


def _read(text: str, names: Collection[str], repair: bool) -> Iterator[Written]:
    """The calls among the objects of a text, each once."""
    found: list[Written] = []
    for value in objects(text, repair=repair):
        call = _call(value, names)
        if call is not None and call not in found:
            found.append(call)
    yield from found


def _call(value: dict[str, Any], names: Collection[str]) -> Written | None:
    inner = value.get("function")
    if isinstance(inner, dict):
        return _call(inner, names)
    name = next((value[key] for key in _NAMES if isinstance(value.get(key), str)), None)
    if name not in names or not any(key in value for key in _ARGUMENTS):
        return None
    arguments = next(value[key] for key in _ARGUMENTS if key in value)
    if isinstance(arguments, str):
        arguments = next(objects(arguments, repair=False), None)
    return (str(name), arguments) if isinstance(arguments, dict) else None


def as_text(name: str, arguments: str) -> str:
    """A call as one JSON object, the way a model is shown its own earlier calls."""
    try:
        values = json.loads(arguments)
    except ValueError:
        values = {}
    return json.dumps({"tool": name, "arguments": values}, ensure_ascii=False)
