"""Looking at the tree: every node in brief, one node in full, and what happened after a frame."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress

from pydantic import BaseModel, Field

from shared.errors import InvalidInput, NotFound
from shared.llm.journal import JournalEntry
from shared.llm.prompting import clip
from shared.node.journal_content import restored
from shared.services import Services
from shared.store import Category
from shared.store.documents import Documents
from shared.store.history import History
from shared.swarm.control import Command
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
#: Model calls and questions that are shown with a node, and characters of questions on a page.
_SHOWN = 100
_MAX_QUESTIONS = 1_000_000
_PLACE = re.compile(r"[0-9]{1,9}")
#: Bytes of large contents that a page of a node's log is shown with.
MAX_LOG = 4 * 1024 * 1024


class Tree(BaseModel):
    """Some of a swarm's nodes in the order in which they came to be, so parents first, their texts cut.

    `frame` is that in which the last of them came to be, 0 if there is none; `cursor` goes on after it.
    """

    frame: int
    nodes: list[SwarmNode]
    cursor: str | None
    branches: dict[str, Command] = Field(description="Branches that were paused or cancelled, by the node on top.")


class NodeDetail(SwarmNode):
    """One node with its way through the spaces, and the first of its log and of its questions in full.

    A cursor says that there is more of a log or of questions, where it goes on.
    """

    log: tuple[JournalEntry, ...]
    log_cursor: str | None = None
    questions: tuple[QuestionDoc, ...]  # type: ignore[assignment]  # where its document has their ids
    questions_cursor: str | None = None


class NodeLog(BaseModel):
    """Some of a node's model calls in their order, and the cursor that goes on."""

    items: list[JournalEntry]
    cursor: str | None


class NodeQuestions(BaseModel):
    """Some of a node's questions in the order in which it asked them, and the cursor that goes on."""

    items: list[QuestionDoc]
    cursor: str | None


class Events(BaseModel):
    """Events in order, the last frame among them (or the one asked for), and whether nothing will follow."""

    items: Sequence[SwarmEvent]
    frame: int
    ended: bool


async def get_tree(services: Services, tenant: TenantContext, swarm_id: str, limit: int, cursor: str | None) -> Tree:
    """A page of the tree as it stands."""
    space, _ = await services.swarm(tenant, swarm_id)
    nodes, after = await _written(services).page(space, limit=limit, cursor=cursor)
    control = await services.control(space)
    return Tree(
        frame=nodes[-1].seq if nodes else 0,
        nodes=[_brief(node) for node in nodes],
        cursor=after,
        branches={top: branch.command for top, branch in control.subtrees.items()},
    )


def _brief(node: SwarmNode) -> SwarmNode:
    report = None if node.report is None else clip(node.report, _BRIEF_TOKENS)
    directive = clip(node.directive, _BRIEF_TOKENS)
    plain = node.evolve(outbox=None, claim=None, standstill=None, stood=0.0)
    return plain.evolve(directive=directive, report=report, route=())


async def get_node(services: Services, tenant: TenantContext, swarm_id: str, node_id: str) -> NodeDetail:
    """One node, with the first page of its log and of its questions; raises `NotFound`."""
    space, node = await _find(services, tenant, swarm_id, node_id)
    log = await _log(services, space, node_id, _SHOWN, None)
    questions = await _questions(services, space, node, _SHOWN, None)
    return NodeDetail(
        **{name: value for name, value in node if name not in {*BOOKKEEPING, "questions"}},
        log=tuple(log.items),
        log_cursor=log.cursor,
        questions=tuple(questions.items),
        questions_cursor=questions.cursor,
    )


async def list_node_log(
    services: Services, tenant: TenantContext, swarm_id: str, node_id: str, limit: int, cursor: str | None
) -> NodeLog:
    """A page of a node's model calls; raises `NotFound`."""
    space, _ = await _find(services, tenant, swarm_id, node_id)
    return await _log(services, space, node_id, limit, cursor)


async def list_node_questions(
    services: Services, tenant: TenantContext, swarm_id: str, node_id: str, limit: int, cursor: str | None
) -> NodeQuestions:
    """A page of a node's questions; raises `NotFound`."""
    space, node = await _find(services, tenant, swarm_id, node_id)
    return await _questions(services, space, node, limit, cursor)


async def _find(services: Services, tenant: TenantContext, swarm_id: str, node_id: str) -> tuple[SpaceKey, SwarmNode]:
    space, _ = await services.swarm(tenant, swarm_id)
    held = await _written(services).find(space, check_item_id(node_id, "node_id"))
    if held is None:
        raise NotFound(f"there is no node {node_id!r}")
    return space, held.doc


async def _log(services: Services, space: SpaceKey, node_id: str, limit: int, cursor: str | None) -> NodeLog:
    items, after = await services.logs.page(space, subtree=node_id.replace(".", "-"), limit=limit, cursor=cursor)
    return NodeLog(items=await _with_content(services, space, items), cursor=after)


async def _questions(
    services: Services, space: SpaceKey, node: SwarmNode, limit: int, cursor: str | None
) -> NodeQuestions:
    """A page of a node's questions, which ends early where they are long; its cursor is a place among their ids."""
    if cursor is not None and not _PLACE.fullmatch(cursor):
        raise InvalidInput("cursor is not one of this list: start again without it")
    at, size = int(cursor or 0), 0
    found: list[QuestionDoc] = []
    while at < len(node.questions) and len(found) < limit and size < _MAX_QUESTIONS:
        held = await services.questions.find(space, node.questions[at])
        at += 1
        if held is not None:
            found.append(held.doc)
            size += len(held.doc.question) + len(held.doc.assumption) + len(held.doc.answer or "")
    return NodeQuestions(items=found, cursor=str(at) if at < len(node.questions) else None)


async def _with_content(services: Services, space: SpaceKey, log: Sequence[JournalEntry]) -> list[JournalEntry]:
    """A page of a log with the contents that lie in blobs, as far as they go into `MAX_LOG`; others are named only."""
    left, shown = MAX_LOG, list(log)
    for place, entry in enumerate(log):
        if entry.content_size is not None and entry.content_size <= left:
            left -= entry.content_size
            # The archive that an imported swarm came from may hold anything under that name.
            with suppress(ValueError):
                shown[place] = await restored(services.blobs, space, entry)
    return shown


async def get_events(
    services: Services, tenant: TenantContext, swarm_id: str, *, after: int, limit: int, wait: float
) -> Events:
    """The events after a frame, in order; with `wait` it stays up to so many seconds until there is one.

    Raises `QuotaExceeded` where as many requests wait as may.
    """
    if after < 0 or not 1 <= limit <= MAX_EVENTS or not 0 <= wait <= MAX_WAIT:
        raise InvalidInput(f"after must be 0 or more, limit 1 to {MAX_EVENTS} and wait 0 to {MAX_WAIT:.0f} seconds")
    space, _ = await services.swarm(tenant, swarm_id)
    if not wait:
        return await _events(services, space, after, limit, 1)
    async with services.long_polls.take(tenant.user_id):
        return await _events(services, space, after, limit, max(1, int(wait / _LOOK)))


async def _events(services: Services, space: SpaceKey, after: int, limit: int, looks: int) -> Events:
    """The events after a frame, looked for so many times."""
    history = History(services.store, space)
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
