"""One turn of a node: perform its action, or review its children, and turn the outcome into state."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from shared.actions.action import Action
from shared.actions.context import ActionContext, ActionOption
from shared.actions.registry import ACTIONS, REVIEW, action_of
from shared.blobs import BlobRef
from shared.errors import ModelError
from shared.llm.prompting import clip
from shared.node.children import Below, Branch, load_branches
from shared.node.claim import Hold
from shared.node.engine import Engine
from shared.node.interruption import OutOfBudget
from shared.node.journal import NodeJournal
from shared.node.manage import CANCELLED_REPORT, listing, plan_children, stopped_report
from shared.node.memory import NodeMemory
from shared.node.missing_files import not_produced
from shared.node.model import NodeModel
from shared.node.outcome_store import MAX_REPORT, keep_artifacts, keep_memories, keep_questions, load_questions
from shared.node.router_node import may_perform
from shared.spaces.memory_space import MemorySpace
from shared.spaces.router import MAX_OPTIONS
from shared.store import Category
from shared.store.documents import Documents
from shared.swarm.budget import Shortage, spent
from shared.swarm.outcomes import Blocking, Fail, Outcome, Spawn, Terminate
from shared.swarm.statuses import Operation, Status
from shared.swarm.swarm import ContextDoc, Swarm


class Work(Protocol):
    """What a node does between being claimed and its outcome."""

    async def __call__(
        self, engine: Engine, hold: Hold, swarm: Swarm, *, fresh: bool, branches: Sequence[Branch] | None
    ) -> None:
        """Work, and commit the outcome.

        `fresh` says that the node never worked before; `branches` are its children where they were just read.
        """
        ...


async def act(
    engine: Engine, hold: Hold, swarm: Swarm, *, fresh: bool, branches: Sequence[Branch] | None = None
) -> None:
    """Perform the node's action."""
    turn = await _Turn.open(engine, hold, swarm, fresh=fresh, branches=branches)
    action = action_of(hold.node.action_id)
    await turn.apply(action, await turn.perform(action, await turn.context(action)))


async def review(
    engine: Engine, hold: Hold, swarm: Swarm, *, fresh: bool, branches: Sequence[Branch] | None = None
) -> None:
    """Judge what the children reported: terminate, or spawn a continuation."""
    turn = await _Turn.open(engine, hold, swarm, fresh=fresh, branches=branches)
    outcome = await turn.perform(REVIEW, await turn.context(REVIEW))
    if isinstance(outcome, Spawn) and hold.node.round + 1 >= swarm.limits.rounds:
        missing = outcome.children[0].missing or "its manager did not say what"
        told = f"Not complete after {hold.node.round + 1} rounds. Missing: {missing}\n{listing(turn.judged)}"
        outcome = Terminate(report=told, complete=False)
    await turn.apply(action_of(hold.node.action_id), outcome)


async def adopt(hold: Hold, branches: Sequence[Branch]) -> None:
    """End a manager with the report and the verdict of its continuation, which has ended."""
    continuation = branches[-1].child.node
    journal = await NodeJournal.open(hold.engine.store, hold.ref.space, hold.node, fresh=False)
    await hold.move(
        Operation.TERMINATE,
        Status.CANCELLED if continuation.status is Status.CANCELLED else Status.TERMINATED,
        report=continuation.report,
        complete=bool(continuation.complete),
        **_totals(hold, journal, Below.of(branches)),
    )


async def cancel(engine: Engine, hold: Hold) -> None:
    """End a node that the user cancelled, once nothing below it is alive."""
    branches = await load_branches(engine, hold.nodes, hold.node)
    journal = await NodeJournal.open(engine.store, hold.ref.space, hold.node, fresh=False)
    report = f"{CANCELLED_REPORT}\n{listing(branches)}".strip()
    totals = _totals(hold, journal, Below.of(branches))
    await hold.move(Operation.TERMINATE, Status.CANCELLED, report=report, complete=False, **totals)


def _totals(hold: Hold, journal: NodeJournal, below: Below) -> dict[str, Any]:
    """What a node's end says it and all below it used."""
    return {
        "usage": journal.usage + below.usage,
        "nodes": 1 + below.nodes,
        "waited": max(hold.node.waited, below.waited),
    }


@dataclass
class _Turn:
    """One turn: the node's journal, the model bounded by what is left of its lease, and its children."""

    engine: Engine
    hold: Hold
    swarm: Swarm
    journal: NodeJournal
    model: NodeModel
    branches: Sequence[Branch]
    below: Below

    @classmethod
    async def open(
        cls, engine: Engine, hold: Hold, swarm: Swarm, *, fresh: bool, branches: Sequence[Branch] | None
    ) -> "_Turn":
        node = hold.node
        journal = await NodeJournal.open(engine.store, hold.ref.space, node, fresh=fresh)
        if branches is None:
            branches = await load_branches(engine, hold.nodes, node)
        below = Below.of(branches)
        deadline = swarm.deadline(max(node.waited, below.waited))
        model = NodeModel(engine, hold.ref, node, journal, deadline, below.lease)
        return cls(engine, hold, swarm, journal, model, branches, below)

    @property
    def judged(self) -> list[Branch]:
        """The children that carry out the plan."""
        return [b for b in self.branches if b.child.node.context_id is None and not b.is_continuation]

    async def context(self, action: Action) -> ActionContext:
        """What the action may read."""
        node, settings = self.hold.node, self.engine.settings
        answers = await load_questions(self.engine, self.hold.ref.space, node) if node.questions else []
        return ActionContext(
            node=node,
            swarm=self.swarm,
            model=self.model,
            memory=NodeMemory(MemorySpace(self.engine.store, self.hold.ref.space), self.model),
            fan_out=min(self.swarm.limits.fan_out, settings.fan_out),
            check_plan=settings.check_plans,
            options=self._options() if action.is_manager and settings.routing == "planned" else (),
            children=tuple(branch.report() for branch in self.judged),
            not_produced=await self._not_produced() if action is REVIEW or node.missing else (),
            answers=tuple(answers),
            document=await self._document(),
        )

    async def _not_produced(self) -> tuple[str, ...]:
        handed_over = [document.name for document in self.swarm.context]
        return await not_produced(self.engine, self.hold.ref.space, self.hold.node.directive, handed_over)

    def _options(self) -> tuple[ActionOption, ...]:
        """The actions a plan may name, where the whole action space is small enough to be shown."""
        depth = self.hold.node.depth + 1
        listed = [a.metadata for a in ACTIONS.values() if may_perform(a.metadata, depth, self.swarm)]
        if len(listed) > MAX_OPTIONS:
            return ()
        return tuple(ActionOption(entry.id, entry.description) for entry in listed)

    async def _document(self) -> ContextDoc | None:
        context_id = self.hold.node.context_id
        if context_id is None:
            return None
        docs = Documents(self.engine.store, Category.CONTEXT, ContextDoc)
        found = (await docs.get(self.hold.ref.space, context_id)).doc
        if found.content is not None:
            return found
        content = await self.engine.blobs.read(self.hold.ref.space, BlobRef(sha256=found.sha256, size=found.size))
        return found.model_copy(update={"content": content.decode()})

    async def perform(self, action: Action, context: ActionContext) -> Outcome:
        """The action's outcome; a budget that ran out and a model that cannot be used are outcomes too."""
        try:
            return await action.perform(context)
        except OutOfBudget as stopped:
            return Terminate(report=stopped_report(Shortage(stopped.what), self.judged), complete=False)
        except ModelError as error:
            if action is REVIEW:
                told = f"The reports could not be reviewed: {error}\n{listing(self.judged)}"
                return Terminate(report=told, complete=False)
            return Fail(reason=f"The model gave no usable answer: {error}")

    async def apply(self, action: Action, outcome: Outcome) -> None:
        """Turn an outcome into state."""
        rest: Outcome | None = outcome
        if isinstance(rest, Spawn):
            rest = await self._spawn(rest)
        elif isinstance(rest, Blocking):
            rest = await self._block(action, rest)
        if isinstance(rest, Terminate):
            await self._terminate(rest)
        elif isinstance(rest, Fail):
            await self._fail(rest)

    async def _spawn(self, outcome: Spawn) -> Outcome | None:
        node = self.hold.node
        left = node.lease - self.below.lease - spent(self.journal.usage, 1)
        planned = plan_children(node, outcome.children, left, self.swarm)
        if isinstance(planned, Shortage):
            report = stopped_report(planned, self.judged)
            missing = outcome.children[0].missing
            return Terminate(report=f"{report}\nMissing: {missing}" if missing else report, complete=False)
        # What the user was waited for until now is behind the children too.
        waited = max(node.waited, self.below.waited)
        children = tuple(child.evolve(waited=waited) for child in planned)
        await self.hold.move(Operation.SPAWN, Status.WAITING, children=children, usage=self.journal.usage)
        return None

    async def _block(self, action: Action, outcome: Blocking) -> Outcome | None:
        if not action.may_block:
            asked = "; ".join(question.question for question in outcome.questions)
            return Fail(reason=f"It needs answers, and this action may not wait for them: {asked}")
        node = self.hold.node
        ids, deadline = await keep_questions(self.engine, self.hold.ref.space, node, outcome.questions, self.swarm)
        await self.hold.move(Operation.BLOCKING, Status.BLOCKED, questions=(*node.questions, *ids), answer_by=deadline)
        return None

    async def _terminate(self, outcome: Terminate) -> None:
        node, space = self.hold.node, self.hold.ref.space
        await keep_artifacts(self.engine, space, node, outcome.artifacts)
        await keep_memories(self.engine, space, node, outcome.memories)
        report = outcome.report.strip()[:MAX_REPORT] or "Done."
        await self.hold.move(
            Operation.TERMINATE,
            Status.TERMINATED,
            report=report,
            complete=outcome.complete,
            artifacts=len(outcome.artifacts),
            **_totals(self.hold, self.journal, self.below),
        )

    async def _fail(self, outcome: Fail) -> None:
        totals = _totals(self.hold, self.journal, self.below)
        report = clip(f"Failed: {outcome.reason}", 1_000)
        await self.hold.move(Operation.NODE_FAILURE, Status.FAILED, report=report, complete=False, **totals)
