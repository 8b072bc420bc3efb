"""Looking at the tree: every node in brief, one node in full, and what happened after a frame."""

import asyncio
from collections.abc import Sequence

from pydantic import BaseModel

from shared.errors import InvalidInput, NotFound
from shared.llm.journal import JournalEntry
from shared.llm.prompting import clip
from shared.services import Services
from shared.store import Category
from shared.store.documents import Documents
from shared.store.history import History
from shared.swarm.node import BOOKKEEPING, ROOT_ID, SwarmEvent, SwarmNode
from shared.swarm.swarm import QuestionDoc
from shared.tenancy import TenantContext
from shared.types import SpaceKey, check_item_id

#: Seconds that a reader of events may be kept waiting; below what load balancers allow.
MAX_WAIT = 25.0
MAX_EVENTS = 1_000
#: Nodes of one page of a tree.
MAX_TREE = 1_000
#: Seconds between two looks at the history while a reader waits.
_LOOK = 0.25
_BRIEF_TOKENS = 80


class Tree(BaseModel):
    """Some of a swarm's nodes in the order in which they came to be, so parents first, their texts cut.

    `frame` is that in which the last of them came to be, 0 if there is none; `cursor` goes on after it.
    """

    frame: int
    nodes: list[SwarmNode]
    cursor: str | None


class NodeDetail(SwarmNode):
    """One node with its log, its way through the spaces and its questions in full."""

    log: tuple[JournalEntry, ...]
    questions: tuple[QuestionDoc, ...]  # type: ignore[assignment]  # where its document has their ids


class Events(BaseModel):
    """Events in order, the last frame among them (or the one asked for), and whether nothing will follow."""

    items: Sequence[SwarmEvent]
    frame: int
    ended: bool


async def get_tree(services: Services, tenant: TenantContext, swarm_id: str, limit: int, cursor: str | None) -> Tree:
    """A page of the tree as it stands."""
    space, _ = await services.swarm(tenant, swarm_id)
    nodes, after = await _written(services).page(space, limit=limit, cursor=cursor)
    return Tree(frame=nodes[-1].seq if nodes else 0, nodes=[_brief(node) for node in nodes], cursor=after)


def _brief(node: SwarmNode) -> SwarmNode:
    report = None if node.report is None else clip(node.report, _BRIEF_TOKENS)
    directive = clip(node.directive, _BRIEF_TOKENS)
    return node.evolve(directive=directive, report=report, outbox=None, claim=None, route=())


async def get_node(services: Services, tenant: TenantContext, swarm_id: str, node_id: str) -> NodeDetail:
    """One node in full; raises `NotFound`."""
    space, _ = await services.swarm(tenant, swarm_id)
    held = await _written(services).find(space, check_item_id(node_id, "node_id"))
    if held is None:
        raise NotFound(f"there is no node {node_id!r}")
    node = held.doc
    log = [entry async for entry in services.logs.all(space, subtree=node_id.replace(".", "-"))]
    questions = await asyncio.gather(*(services.questions.get(space, asked) for asked in node.questions))
    shown = {name: value for name, value in node if name not in {*BOOKKEEPING, "questions"}}
    return NodeDetail(**shown, log=tuple(log), questions=tuple(held.doc for held in questions))


async def get_events(
    services: Services, tenant: TenantContext, swarm_id: str, *, after: int, limit: int, wait: float
) -> Events:
    """The events after a frame, in order; with `wait` it stays up to so many seconds until there is one."""
    if after < 0 or not 1 <= limit <= MAX_EVENTS or not 0 <= wait <= MAX_WAIT:
        raise InvalidInput(f"after must be 0 or more, limit 1 to {MAX_EVENTS} and wait 0 to {MAX_WAIT:.0f} seconds")
    space, _ = await services.swarm(tenant, swarm_id)
    history = History(services.store, space)
    looks = max(1, int(wait / _LOOK))
    for look in range(looks):
        # Asked before the events are read: what an ended root left is all there by then.
        ended = await _ended(services, space)
        items = await history.read(after, limit)
        if items:
            return Events(items=items, frame=items[-1].frame, ended=_root_ended(items))
        if ended:
            return Events(items=[], frame=after, ended=True)
        if look + 1 < looks:
            await asyncio.sleep(_LOOK)
    return Events(items=[], frame=after, ended=False)


def _root_ended(items: Sequence[SwarmEvent]) -> bool:
    last = items[-1]
    return last.node_id == ROOT_ID and last.status.ended


async def _ended(services: Services, space: SpaceKey) -> bool:
    root = await _written(services).find(space, ROOT_ID)
    return root is not None and not root.doc.alive and root.doc.outbox is None


def _written(services: Services) -> Documents[SwarmNode]:
    """Nodes as they were last written: a reader that finished an outbox would take the node from under its worker."""
    return Documents(services.store, Category.SWARM_STATE, SwarmNode)
