"""Prompts with a token budget: what they are made of, and what is cut when they do not fit.

Sections are cut before instructions, the longest first, each at its middle, so that head and tail stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.llm.port import CompletionRequest, Message

#: Characters a token stands for, on the safe side for English text and code.
_CHARS_PER_TOKEN = 3.6
_CUT = "\n[... cut ...]\n"
#: Tokens that a chat template puts around a prompt and around each of its messages.
_TEMPLATE = 32
_PER_MESSAGE = 8


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has; rather too many than too few."""
    return tokens_of(len(text))


def tokens_of(characters: int) -> int:
    """The same for a text of so many characters."""
    return int(characters / _CHARS_PER_TOKEN) + 1


def prompt_tokens(request: CompletionRequest) -> int:
    """About how many tokens a request has the model read, its tools included."""
    sizes = [*(message.size for message in request.messages), *(tool.size for tool in request.tools)]
    return _TEMPLATE + sum(tokens_of(size) + _PER_MESSAGE for size in sizes)


def clip(text: str, tokens: int) -> str:
    """The text, cut at its middle to about so many tokens."""
    room = max(0, int(tokens * _CHARS_PER_TOKEN) - len(_CUT))
    if len(text) <= room + len(_CUT):
        return text
    head = room * 2 // 3
    return text[:head] + _CUT + text[len(text) - (room - head) :]


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of a prompt that may be cut."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Example:
    """One shot: what was asked and the answer that was right."""

    question: str
    answer: str


def build(
    instructions: str, sections: Sequence[Section], *, budget: int, examples: Sequence[Example] = ()
) -> tuple[Message, ...]:
    """The messages of a prompt whose sections fit the budget of tokens; empty sections are left out."""
    shots = [
        message
        for example in examples
        for message in (
            Message(role="user", content=example.question),
            Message(role="assistant", content=example.answer),
        )
    ]
    fixed = estimate_tokens(instructions) + sum(estimate_tokens(shot.content) + 4 for shot in shots)
    parts = [section for section in sections if section.text.strip()]
    fitted = _fit([section.text.strip() for section in parts], max(budget - fixed, 100))
    body = "\n\n".join(f"{part.title}:\n{text}" for part, text in zip(parts, fitted, strict=True))
    return (Message(role="system", content=instructions), *shots, Message(role="user", content=body))


def _fit(texts: list[str], room: int) -> list[str]:
    """Cut the longest texts to one common length, so that all fit."""
    sizes = sorted(estimate_tokens(text) for text in texts)
    for index, size in enumerate(sizes):
        common = room // (len(sizes) - index)
        if size > common:
            return [clip(text, common) for text in texts]
        room -= size
    return texts
