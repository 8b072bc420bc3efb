"""What the scripted model answers in crash tests: a directive spells out the tree that is to grow from it.

    Write a.md              a document               Ask for a       a question to the user, then a report
    Program a.py            a Python file            Clarify a       requirements, one of which only the user knows
    Break a.py              never compiles: fails    Ponder a        no action fits: its router fails
    Refuse a.md             the model refuses: fails
    Both [D] [D] ...        a manager with these sub-directives
    Twice [D] ... then [D]  a manager that finds its first round incomplete and plans the rest in a second

So answers depend on the call alone, never on order or time, and two runs of one directive come to the same tree.
"""

import re
from collections.abc import Callable, Sequence
from zlib import crc32

from local.scripted import Call, Reply

#: The fewest and the most seconds that `slow_rule` takes for an answer.
LATENCY = (0.05, 0.1)

_OPTION_OF = {
    "Write": "write document",
    "Refuse": "write document",
    "Program": "write Python",
    "Break": "write Python",
    "Ask": "ask user questions",
    "Clarify": "determine unknown requirements",
    "Both": "decompose directive",
    "Twice": "decompose directive",
}


def rule(call: Call) -> Reply:
    """The answer to a call."""
    return _ANSWERS.get(call.schema_name or "", _write)(call.last)


def slow_rule(call: Call) -> Reply:
    """The same after 50 to 100 ms, by the step, so that kills land in the middle of calls."""
    reply = rule(call)
    low, high = LATENCY
    share = crc32(call.step.split("/", 2)[-1].encode()) % 100 / 100
    return Reply(content=reply.content, status=reply.status, delay=low + (high - low) * share)


def both(*directives: str) -> str:
    """A manager's directive."""
    return " ".join(["Both", *(f"[{directive}]" for directive in directives)])


def twice(first: Sequence[str], then: Sequence[str]) -> str:
    """A directive that takes its manager two rounds."""
    return " ".join(["Twice", *(f"[{d}]" for d in first), "then", *(f"[{d}]" for d in then)])


def section(text: str, title: str) -> str:
    """The text of a prompt's section; empty if it has none."""
    found = re.search(rf"(?:\A|\n\n){re.escape(title)}:\n(.*?)(?:\n\n|\Z)", text, re.DOTALL)
    return found.group(1) if found else ""


def parts(directive: str) -> list[str]:
    """The bracketed parts of a directive, outermost only."""
    found: list[str] = []
    depth = begin = 0
    for place, character in enumerate(directive):
        if character == "[":
            depth += 1
            begin = place + 1 if depth == 1 else begin
        elif character == "]":
            depth -= 1
            if depth == 0:
                found.append(directive[begin:place])
    return found


def _plan(text: str) -> Reply:
    directive = section(text, "Directive")
    if directive.startswith("Twice"):
        first, _, rest = _rounds(directive)
        return Reply(content={"sub_directives": rest if section(text, "Still missing") else first})
    return Reply(content={"sub_directives": parts(directive)})


def _rounds(directive: str) -> tuple[list[str], str, list[str]]:
    before, word, after = directive.rpartition(" then ")
    return parts(before), word, parts(after)


def _independence(_text: str) -> Reply:
    return Reply(content={"independent": True, "problem": ""})


def _choice(text: str) -> Reply:
    wanted = _OPTION_OF.get(section(text, "Request").split(" ", 1)[0], "nothing of the kind")
    for line in section(text, "Options").splitlines():
        number, _, told = line.partition(". ")
        if told.startswith(wanted):
            return Reply(content={"best": int(number), "unviable": [], "confidence": "high"})
    return Reply(content={"best": 0, "unviable": [], "confidence": "high"})


def _review(text: str) -> Reply:
    directive = section(text, "Directive")
    if directive.startswith("Twice") and not section(text, "Known to be missing before"):
        return Reply(content={"complete": False, "missing": "The rest of it.", "report": "Half of it is done."})
    return Reply(content={"complete": True, "missing": "", "report": f"Done: {directive[:300]}"})


def _description(text: str) -> Reply:
    return Reply(content={"description": f"All about {section(text, 'Name')}."})


def _questions(text: str) -> Reply:
    asked = {"question": f"{section(text, 'Directive')}?", "assumption": "nothing special"}
    return Reply(content={"questions": [asked]})


def _requirements(text: str) -> Reply:
    known = "yes" if section(text, "Answers of the user") else ""
    needed = {"requirement": "a taste", "known": known, "question": "Which taste?", "assumption": "sweet"}
    return Reply(content={"requirements": [needed]})


def _write(text: str) -> Reply:
    directive = section(text, "Directive")
    verb, _, name = directive.partition(" ")
    if verb == "Refuse":
        return Reply(content="this is refused", status=400)
    if verb == "Break":
        return Reply(content="```python\ndef (:\n```")
    if verb == "Program":
        return Reply(content=f'```python\nprint("{name}")\n```')
    return Reply(content=f"# {name}\n\nEverything about {name}.")


_ANSWERS: dict[str, Callable[[str], Reply]] = {
    "Plan": _plan,
    "Independence": _independence,
    "ChoiceAnswer": _choice,
    "Review": _review,
    "Description": _description,
    "Questions": _questions,
    "Requirements": _requirements,
}
