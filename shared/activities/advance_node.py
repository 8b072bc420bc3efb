"""`advance_node`: run one node until it ends or must wait. The one activity that does the work."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from shared.errors import Conflict, NotFound, Unavailable
from shared.node.children import Branch, settle_parent
from shared.node.claim import Hold
from shared.node.engine import Engine
from shared.node.interruption import Interrupted
from shared.node.manage import alive_step, cancel_searches, routed_branches
from shared.node.outcome_store import close_questions, load_questions
from shared.node.turn import Work, act, adopt, cancel, review
from shared.runtime.names import answered_event, resumed_event
from shared.runtime.steps import ENDED, Step
from shared.store.nodes import Nodes
from shared.swarm.control import Command, Control
from shared.swarm.node import NodeRef
from shared.swarm.statuses import Operation, Status
from shared.swarm.swarm import QuestionState, Swarm

#: Seconds after which a node that somebody else moved, or still holds, is looked at again.
_SOON = 0.5
_HELD = 5.0
#: Seconds that a second delivery of an activity waits for the first, where both reached this process.
_TURN = 10.0
#: Seconds that a paused node waits for its wake event at most before it looks again.
_PAUSED = 300.0
#: Moves that one activity makes at most; a node that needs more comes back.
_MAX_MOVES = 12


async def advance_node(engine: Engine, ref: NodeRef) -> Step:
    """Bring a node as far as it gets now, and say what to wait for.

    A node that somebody else works on, a busy model and a lost race all come back as `later`, soon enough to notice
    that the user cancels; one whose swarm was deleted has ended.
    """
    turn = engine.turn_on(ref)
    try:
        async with asyncio.timeout(_TURN):
            await turn.acquire()
    except TimeoutError:
        return Step(kind="later", seconds=_SOON)
    try:
        return await _advance(engine, ref)
    except NotFound:
        if not await engine.deleted(ref.space):
            raise
        return ENDED
    finally:
        turn.release()


async def _advance(engine: Engine, ref: NodeRef) -> Step:
    nodes = engine.nodes(ref.space)
    hold = Hold(engine, ref, nodes, await nodes.load(ref.node_id))
    if not hold.node.alive:
        await settle_parent(engine, nodes, hold.node)
        return ENDED
    if held_for := hold.foreign_seconds():
        return Step(kind="later", seconds=min(held_for, _HELD))
    try:
        return await _Advance(engine, ref, nodes, hold, await engine.swarm(ref.space)).run()
    except Conflict:
        return Step(kind="later", seconds=_SOON)
    except Unavailable as busy:
        await hold.release()
        return Step(kind="later", seconds=engine.rests.begin(ref, busy.retry_after, engine.now()))


class _Advance:
    """One call of the activity: moves the node from status to status until it ends or must wait."""

    def __init__(self, engine: Engine, ref: NodeRef, nodes: Nodes, hold: Hold, swarm: Swarm) -> None:
        self._engine = engine
        self._ref = ref
        self._nodes = nodes
        self._hold = hold
        self._swarm = swarm
        self._moves: dict[Status, Callable[[], Awaitable[Step | None]]] = {
            Status.PENDING: self._start,
            Status.ACTING: self._act_again,
            Status.BLOCKED: self._answered,
            Status.WAITING: self._waiting,
            Status.REVIEWING: self._review_again,
        }

    async def run(self) -> Step:
        for _ in range(_MAX_MOVES):
            step = await self._move()
            if not self._hold.node.alive:
                await settle_parent(self._engine, self._nodes, self._hold.node)
                return ENDED
            if step is not None:
                return step
        return Step(kind="later", seconds=_SOON)

    async def _move(self) -> Step | None:
        control = await self._engine.control(self._ref.space)
        if control.generation > self._ref.generation:
            return ENDED
        command = control.of(self._hold.node.node_id)
        if command is Command.CANCEL:
            return await self._cancel()
        if command is Command.PAUSE:
            return await self._pause(control)
        if rest := self._engine.rests.left(self._ref, self._engine.now()):
            return Step(kind="later", seconds=rest)
        try:
            return await self._moves[self._hold.node.status]()
        except Interrupted as stopped:
            return None if stopped.command is not None else Step(kind="later", seconds=_SOON)

    async def _start(self) -> Step | None:
        await self._hold.move(Operation.EXECUTE, Status.ACTING)
        return await self._work(act, fresh=True)

    async def _act_again(self) -> Step | None:
        await self._hold.take()
        return await self._work(act)

    async def _review_again(self) -> Step | None:
        await self._hold.take()
        return await self._work(review)

    async def _work(self, work: Work, *, fresh: bool = False, branches: Sequence[Branch] | None = None) -> Step | None:
        await self._hold.run(work(self._engine, self._hold, self._swarm, fresh=fresh, branches=branches))
        return None

    async def _answered(self) -> Step | None:
        """Act again once every question is answered or its deadline is over."""
        node = self._hold.node
        questions = await load_questions(self._engine, self._ref.space, node)
        still_open = [question for question in questions if question.state is QuestionState.OPEN]
        now = self._engine.now()
        if still_open and node.answer_by is not None and now < node.answer_by:
            return Step(kind="wait", event=answered_event(node.turn), until=node.answer_by)
        await close_questions(self._engine, self._ref.space, still_open, QuestionState.EXPIRED)
        asked = min((question.asked for question in questions if question.turn == node.turn), default=now)
        await self._hold.move(
            Operation.USER_COMMUNICATION,
            Status.ACTING,
            turn=node.turn + 1,
            answer_by=None,
            waited=node.waited + (now - asked).total_seconds(),
        )
        return await self._work(act)

    async def _waiting(self) -> Step | None:
        """Have the children routed and driven; once all have ended, adopt a continuation's report or review."""
        branches = await self._hold.run(routed_branches(self._hold, self._swarm))
        step = alive_step(branches)
        if step.children:
            return step
        if branches[-1].is_continuation:
            await adopt(self._hold, branches)
            return None
        await self._hold.move(Operation.EXECUTE, Status.REVIEWING, turn=self._hold.node.turn + 1)
        # They have ended, so they need no second reading.
        return await self._work(review, branches=branches)

    async def _pause(self, control: Control) -> Step:
        await self._hold.release()
        until = self._engine.now() + timedelta(seconds=_PAUSED)
        return Step(kind="wait", event=resumed_event(control.pauses), until=until)

    async def _cancel(self) -> Step | None:
        """Cancel the children first, each by an advance of its own, then the node itself."""
        node = self._hold.node
        step = await cancel_searches(self._engine, self._ref, self._nodes, node)
        if step.children:
            return step
        asked = await load_questions(self._engine, self._ref.space, node)
        await close_questions(self._engine, self._ref.space, asked, QuestionState.CANCELLED)
        await cancel(self._engine, self._hold)
        return None
