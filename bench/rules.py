"""The stub model's rule: it answers by step kind and depth, so that every system grows the tree W exactly."""

import json
import re

from bench.workload import Place, Step, answer, place_of
from local.scripted.rules import Call, Reply

MANAGE = "reasoning.decompose_directive"
WRITE = "writing.write_document"
_STEPS: dict[str, Step] = {"Plan": "plan", "Review": "review", "Write": "write"}
_OPTION_NUMBER = re.compile(r"^(\d+)\. (?:\[folder\] )?([^\n(-]+?) (?:\(in|-)", re.MULTILINE)


def rule(call: Call) -> Reply:
    """The reply to one call, of this project or of a peer."""
    place = place_of(call.last.partition("\nReports:\n")[0])
    return Reply(content=_content(call, place), delay=place.workload.latency / 1_000)


def _content(call: Call, place: Place) -> object:
    match call.schema_name:
        case "Plan":
            return _plan(call, place)
        case "Review":
            return answer("review", place)
        case "Independence":
            return {"independent": True, "problem": ""}
        case "ChoiceAnswer":
            return {"best": _choice(call.last, place), "unviable": [], "confidence": "high"}
    first = call.messages[0]["content"]
    return answer(_STEPS.get(first.partition(":")[0], "write"), place)


def _plan(call: Call, place: Place) -> object:
    entry = (call.schema or {})["properties"]["sub_directives"]["items"]
    if entry["type"] == "string":
        return answer("plan", place)
    planned = [{"directive": c.directive, "action": WRITE if c.is_leaf else MANAGE} for c in place.children]
    return json.dumps({"sub_directives": planned})


def _choice(text: str, place: Place) -> int:
    """The number of the option that performs this node's part; 0 if it is not among them."""
    options = {name: int(number) for number, name in _OPTION_NUMBER.findall(text)}
    wanted = ("write document", "writing") if place.is_leaf else ("decompose directive", "reasoning")
    return next((options[name] for name in wanted if name in options), 0)
