"""What must hold after a load run: nothing crossed, nothing lost, and every bill is right."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.swarm.usage import Usage
from tests.crash import crash_checks
from tests.crash.crash_checks import Ended, Shape
from tests.load.load_client import PAGE, Account
from tests.load.load_script import body_of, marks_in, scripted_artifacts, scripted_directives, without_mark

_ABSORB = "Read "


@dataclass(frozen=True)
class Used:
    """Calls and tokens."""

    calls: int = 0
    tokens: int = 0

    def __add__(self, other: "Used") -> "Used":
        return Used(self.calls + other.calls, self.tokens + other.tokens)

    @classmethod
    def of(cls, usage: Mapping[str, Any]) -> "Used":
        """What a usage in an answer of the API comes to."""
        read = Usage.model_validate(usage)
        return cls(read.calls, read.input_tokens + read.output_tokens)


class Seen:
    """The calls that reached the model, as it wrote them down."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.calls: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def faults(self, marks: Mapping[tuple[str, str], str]) -> list[str]:
        """Calls that bear another mark than their swarm's or none, and calls made twice; `marks` by user and swarm."""
        found = []
        for call in self.calls:
            step = call["step"]
            own = marks.get(_owner(step))
            if call["marks"] != [own]:
                found.append(f"a {call['schema'] or 'text'} call of {own} bears {call['marks'] or 'no mark'} ({step})")
        steps = Counter(call["step"] for call in self.calls)
        return found + [f"{step} was asked {times} times" for step, times in steps.items() if times > 1]

    def used(self) -> dict[tuple[str, str], Used]:
        """What the model counted, by user and swarm."""
        sums: dict[tuple[str, str], Used] = {}
        for call in self.calls:
            owner = _owner(call["step"])
            sums[owner] = sums.get(owner, Used()) + Used(1, call["input"] + call["output"])
        return sums


def _owner(step: str) -> tuple[str, str]:
    user_id, swarm_id, *_ = step.split("/")
    return user_id, swarm_id


async def account_faults(account: Account, counted: Mapping[tuple[str, str], Used]) -> list[str]:
    """What is wrong with what one user's key shows of their swarms."""
    found: list[str] = []
    listed = await account.ask("GET", f"swarms?limit={PAGE}")
    found += _foreign("the list of swarms", listed.decode(), set(account.swarms))
    ids = Counter(item["swarm_id"] for item in json.loads(listed)["items"])
    if ids != Counter(account.swarms.values()):
        found.append(f"{account.user_id} lists {sorted(ids)} and started {sorted(account.swarms.values())}")
    for mark, swarm_id in account.swarms.items():
        found += await _swarm_faults(account, mark, swarm_id, counted.get((account.user_id, swarm_id), Used()))
    return found + await _bill_faults(account, counted)


async def _swarm_faults(account: Account, mark: str, swarm_id: str, counted: Used) -> list[str]:
    place, found = f"swarms/{swarm_id}", []
    for path in ("", "/tree", "/events?limit=1000", "/questions", "/artifacts?limit=100", "/usage", "/nodes/0"):
        text = (await account.ask("GET", f"{place}{path}")).decode()
        found += _foreign(f"{place}{path}", text, {mark})
    swarm = await account.get(place)
    if (swarm["status"], Used.of(swarm["usage"])) != ("completed", counted):
        found.append(f"{place} is {swarm['status']} and used {Used.of(swarm['usage'])}; the model counted {counted}")
    if (summed := Used.of((await account.get(f"{place}/usage"))["total"])) != counted:
        found.append(f"{place}/usage says {summed}, the model counted {counted}")
    return found + await _artifact_faults(account, mark, place)


async def _artifact_faults(account: Account, mark: str, place: str) -> list[str]:
    items = (await account.get(f"{place}/artifacts?limit=100"))["items"]
    contents = [await account.ask("GET", f"{place}/artifacts/{item['artifact_id']}/content") for item in items]
    written = Counter(content.decode().strip() for content in contents)
    wanted = scripted_artifacts(body_of(mark)["directive"])
    return [] if written == wanted else [f"{place} has the artifacts {written - wanted} and lacks {wanted - written}"]


async def _bill_faults(account: Account, counted: Mapping[tuple[str, str], Used]) -> list[str]:
    """The user's days against the model's count of all their swarms."""
    total = sum((used for (user_id, _), used in counted.items() if user_id == account.user_id), Used())
    days = (await account.get("usage/days"))["items"]
    tokens = sum(item["spending"]["tokens"] for item in days)
    lines = (await account.get(f"usage/swarms?limit={PAGE}"))["items"]
    listed = sum((Used.of(item["usage"]) for item in lines), Used())
    told = (tokens, listed)
    return [] if told == (total.tokens, total) else [f"{account.user_id} is billed {told}, the model counted {total}"]


def _foreign(what: str, text: str, own: set[str]) -> list[str]:
    return [f"{what} of {min(own, default='nobody')} shows {mark}" for mark in sorted(marks_in(text) - own)]


def stored_faults(ended: Ended, mark: str, reference: Shape) -> list[str]:
    """What is wrong with what is stored of a swarm, beside one that ran alone."""
    found = crash_checks.faults(ended)
    found += crash_checks.differences(reference, plain_shape(ended))
    found += [f"the store has {other}" for other in sorted(marks_in(_all_text(ended)) - {mark})]
    return [f"{mark}: {fault}" for fault in found]


def reference_faults(ended: Ended, mark: str) -> list[str]:
    """Where the swarm that ran alone differs from what the script spells out."""
    directive = body_of(mark)["directive"]
    nodes = [node for node in ended.nodes.values() if not node.is_router and not node.directive.startswith(_ABSORB)]
    grown, wanted = Counter(node.directive for node in nodes), scripted_directives(directive)
    found = crash_checks.faults(ended)
    if grown != wanted:
        found.append(f"the tree has {grown - wanted} too much and lacks {wanted - grown}")
    if ended.swarm.report != f"Done: {directive[:300]}":
        found.append(f"the report is {ended.swarm.report!r}")
    return [f"the swarm that ran alone: {fault}" for fault in found]


def plain_shape(ended: Ended) -> Shape:
    """A swarm's tree, reports, calls and memories as they are in every swarm of the script."""
    shape = crash_checks.shape(ended)
    # A content's hash depends on its mark; contents are compared through the API.
    shape["artifacts"] = sorted(a.name for a in ended.artifacts)
    plain: Shape = json.loads(without_mark(json.dumps(shape, default=str)))
    return plain


def _all_text(ended: Ended) -> str:
    documents: Sequence[Any] = [*ended.nodes.values(), *ended.events, *ended.questions, *ended.log]
    return "\n".join([*(document.model_dump_json() for document in documents), json.dumps(ended.memories)])
