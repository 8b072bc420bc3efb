"""File names for what a node produces: the one its directive names, or one made from the directive's words."""

import re
from collections.abc import Collection

_WORDS_LEFT_OUT = frozenset(
    {"a", "an", "and", "the", "of", "for", "to", "in", "on", "with", "write", "create", "make", "python", "file"}
)


def file_name(directive: str, suffixes: tuple[str, ...], taken: Collection[str] = ()) -> str:
    """A safe file name with one of the suffixes (the first if the directive names none), and none of those taken."""
    endings = "|".join(re.escape(suffix) for suffix in suffixes)
    named = re.findall(rf"(?<![\w/.-])([A-Za-z0-9][\w-]{{0,60}}(?:{endings}))\b", directive)
    for name in named:
        if name not in taken:
            return str(name)
    words = [word for word in re.findall(r"[a-z0-9]+", directive.lower()) if word not in _WORDS_LEFT_OUT]
    return ("_".join(words[:4])[:60] or "result") + suffixes[0]
