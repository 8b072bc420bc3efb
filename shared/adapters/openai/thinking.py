"""What a model thought before it answered, where that stands in its text."""

import re

_OPEN = re.compile(r"\s*<(think|thinking|thought|reasoning)>", re.IGNORECASE)
#: An end without a beginning, which chat templates put into the prompt: on a line of its own, or right before JSON.
_END_ALONE = re.compile(r"(?:^|\n)\s*</think(?:ing)?>|</think(?:ing)?>(?=\s*(?:\{|```|\Z))", re.IGNORECASE)


def spoken(text: str) -> str:
    """The text behind the last closing tag of what was thought; empty where the thinking has no end."""
    opened = _OPEN.match(text)
    if opened is not None:
        closing = f"</{opened[1].lower()}>"
        end = text.lower().rfind(closing)
        return text[end + len(closing) :].lstrip() if end >= 0 else ""
    if "<think" in text.lower():
        return text
    ends = list(_END_ALONE.finditer(text))
    return text[ends[-1].end() :].lstrip() if ends else text
