"""Whole answers: one that was cut off at its limit gets more room, and then goes on from where it stopped."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from shared.errors import ModelError
from shared.llm.port import Completion, CompletionRequest, Message
from shared.llm.prompting import prompt_tokens

#: Calls that one answer is continued with at most.
MAX_CONTINUED = 8
#: Tokens without which going on is not worth a call.
LEAST_ROOM = 128
#: How much of a continuation may repeat the end of the text before it, in characters, and what counts as repeating.
_REPEATED = 400
_LEAST_REPEATED = 12
_FENCE = "```"
_GO_ON = (
    "Your answer was cut off at the limit of tokens. Go on exactly where it stopped: begin with the next character, "
    "repeat nothing, and add nothing around it."
)

#: Makes one model call. Every one is a call of its own, so whatever lies beneath sees all of them.
Complete = Callable[[CompletionRequest], Awaitable[Completion]]


class UnfinishedAnswer(ModelError):
    """The answer was cut off and could not be brought to its end; `text` is what there is of it."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"the answer is not whole: {reason}")
        self.text = text
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer, put together from one call or several."""

    text: str
    #: Why it has no end, for people and for the model; empty if it is whole.
    cut: str = ""
    #: Whether the endpoint's content filter stopped it, which asking again does not change.
    filtered: bool = False


async def complete_whole(complete: Complete, request: CompletionRequest) -> Whole:
    """Complete, and see an answer that was cut off at its limit to its end.

    The limit is doubled once: for a new try where there was no text yet, or only a part of an object, and otherwise
    for the rest of the text. Then the model goes on from where the text stopped, at most `MAX_CONTINUED` times.
    """
    answer = await complete(request)
    if answer.finish_reason != "length":
        return _whole(answer, answer.text, request)
    roomier = replace(request, max_output_tokens=min(2 * request.max_output_tokens, request.output_ceiling))
    if (request.schema is not None or not answer.text) and roomier.max_output_tokens > request.max_output_tokens:
        answer = await complete(roomier)
    return await _continued(complete, roomier, answer)


async def _continued(complete: Complete, request: CompletionRequest, answer: Completion) -> Whole:
    text = answer.text
    for _ in range(MAX_CONTINUED):
        further = _further(request, text)
        if answer.finish_reason != "length" or further is None:
            break
        answer = await complete(further)
        if not answer.text:
            break
        text = joined(text, answer.text)
    return _whole(answer, text, request)


def _further(request: CompletionRequest, text: str) -> CompletionRequest | None:
    """The request for the rest of a text; None where there is nothing to go on from, or no room for it."""
    shown = (Message(role="assistant", content=text), Message(role="user", content=_GO_ON))
    further = replace(request, messages=(*request.messages, *shown), schema=None, least_output_tokens=LEAST_ROOM)
    room = min(request.window - prompt_tokens(further), request.max_output_tokens)
    return replace(further, max_output_tokens=room) if text and room >= LEAST_ROOM else None


def _whole(answer: Completion, text: str, request: CompletionRequest) -> Whole:
    if answer.finish_reason == "content_filter":
        return Whole(text, cut="the endpoint's content filter stopped it", filtered=True)
    if answer.finish_reason == "length":
        return Whole(text, cut=f"it was cut off at the limit of {request.max_output_tokens} tokens")
    return Whole(text)


def joined(text: str, rest: str) -> str:
    """A text and its continuation, without what the continuation repeats of it and a fence that it opens anew.

    In a text that repeats itself, what looks repeated may be meant, and stays.
    """
    if text.count(_FENCE) % 2 and rest.lstrip().startswith(_FENCE):
        opening, newline, behind = rest.lstrip().partition("\n")
        rest = behind if newline and opening.strip() != _FENCE else rest
    for length in range(min(_REPEATED, len(text), len(rest)), _LEAST_REPEATED - 1, -1):
        if text.endswith(rest[:length]):
            return text + (rest if rest[:length] in text[:-1] else rest[length:])
    return text + rest
