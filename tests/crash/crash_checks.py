"""What must hold of a swarm that has ended, however often its workers died on the way."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from shared.llm.journal import JournalEntry
from shared.node.journal import log_documents
from shared.store import Category, Store
from shared.store.catalog import UnfinishedSwarms
from shared.store.documents import Documents
from shared.store.history import History
from shared.store.port import MAX_PAGE
from shared.swarm.history import replay, violations
from shared.swarm.node import BOOKKEEPING, ROOT_ID, SwarmEvent, SwarmNode
from shared.swarm.statuses import Status
from shared.swarm.swarm import Artifact, QuestionDoc, QuestionState, Swarm, SwarmStatus
from shared.types import SpaceKey

#: Fields that tell of time, frames, costs or bookkeeping, which differ between two runs of one swarm.
_PASSING = {"seq", "answer_by", "waited", "usage", "lease", *BOOKKEEPING}
Shape = dict[str, Any]


@dataclass(frozen=True)
class Ended:
    """All that is stored of a swarm."""

    swarm: Swarm
    nodes: dict[str, SwarmNode]
    events: list[SwarmEvent]
    #: Events stored, behind a gap too.
    frames: int
    artifacts: list[Artifact]
    questions: list[QuestionDoc]
    log: list[JournalEntry]
    #: Ids and contents of what it remembers, without the listings of folders.
    memories: dict[str, Any]
    #: Whether the sweep has still to look after it.
    unfinished: bool


async def read(store: Store, space: SpaceKey) -> Ended:
    """Everything a swarm left, read past the code that mends what it reads."""
    nodes = {node.node_id: node async for node in Documents(store, Category.SWARM_STATE, SwarmNode).all(space)}
    return Ended(
        swarm=(await Documents(store, Category.SWARM, Swarm).get(space, "swarm")).doc,
        nodes=nodes,
        events=await History(store, space).read_all(),
        frames=len(await _all(store, space, Category.SWARM_HISTORY)),
        artifacts=[doc async for doc in Documents(store, Category.ARTIFACT, Artifact).all(space)],
        questions=[doc async for doc in Documents(store, Category.QUESTION, QuestionDoc).all(space)],
        log=[entry async for entry in log_documents(store).all(space)],
        memories=await _memories(store, space),
        unfinished=space.swarm_id in {entry.swarm_id async for entry in UnfinishedSwarms(store).all()},
    )


async def _memories(store: Store, space: SpaceKey) -> dict[str, Any]:
    values = await _all(store, space, Category.MEMORY_SPACE)
    return {value["id"]: (value.get("parent_id"), value.get("content")) for value in values if "id" in value}


async def _all(store: Store, space: SpaceKey, category: Category) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = await store.scan(space, category, limit=MAX_PAGE, cursor=cursor)
        found += [json.loads(item.value) for item in page.items]
        cursor = page.cursor
        if cursor is None:
            return found


def faults(ended: Ended) -> list[str]:
    """Every invariant that an ended swarm breaks, in words."""
    return [*_history_faults(ended), *_node_faults(ended), *_account_faults(ended), *_keeping_faults(ended)]


def _history_faults(ended: Ended) -> list[str]:
    found = [f"history: {fault}" for fault in violations(ended.events)]
    if ended.frames != len(ended.events):
        found.append(f"history: a gap hides {ended.frames - len(ended.events)} of {ended.frames} events")
        return found
    replayed = replay(ended.events)
    if replayed.keys() != ended.nodes.keys():
        found.append(f"history tells of {sorted(replayed)}, stored are {sorted(ended.nodes)}")
    for node_id in replayed.keys() & ended.nodes.keys():
        told, stored = (_dump(nodes[node_id], set(BOOKKEEPING)) for nodes in (replayed, ended.nodes))
        if told != stored:
            found.append(f"{node_id} differs from its history: {_difference(told, stored)}")
    return found


def _node_faults(ended: Ended) -> list[str]:
    found = []
    ends = Counter(event.node_id for event in ended.events if event.operation and event.status.ended)
    for node_id, node in ended.nodes.items():
        if ends[node_id] != 1:
            found.append(f"{node_id} ended {ends[node_id]} times")
        if (node.report is None) == (node.report_of is None):
            found.append(f"{node_id} has not exactly one report")
        if node.outbox is not None:
            found.append(f"{node_id} has an unfinished outbox")
        if node.claim is not None:
            found.append(f"{node_id} is still claimed")
        if missing := [child for child in node.children_ids if child not in ended.nodes]:
            found.append(f"{node_id} lacks its children {missing}")
        if node.report_of is not None and node.report_of not in ended.nodes:
            found.append(f"{node_id} refers to the report of {node.report_of}, which is no node")
    return found


def _account_faults(ended: Ended) -> list[str]:
    """The journal is what was used, each call once; the root's figures are its sum."""
    found = []
    root = ended.nodes[ROOT_ID]
    if root.usage.calls != len(ended.log):
        found.append(f"the root says {root.usage.calls} calls, the journal has {len(ended.log)}")
    actors = sum(not node.is_router for node in ended.nodes.values())
    if root.nodes != actors:
        found.append(f"the root says {root.nodes} nodes, there are {actors}")
    steps: dict[tuple[str, str], list[int]] = {}
    for entry in ended.log:
        generation, turn, step = entry.step.split(".")
        steps.setdefault((entry.node_id, f"{generation}.{turn}"), []).append(int(step))
    for (node_id, turn), numbers in steps.items():
        if sorted(numbers) != list(range(len(numbers))):
            found.append(f"{node_id} has steps {sorted(numbers)} in turn {turn}")
    return found


def _keeping_faults(ended: Ended) -> list[str]:
    found = []
    kept = Counter(artifact.node_id for artifact in ended.artifacts)
    for node_id, node in ended.nodes.items():
        # A node that was cancelled or failed may have been stopped between its artifacts and its end.
        if kept[node_id] != node.artifacts and node.status is Status.TERMINATED:
            found.append(f"{node_id} says {node.artifacts} artifacts, stored are {kept[node_id]}")
    found += [f"{q.question_id} is still open" for q in ended.questions if q.state is QuestionState.OPEN]
    if ended.swarm.status is SwarmStatus.RUNNING:
        found.append("the swarm is still said to run")
    if ended.unfinished:
        found.append("the sweep still looks after the swarm")
    return found


def shape(ended: Ended) -> Shape:
    """What two runs of one directive have in common: the tree, its reports and what it produced."""
    return {
        "status": ended.swarm.status,
        "report": ended.swarm.report,
        "nodes": {node_id: _node_shape(node) for node_id, node in ended.nodes.items()},
        "artifacts": {a.artifact_id: (a.name, a.media_type, a.sha256) for a in ended.artifacts},
        "questions": {q.question_id: (q.question, q.state, q.answer) for q in ended.questions},
        "log": {f"{entry.node_id} {entry.step}": (entry.purpose, entry.answer) for entry in ended.log},
        "memories": ended.memories,
    }


def _node_shape(node: SwarmNode) -> dict[str, Any]:
    leased = {"nodes": node.lease.nodes, "calls": node.lease.calls}
    return {**_dump(node, _PASSING), "calls": node.usage.calls, "leased": leased}


def _dump(node: SwarmNode, without: set[str]) -> dict[str, Any]:
    return node.model_dump(mode="json", exclude=without)


def differences(expected: Shape, found: Shape) -> list[str]:
    """How one run's shape differs from another's, in words."""
    told = []
    for what, wanted in expected.items():
        got = found[what]
        if isinstance(wanted, dict):
            told += [f"{what}: {line}" for line in _entries(wanted, got)]
        elif wanted != got:
            told.append(f"{what}: {got!r} instead of {wanted!r}")
    return told


def _entries(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    told = [f"{name} is missing" for name in expected.keys() - found.keys()]
    told += [f"{name} is too much" for name in found.keys() - expected.keys()]
    for name in sorted(expected.keys() & found.keys()):
        if expected[name] != found[name]:
            told.append(f"{name} differs: {_difference(expected[name], found[name])}")
    return told


def _difference(expected: Any, found: Any) -> str:
    if isinstance(expected, dict) and isinstance(found, dict):
        names = [n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n)]
        return ", ".join(f"{n}: {found.get(n)!r} instead of {expected.get(n)!r}" for n in sorted(names))
    return f"{found!r} instead of {expected!r}"
