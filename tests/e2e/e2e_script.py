"""What the scripted model says: a script for each swarm, and the switchboard that tells the swarms apart."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.scripted import Call, Reply

#: What the first word of a directive asks for, and what the action space calls it.
ACTIONS = {
    "Write": ("writing.write_document", "write document"),
    "Code": ("coding.write_python", "write Python"),
    "Ask": ("communication.ask_user_questions", "ask user questions"),
    "Clarify": ("reasoning.determine_unknown_requirements", "determine unknown requirements"),
    "Manage": ("reasoning.decompose_directive", "decompose directive"),
    "Recall": ("memory.search_memory", "search memory"),
    "Note": ("memory.save_memory", "save memory"),
}
_TITLES = (
    "What is known|Answers of the user|The goal this is part of|Directive|Still missing|"
    "An earlier plan was refused because|Your last file did not compile; write it whole again|"
    "Known to be missing before|Reports|Request|Options|Plan|Name|Text|Memories|Question"
)
_REPAIR = "That answer cannot be used"


@dataclass(frozen=True)
class Asked:
    """One call of a swarm, taken apart."""

    call: Call
    #: When it arrived, in seconds.
    at: float = field(default_factory=time.monotonic)

    @property
    def kind(self) -> str:
        """The name of the shape the answer must have; `text` for plain text."""
        return self.call.schema_name or "text"

    @property
    def swarm_id(self) -> str:
        return self.call.step.split("/")[1] if "/" in self.call.step else ""

    @property
    def node_id(self) -> str:
        return self.call.step.split("/")[2]

    @property
    def is_repair(self) -> bool:
        return self.call.last.startswith(_REPAIR)

    @property
    def prompt(self) -> str:
        """The sections of the prompt, without instructions, examples and repairs."""
        return self.call.messages[-3 if self.is_repair else -1]["content"]

    def section(self, title: str) -> str:
        """The text of one section; empty if the prompt has none."""
        found = re.search(rf"(?:\A|\n\n){title}:\n(.*?)(?=\n\n(?:{_TITLES}):\n|\Z)", self.prompt, re.DOTALL)
        return found[1] if found else ""

    @property
    def directive(self) -> str:
        return self.section("Directive")

    @property
    def instructions(self) -> str:
        return self.call.messages[0]["content"]

    def option(self, name: str) -> int:
        """The number of the option of that name, 0 if it is not on offer."""
        found = re.search(rf"^(\d+)\. (?:\[folder\] )?{re.escape(name)}(?: \(| -|$)", self.section("Options"), re.M)
        return int(found[1]) if found else 0


#: An answer, a reply of the endpoint, or what makes one of them.
Said = object
Speaker = Callable[[Asked], Said]


class Script:
    """What the model says to one swarm. Everything works unless a test says otherwise for one kind of answer."""

    def __init__(self, plans: Mapping[str, Sequence[str]] | None = None, **said: Said) -> None:
        #: Sub-directives by what was still missing, or else by the directive.
        self.plans = plans or {}
        self._said = said
        self.heard: list[Asked] = []
        #: Step keys of the calls that were answered with a completion.
        self.answered: list[str] = []

    def reply(self, call: Call) -> Reply:
        """Answer one call."""
        asked = Asked(call)
        self.heard.append(asked)
        said: Any = self._said.get(asked.kind, getattr(self, f"_{asked.kind.lower()}"))
        said = said(asked) if callable(said) else said
        reply = said if isinstance(said, Reply) else Reply(said)
        if reply.status < 400 and not reply.cut and reply.rubbish is None and reply.refusal is None:
            self.answered.append(call.step)
        return reply

    def of(self, kind: str, node_id: str | None = None) -> list[Asked]:
        """The calls for one kind of answer, in order."""
        return [one for one in self.heard if one.kind == kind and node_id in {None, one.node_id}]

    def _plan(self, asked: Asked) -> Said:
        missing = asked.section("Still missing")
        parts = self.plans.get(missing) or self.plans.get(asked.directive) or ["Write one.md.", "Write two.md."]
        return plan(asked, parts)

    def _independence(self, asked: Asked) -> Said:
        return {"independent": True, "problem": ""}

    def _choiceanswer(self, asked: Asked) -> Said:
        return choice(asked, ACTIONS.get(asked.section("Request").split()[0], ("", ""))[1])

    def _review(self, asked: Asked) -> Said:
        return {"complete": True, "missing": "", "report": f"Finished: {asked.directive}"}

    def _description(self, asked: Asked) -> Said:
        return {"description": f"Facts of {asked.section('Name')}."}

    def _questions(self, asked: Asked) -> Said:
        return {"questions": [{"question": "Which colour?", "assumption": "blue"}]}

    def _requirements(self, asked: Asked) -> Said:
        return {"requirements": [{"requirement": "the colour", "known": "red", "question": "", "assumption": ""}]}

    def _answer(self, asked: Asked) -> Said:
        return {"found": True, "answer": "Memory says so.", "memories": [1]}

    def _text(self, asked: Asked) -> Said:
        if "Python" in asked.instructions:
            return "```python\nprint('done')\n```"
        return f"# Result\n\n{asked.directive}"


def plan(asked: Asked, directives: Sequence[str]) -> Said:
    """A plan in the shape that was asked for: with the actions named where the plan names them."""
    if "'action'" not in str(asked.call.schema):
        return {"sub_directives": list(directives)}
    named = [{"directive": one, "action": ACTIONS[one.split()[0]][0]} for one in directives]
    return {"sub_directives": named}


def choice(asked: Asked, name: str) -> Said:
    """The choice of the option of that name; of none when it is not on offer."""
    best = asked.option(name) if name else 0
    return {"best": best, "unviable": [], "confidence": "high"}


@dataclass
class Switchboard:
    """The rule of the scripted endpoint: hands every call to the script of its swarm."""

    scripts: dict[str, Script] = field(default_factory=dict)
    #: The script of the swarm that is being created, whose id nobody knows yet.
    coming: Script | None = None
    #: Swarms that no test speaks to; none of them is the one that is being created.
    strays: set[str] = field(default_factory=set)

    def __call__(self, call: Call) -> Reply:
        swarm_id = Asked(call).swarm_id
        script = self.scripts.get(swarm_id) or (None if swarm_id in self.strays else self.coming)
        if script is None:
            self.strays.add(swarm_id)
            return Reply("no test speaks to this swarm", status=400)
        return script.reply(call)
