"""`advance_node`: run one node until it ends or must wait. The one activity that does the work."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from shared.errors import Conflict, NotFound, Unavailable
from shared.node.branches import Branch, end_router, end_router_above
from shared.node.children import alive_step, cancel_router, cancel_searches, routed_branches
from shared.node.interruption import Interrupted
from shared.node.outcome_store import close_questions, load_questions
from shared.node.router_node import route
from shared.node.session import NodeSession
from shared.node.turn import act, adopt, cancel, review
from shared.runtime.names import answered_event, pause_ends
from shared.runtime.steps import ENDED, Step
from shared.services import Services
from shared.swarm.control import Command, Control
from shared.swarm.node import NodeRef
from shared.swarm.statuses import Operation, Status
from shared.swarm.swarm import QuestionState

#: Seconds until a node is looked at again that somebody else moved, or still has claimed.
_SOON = 0.5
_CLAIMED = 5.0
#: Seconds that a second delivery of an activity waits for the first, where both reached this process.
_LOCK = 10.0
#: Seconds that a paused node waits for its wake event at most before it looks again.
_PAUSED = 300.0
#: Moves that one activity makes at most; a node that needs more comes back.
_MAX_MOVES = 12


async def advance_node(services: Services, ref: NodeRef) -> Step:
    """Bring a node as far as it gets now, and say what to wait for.

    A node that somebody else works on, a busy model and a lost race all come back as `later`, soon enough to notice
    that the user cancels; one whose swarm was deleted has ended.
    """
    lock = services.node_lock(ref)
    try:
        async with asyncio.timeout(_LOCK):
            await lock.acquire()
    except TimeoutError:
        return Step(kind="later", seconds=_SOON)
    try:
        return await _advance(services, ref)
    except NotFound:
        if not await services.deleted(ref.space):
            raise
        return ENDED
    finally:
        lock.release()


async def _advance(services: Services, ref: NodeRef) -> Step:
    session = await NodeSession.open(services, ref)
    if not session.node.alive:
        await end_router_above(session.nodes, session.node, session.now())
        return ENDED
    if seconds := session.claim.foreign_seconds():
        return Step(kind="later", seconds=min(seconds, _CLAIMED))
    try:
        return await _Advance(session).run()
    except Conflict:
        return Step(kind="later", seconds=_SOON)
    except Unavailable as busy:
        await session.claim.release()
        return Step(kind="later", seconds=services.backoffs.begin(ref, busy.retry_after, services.now()))


class _Advance:
    """One call of the activity: moves the node from status to status until it ends or must wait."""

    def __init__(self, session: NodeSession) -> None:
        self._session = session
        self._claim = session.claim
        self._moves: dict[Status, Callable[[Control], Awaitable[Step | None]]] = {
            Status.PENDING: self._start,
            Status.ROUTING: self._search,
            Status.ACTING: self._act_again,
            Status.BLOCKED: self._answered,
            Status.WAITING: self._waiting,
            Status.REVIEWING: self._review_again,
        }

    async def run(self) -> Step:
        session = self._session
        for _ in range(_MAX_MOVES):
            step = await self._move()
            if not session.node.alive:
                await end_router_above(session.nodes, session.node, session.now())
                return ENDED
            if step is not None:
                return step
        return Step(kind="later", seconds=_SOON)

    async def _move(self) -> Step | None:
        session, services = self._session, self._session.services
        control = await services.control(session.space)
        command = control.of(session.node.node_id)
        if command is Command.CANCEL:
            return await self._cancel()
        if command is Command.PAUSE:
            return await self._pause(control)
        await self._claim.go_on(control)
        if seconds := services.backoffs.left(session.ref, session.now()):
            return Step(kind="later", seconds=seconds)
        try:
            return await self._moves[session.node.status](control)
        except Interrupted as stopped:
            return None if stopped.command is not None else Step(kind="later", seconds=_SOON)

    async def _start(self, _control: Control) -> None:
        await self._claim.move(Operation.EXECUTE, Status.ACTING)
        self._session.fresh = True
        await self._work(act)

    async def _search(self, _control: Control) -> None:
        """Search on in a router whose branch was paused meanwhile; any other searches in an advance of its manager."""
        await self._claim.acquire()
        await self._claim.run(route(self._session, self._claim.held))

    async def _act_again(self, _control: Control) -> None:
        await self._claim.acquire()
        await self._work(act)

    async def _review_again(self, _control: Control) -> None:
        await self._claim.acquire()
        await self._work(review)

    async def _work(self, work: Callable[[NodeSession], Awaitable[None]]) -> None:
        try:
            await self._claim.run(work(self._session))
        finally:
            self._session.forget()

    async def _answered(self, _control: Control) -> Step | None:
        """Act again once every question is answered or its deadline is over."""
        session, node = self._session, self._session.node
        questions = await load_questions(session.services, session.space, node)
        still_open = [question for question in questions if question.state is QuestionState.OPEN]
        now = session.now()
        if still_open and node.answer_by is not None and now < node.answer_by:
            return Step(kind="wait", event=answered_event(node.turn), until=node.answer_by)
        await close_questions(session.services, session.space, still_open, QuestionState.EXPIRED)
        asked = min((question.asked for question in questions if question.turn == node.turn), default=now)
        await self._claim.move(
            Operation.USER_COMMUNICATION,
            Status.ACTING,
            turn=node.turn + 1,
            answer_by=None,
            waited=node.waited + (now - asked).total_seconds(),
        )
        await self._work(act)
        return None

    async def _waiting(self, control: Control) -> Step | None:
        """Have the children routed and driven; once all have ended, adopt a continuation's report or review."""
        branches = await self._claim.run(routed_branches(self._session, control))
        step = alive_step(branches)
        if step.children:
            return step
        if self._session.node.is_router:
            return await self._end_router(branches)
        self._session.remember(branches)
        if branches[-1].is_continuation:
            return await self._adopt(branches[-1])
        await self._claim.move(Operation.EXECUTE, Status.REVIEWING, turn=self._session.node.turn + 1)
        await self._work(review)
        return None

    async def _adopt(self, continuation: Branch) -> Step | None:
        """Adopt a continuation's report, unless it was cancelled because this node is."""
        session = self._session
        if continuation.child.node.status is Status.CANCELLED:
            control = await session.services.control(session.space)
            if control.of(session.node.node_id) is Command.CANCEL:
                return None
        await adopt(session)
        return None

    async def _end_router(self, branches: Sequence[Branch]) -> Step | None:
        """End a router whose node has ended, if that node did not."""
        session = self._session
        await end_router(session.nodes, self._claim.held, branches[0].child.node, session.now())
        return Step(kind="later", seconds=_SOON) if session.node.alive else None

    async def _pause(self, control: Control) -> Step:
        await self._claim.stand_still(control)
        until = self._session.now() + timedelta(seconds=_PAUSED)
        return Step(kind="wait", event=pause_ends(control, self._session.node.node_id), until=until)

    async def _cancel(self) -> Step | None:
        """Cancel the children first, each by an advance of its own, then the node itself."""
        session = self._session
        step = await cancel_searches(session)
        if step.children:
            return step
        if session.node.status is Status.ROUTING:
            await cancel_router(session, self._claim.held)
            return None
        if session.node.is_router:
            return await self._end_router(await session.load_branches())
        asked = await load_questions(session.services, session.space, session.node)
        await close_questions(session.services, session.space, asked, QuestionState.CANCELLED)
        await cancel(session)
        return None
