"""A manager's children: lease the budget out to them, have them routed, name those to drive, and list their reports."""

import asyncio
from collections.abc import Sequence

from shared.actions.registry import ACTIONS
from shared.llm.prompting import clip
from shared.node.branches import Branch
from shared.node.journal import NodeJournal
from shared.node.router_node import route
from shared.node.session import NodeSession
from shared.runtime.steps import Child, Step
from shared.store.nodes import HeldNode
from shared.swarm.birth import child_of
from shared.swarm.budget import SMALLEST, Lease, Shortage, shortage, without_review
from shared.swarm.control import Command, Control
from shared.swarm.node import MAX_NODE_ID, SwarmNode
from shared.swarm.outcomes import SubDirective
from shared.swarm.statuses import Operation, Status
from shared.swarm.swarm import Swarm
from shared.swarm.transitions import transition

CANCELLED_REPORT = "Cancelled by the user."
#: Nodes below a child that could still decompose anything.
_MANAGER_NODES = 2


def plan_children(
    manager: SwarmNode, subs: Sequence[SubDirective], left: Lease, swarm: Swarm
) -> tuple[SwarmNode, ...] | Shortage:
    """The children of a plan, each with its part of what is left; or what there is not enough of."""
    first = manager.next_child
    longest = len(manager.child_id(first + len(subs))) + len(".0")
    if longest > MAX_NODE_ID:
        return Shortage("depth")
    part = left if subs[0].continuation else without_review(left).share(len(subs))
    if not part.covers(SMALLEST):
        return Shortage((part - SMALLEST).shortest()) if subs[0].continuation else shortage(left, len(subs))
    return tuple(child_of(manager, first + n, _fitting(sub, manager, part, swarm), part) for n, sub in enumerate(subs))


def _fitting(sub: SubDirective, manager: SwarmNode, part: Lease, swarm: Swarm) -> SubDirective:
    """A planned action that this child may not perform, or that does not exist, is left to a router."""
    action = ACTIONS.get(sub.action_id or "")
    too_deep = manager.depth + 1 >= swarm.limits.depth or part.nodes < _MANAGER_NODES
    if action is None or (action.is_manager and too_deep and not sub.continuation):
        return sub.model_copy(update={"action_id": None})
    return sub


async def routed_branches(session: NodeSession, control: Control) -> Sequence[Branch]:
    """Return a node's children after the routers among them have searched, concurrently and under the node's claim.

    A router whose branch is paused is left as it is, and one whose branch is cancelled ends.
    """
    branches = await session.load_branches()
    routers = [branch.child for branch in branches if branch.child.node.status is Status.ROUTING]
    for router in routers:
        if control.of(router.node.node_id) is Command.CANCEL:
            await cancel_router(session, router)
    searching = [router for router in routers if control.of(router.node.node_id) is Command.RUN]
    if searching:
        await session.claim.ensure()
        searches = (route(session, router) for router in searching)
        for failed in await asyncio.gather(*searches, return_exceptions=True):
            if isinstance(failed, BaseException):  # raised only now, so that no search is cut off by another's fault
                raise failed
        branches = await session.load_branches()
    await session.claim.release()
    return branches


def alive_step(branches: Sequence[Branch]) -> Step:
    """Name the children that have not ended, and how each is to be driven.

    A router that has not searched yet, since its branch is paused, is driven for itself.
    """
    nodes = [(branch.actor or branch.child).node for branch in branches]
    alive = [node for node in nodes if node.alive]
    return Step(kind="children", children=tuple(Child(node_id=n.node_id, in_one_go=in_one_go(n)) for n in alive))


async def cancel_searches(session: NodeSession) -> Step:
    """Cancel the routers that still search, and name the children that are to be driven to their own end."""
    branches = await session.load_branches()
    for branch in branches:
        if branch.child.node.status is Status.ROUTING:
            await cancel_router(session, branch.child)
    return alive_step(branches)


async def cancel_router(session: NodeSession, router: HeldNode) -> None:
    """End a router that still searches as cancelled. Raises `Conflict`."""
    journal = await NodeJournal.open(session.services, session.space, router.node, fresh=False)
    after = transition(
        router.node,
        Operation.TERMINATE,
        Status.CANCELLED,
        session.now(),
        report=CANCELLED_REPORT,
        usage=journal.usage,
        claim=None,
    )
    await session.nodes.commit(router, after)


def in_one_go(node: SwarmNode) -> bool:
    """Whether one activity brings the node to its end, so that it needs no orchestration of its own."""
    action = ACTIONS.get(node.action_id)
    return action is not None and not action.is_manager and not action.may_block


def stopped_report(short: Shortage, branches: Sequence[Branch]) -> str:
    """The report of a node whose budget ran out, made without a model."""
    done = [branch.report() for branch in branches]
    finished = sum(report.ending == "done" for report in done)
    head = f"Stopped: {short.what} ran out. {short.told}".strip()
    if not done:
        return f"{head} Nothing of this directive was done yet."
    return f"{head} {finished} of {len(done)} parts are done; here is what there is.\n{listing(branches)}"


def listing(branches: Sequence[Branch]) -> str:
    """What each child came to, in a few lines."""
    lines = []
    for branch in branches:
        report = branch.report()
        lines.append(f"- [{report.ending}] {clip(report.directive, 60)}: {clip(report.report, 150)}")
    return "\n".join(lines)
