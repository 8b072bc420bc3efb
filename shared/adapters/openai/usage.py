"""Tokens of a call: as the endpoint counted them where that can be believed, or else by length."""

from dataclasses import dataclass
from typing import Any

from shared.llm.port import CompletionRequest

#: Characters a token stands for in an estimate.
_CHARACTERS = 4
#: Tokens that a chat template may add to a prompt, and to each of its messages.
_TEMPLATE = 4_096
_PER_MESSAGE = 64


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a call used."""

    input: int
    output: int
    cached: int


def tokens(usage: Any, request: CompletionRequest, written: int) -> Tokens:
    """What `usage` says, within what such a call can use; `written` are the characters of the whole answer.

    Nothing is free: what is missing or no number is estimated.
    """
    told = usage if isinstance(usage, dict) else {}
    read = _characters(request)
    # A token stands for a byte at least, and a character for four bytes at most.
    most_read = 4 * read + _TEMPLATE + _PER_MESSAGE * len(request.messages)
    most_written = max(request.max_output_tokens, 4 * written) + _TEMPLATE
    asked = _count(told.get("prompt_tokens", told.get("input_tokens")), most_read) or -(-read // _CHARACTERS)
    answered = _count(told.get("completion_tokens", told.get("output_tokens")), most_written)
    if not answered:
        answered = -(-written // _CHARACTERS)
    answered = min(answered + _thought_apart(told, asked, answered, most_written), most_written)
    return Tokens(asked, answered, min(_cached(told, most_read), asked))


def _characters(request: CompletionRequest) -> int:
    sizes = [*(message.size for message in request.messages), *(tool.size for tool in request.tools)]
    return sum(sizes) + (len(str(request.schema)) if request.schema is not None else 0)


def _thought_apart(told: dict[str, Any], asked: int, answered: int, most: int) -> int:
    """Tokens of thinking that are not among those of the answer, as some endpoints count."""
    thought = _count(_part(told, "completion_tokens_details").get("reasoning_tokens"), most) or 0
    total = _count(told.get("total_tokens"), asked + 2 * most)
    return thought if thought > answered or (thought and total == asked + answered + thought) else 0


def _cached(told: dict[str, Any], most: int) -> int:
    counts = (
        _part(told, "prompt_tokens_details").get("cached_tokens"),
        told.get("prompt_cache_hit_tokens"),
        told.get("cache_read_input_tokens"),
    )
    return next((count for value in counts if (count := _count(value, most)) is not None), 0)


def _part(told: dict[str, Any], name: str) -> dict[str, Any]:
    part = told.get(name)
    return part if isinstance(part, dict) else {}


def _count(value: Any, most: int) -> int | None:
    """A count that can be believed, at most `most`; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value < float("inf"):
        return None
    return min(int(value), most)
