"""What was used: by node, action, model and day of one swarm, and by swarm and day of one user.

All of it is summed from the write-once logs and from the ledger when it is asked for, within bounds; what one answer
does not reach, the next does.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from shared.services import Services
from shared.store import Category
from shared.store.documents import Documents
from shared.swarm.statuses import Status
from shared.swarm.swarm import SwarmStatus
from shared.swarm.usage import Usage
from shared.tenancy import TenantContext
from shared.tenancy.quotas import Spending
from shared.types import SpaceKey

#: Model calls that one answer sums up at most, in how many reads, and how many calls a read asks for. A read of long
#: calls ends early.
MAX_CALLS = 5_000
MAX_READS = 20
_PAGE = 500
#: Nodes and swarms that one answer lists at most.
MAX_LISTED = 200

_NOTHING = Usage()

K = TypeVar("K")


class SwarmUsage(BaseModel):
    """What some of a swarm's model calls used. With a `cursor` there are more: the sums of all answers add up."""

    model_config = ConfigDict(frozen=True)

    total: Usage
    by_action: dict[str, Usage]
    by_model: dict[str, Usage]
    by_day: dict[date, Usage]
    cursor: str | None


class NodeUsage(BaseModel):
    """What one node used."""

    model_config = ConfigDict(frozen=True)

    node_id: str
    action_id: str
    #: Its own calls, as they are in its log now.
    own: Usage
    by_model: dict[str, Usage]
    by_day: dict[date, Usage]
    #: With all that is below it; None while it has not ended.
    with_below: Usage | None


class SwarmLine(BaseModel):
    """What one swarm of a user used in all."""

    model_config = ConfigDict(frozen=True)

    swarm_id: str
    directive: str
    status: SwarmStatus
    created: datetime
    ended: datetime | None
    #: None while it runs, and for one that was imported: nothing of that was used here.
    usage: Usage | None


class DaySpending(BaseModel):
    """What the swarms used that ended on one day (in UTC), deleted ones included."""

    model_config = ConfigDict(frozen=True)

    day: date
    spending: Spending


class _Call(BaseModel):
    """What counts of a journal entry."""

    node_id: str
    model: str
    started: datetime
    usage: Usage


class _Node(BaseModel):
    """What counts of a node."""

    node_id: str
    action_id: str
    status: Status = Status.PENDING
    usage: Usage = _NOTHING


async def get_swarm_usage(
    services: Services, tenant: TenantContext, swarm_id: str, cursor: str | None = None
) -> SwarmUsage:
    """What a swarm used, by action, model and day; at most `MAX_CALLS` calls, and the cursor that goes on."""
    space, _ = await services.swarm(tenant, swarm_id)
    calls: list[_Call] = []
    for _ in range(MAX_READS):
        page, cursor = await _calls(services).page(space, limit=_PAGE, cursor=cursor)
        calls += page
        if cursor is None or len(calls) + _PAGE > MAX_CALLS:
            break
    actions = await _actions(services, space, {call.node_id for call in calls})
    return SwarmUsage(
        total=sum((call.usage for call in calls), _NOTHING),
        by_action=_sums((actions.get(call.node_id, "unknown"), call.usage) for call in calls),
        by_model=_sums((call.model, call.usage) for call in calls),
        by_day=_sums((_day(call), call.usage) for call in calls),
        cursor=cursor,
    )


async def list_node_usage(
    services: Services, tenant: TenantContext, swarm_id: str, limit: int, cursor: str | None
) -> tuple[list[NodeUsage], str | None]:
    """What each node of a swarm used, in the order in which they came to be, and the cursor that goes on."""
    space, _ = await services.swarm(tenant, swarm_id)
    nodes, after = await _nodes(services).page(space, limit=min(limit, MAX_LISTED), cursor=cursor)
    return list(await asyncio.gather(*(_node_usage(services, space, node) for node in nodes))), after


async def list_swarm_usage(
    services: Services, tenant: TenantContext, limit: int, cursor: str | None
) -> tuple[list[SwarmLine], str | None]:
    """What each of a user's swarms used, the newest first, and the cursor that goes on."""
    swarms, after = await services.swarms.page(tenant.account, limit=min(limit, MAX_LISTED), cursor=cursor)
    lines = [
        SwarmLine(
            swarm_id=swarm.swarm_id,
            directive=swarm.directive,
            status=swarm.status,
            created=swarm.created,
            ended=swarm.ended,
            usage=None if swarm.ended is None or swarm.imported is not None else swarm.usage,
        )
        for swarm in swarms
    ]
    return lines, after


async def list_day_usage(services: Services, tenant: TenantContext) -> list[DaySpending]:
    """What a user's swarms used, by the day they ended, the latest first: about two months."""
    ledger = await services.ledgers.read(tenant.user_id)
    return [DaySpending(day=day, spending=spent) for day, spent in sorted(ledger.days.items(), reverse=True)]


async def _node_usage(services: Services, space: SpaceKey, node: _Node) -> NodeUsage:
    calls = [call async for call in _calls(services).all(space, subtree=node.node_id.replace(".", "-"))]
    return NodeUsage(
        node_id=node.node_id,
        action_id=node.action_id,
        own=sum((call.usage for call in calls), _NOTHING),
        by_model=_sums((call.model, call.usage) for call in calls),
        by_day=_sums((_day(call), call.usage) for call in calls),
        with_below=node.usage if node.status.ended else None,
    )


async def _actions(services: Services, space: SpaceKey, node_ids: set[str]) -> dict[str, str]:
    """The action of each node."""
    wanted, found = sorted(node_ids), {}
    for start in range(0, len(wanted), _PAGE):
        held = await asyncio.gather(*(_nodes(services).find(space, one) for one in wanted[start : start + _PAGE]))
        found.update({one.doc.node_id: one.doc.action_id for one in held if one is not None})
    return found


def _sums(rows: Iterable[tuple[K, Usage]]) -> dict[K, Usage]:
    sums: dict[K, Usage] = defaultdict(Usage)
    for key, usage in rows:
        sums[key] += usage
    return dict(sums)


def _day(call: _Call) -> date:
    return call.started.astimezone(UTC).date()


def _calls(services: Services) -> Documents[_Call]:
    return Documents(services.store, Category.NODE_LOG, _Call)


def _nodes(services: Services) -> Documents[_Node]:
    return Documents(services.store, Category.SWARM_STATE, _Node)
