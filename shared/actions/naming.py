"""File names for what a node produces: the one its directive names, or one made from the directive's words."""

import re

_WORDS_LEFT_OUT = frozenset(
    {"a", "an", "and", "the", "of", "for", "to", "in", "on", "with", "write", "create", "make", "python", "file"}
)


def file_name(directive: str, suffixes: tuple[str, ...]) -> str:
    """A safe file name with one of the suffixes (the first if the directive names none)."""
    endings = "|".join(re.escape(suffix) for suffix in suffixes)
    named = re.search(rf"(?<![\w/.-])([A-Za-z0-9][\w-]{{0,60}}(?:{endings}))\b", directive)
    if named:
        return named.group(1)
    words = [word for word in re.findall(r"[a-z0-9]+", directive.lower()) if word not in _WORDS_LEFT_OUT]
    return ("_".join(words[:4])[:60] or "result") + suffixes[0]
