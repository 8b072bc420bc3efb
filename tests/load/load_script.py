"""The swarms of a load run: one tree for all, in which every text bears the mark of one user's one swarm."""

import re
from collections import Counter
from typing import Any

from tests.crash.crash_script import both, parts, twice

#: A mark is as long as every other, so that a text that is cut is cut at the same place in every swarm.
_MARK = re.compile(r"mark-u\d{4}s\d{3}")
#: A mark that may have been cut off.
_ANY_MARK = re.compile(r"mark-[us\d]*")


def mark_of(user: int, swarm: int) -> str:
    """The mark of one user's one swarm."""
    return f"mark-u{user:04}s{swarm:03}"


def marks_in(text: str) -> set[str]:
    """Every whole mark in a text."""
    return set(_MARK.findall(text))


def without_mark(text: str) -> str:
    """A text as it is in every swarm."""
    return _ANY_MARK.sub("MARK", text)


def body_of(mark: str) -> dict[str, Any]:
    """A swarm of two dozen nodes and as many routers: managers within managers, two rounds, a question, a context."""

    def leaves(*names: str) -> list[str]:
        return [f"{'Program' if name.endswith('.py') else 'Write'} {name} for {mark}" for name in names]

    inner = both(*leaves("i1.md", "i2.py"))
    directive = both(
        both(*leaves("a1.md", "a2.md", "a3.py", "a4.md")),
        both(*leaves("b1.md", "b2.py"), inner),
        twice(leaves("r1.md", "r2.py"), leaves("r3.md", "r4.md")),
        f"Ask for a title for {mark}",
        *leaves("z.md"),
    )
    context = [{"name": f"notes-{mark}.md", "content": f"A fact that only {mark} knows."}]
    return {"directive": directive, "context": context}


def scripted_directives(directive: str) -> Counter[str]:
    """How many nodes act on each directive in the tree that a directive spells out."""
    found = Counter([directive])
    verb = directive.split(" ", 1)[0]
    if verb == "Twice":
        found[directive] += 1  # the continuation
    if verb in {"Both", "Twice"}:
        for part in parts(directive):
            found += scripted_directives(part)
    return found


def scripted_artifacts(directive: str) -> Counter[str]:
    """What the leaves of such a tree produce."""
    written: Counter[str] = Counter()
    for one in scripted_directives(directive):
        verb, _, name = one.partition(" ")
        if verb == "Write":
            written[f"# {name}\n\nEverything about {name}."] += 1
        elif verb == "Program":
            written[f'print("{name}")'] += 1
    return written
