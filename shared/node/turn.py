"""One turn of a node: perform its action, or review its children, and turn the outcome into state."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.actions.action import Action
from shared.actions.context import ActionContext, ActionOption
from shared.actions.registry import ACTIONS, REVIEW, action_of
from shared.blobs import BlobRef
from shared.errors import ModelError
from shared.llm.prompting import clip
from shared.node.branches import Below, Branch
from shared.node.children import CANCELLED_REPORT, listing, plan_children, stopped_report
from shared.node.interruption import OutOfBudget
from shared.node.journal import NodeJournal
from shared.node.journalled_calls import JournalledCalls
from shared.node.memory import NodeMemory
from shared.node.missing_files import not_produced
from shared.node.model import NodeModel
from shared.node.outcome_store import MAX_REPORT, load_questions, store_artifacts, store_memories, store_questions
from shared.node.router_node import may_perform
from shared.node.session import NodeSession
from shared.spaces.memory_space import MemorySpace
from shared.spaces.router import MAX_OPTIONS
from shared.store import Category
from shared.store.documents import Documents
from shared.swarm.budget import Shortage, spent
from shared.swarm.outcomes import Blocking, Fail, Outcome, Spawn, Terminate
from shared.swarm.statuses import Operation, Status
from shared.swarm.swarm import ContextDoc


async def act(session: NodeSession) -> None:
    """Perform the node's action and commit the outcome."""
    turn = await _Turn.open(session)
    action = action_of(session.node.action_id)
    await turn.apply(action, await turn.perform(action, await turn.context(action)))


async def review(session: NodeSession) -> None:
    """Judge the children's reports: terminate, or spawn a continuation."""
    turn = await _Turn.open(session)
    outcome = await turn.perform(REVIEW, await turn.context(REVIEW))
    node = session.node
    if isinstance(outcome, Spawn) and node.round + 1 >= session.swarm.limits.rounds:
        missing = outcome.children[0].missing or "its manager did not say what"
        told = f"Not complete after {node.round + 1} rounds. Missing: {missing}\n{listing(turn.judged)}"
        outcome = Terminate(report=told, complete=False)
    await turn.apply(action_of(node.action_id), outcome)


async def adopt(session: NodeSession) -> None:
    """End a manager with the report and the verdict of its continuation, which has ended."""
    turn = await _Turn.open(session)
    continuation = turn.branches[-1].child.node
    report = continuation.report or ""
    if continuation.status is Status.CANCELLED:  # alone, with its branch: what was done before is told too
        report = f"{report}\n{listing(turn.judged)}"
    await session.claim.move(
        Operation.TERMINATE,
        Status.TERMINATED,
        report=report,
        complete=bool(continuation.complete),
        **turn.totals(),
    )


async def cancel(session: NodeSession) -> None:
    """End a node that the user cancelled, once nothing below it is alive."""
    turn = await _Turn.open(session)
    report = f"{CANCELLED_REPORT}\n{listing(turn.branches)}".strip()
    await session.claim.move(Operation.TERMINATE, Status.CANCELLED, report=report, complete=False, **turn.totals())


@dataclass
class _Turn:
    """One turn: the node's session, journal, model bounded by what is left of its lease, and children."""

    session: NodeSession
    journal: NodeJournal
    model: NodeModel
    branches: Sequence[Branch]
    below: Below

    @classmethod
    async def open(cls, session: NodeSession) -> "_Turn":
        node = session.node
        journal = await session.journal()
        branches = await session.branches()
        below = Below.of(branches)
        deadline = session.swarm.deadline(max(node.idle, below.waited))
        model = NodeModel(JournalledCalls(session.services, session.ref, node, journal, deadline, below.lease))
        return cls(session, journal, model, branches, below)

    def totals(self) -> dict[str, Any]:
        """Return what the node and all below it used, as the fields of its end."""
        return {
            "usage": self.journal.usage + self.below.usage,
            "nodes": 1 + self.below.nodes,
            "waited": max(self.session.node.idle, self.below.waited),
        }

    @property
    def judged(self) -> list[Branch]:
        """The children that carry out the plan."""
        return [b for b in self.branches if b.child.node.context_id is None and not b.is_continuation]

    async def context(self, action: Action) -> ActionContext:
        """What the action may read."""
        session = self.session
        node, settings = session.node, session.services.settings
        answers = await load_questions(self.session.services, self.session.space, node) if node.questions else []
        return ActionContext(
            node=node,
            swarm=self.session.swarm,
            model=self.model,
            memory=NodeMemory(MemorySpace(self.session.services.store, self.session.space), self.model),
            check_plan=settings.check_plans,
            options=self._options() if action.is_manager and settings.routing == "planned" else (),
            children=tuple(branch.report() for branch in self.judged),
            not_produced=await self._not_produced() if action is REVIEW or node.missing else (),
            answers=tuple(answers),
            document=await self._document(),
        )

    async def _not_produced(self) -> tuple[str, ...]:
        handed_over = [document.name for document in self.session.swarm.context]
        return await not_produced(self.session.services, self.session.space, self.session.node.directive, handed_over)

    def _options(self) -> tuple[ActionOption, ...]:
        """The actions a plan may name, where the whole action space is small enough to be shown."""
        depth = self.session.node.depth + 1
        listed = [a.metadata for a in ACTIONS.values() if may_perform(a.metadata, depth, self.session.swarm)]
        if len(listed) > MAX_OPTIONS:
            return ()
        return tuple(ActionOption(entry.id, entry.description) for entry in listed)

    async def _document(self) -> ContextDoc | None:
        context_id = self.session.node.context_id
        if context_id is None:
            return None
        docs = Documents(self.session.services.store, Category.CONTEXT, ContextDoc)
        found = (await docs.get(self.session.space, context_id)).doc
        if found.content is not None:
            return found
        content = await self.session.services.blobs.read(
            self.session.space, BlobRef(sha256=found.sha256, size=found.size)
        )
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
        node = self.session.node
        left = node.lease - self.below.lease - spent(self.journal.usage, 1)
        planned = plan_children(node, outcome.children, left, self.session.swarm)
        if isinstance(planned, Shortage):
            report = stopped_report(planned, self.judged)
            missing = outcome.children[0].missing
            return Terminate(report=f"{report}\nMissing: {missing}" if missing else report, complete=False)
        # What the user was waited for until now is behind the children too.
        waited = max(node.idle, self.below.waited)
        children = tuple(child.evolve(waited=waited) for child in planned)
        await self.session.claim.move(Operation.SPAWN, Status.WAITING, children=children, usage=self.journal.usage)
        return None

    async def _block(self, action: Action, outcome: Blocking) -> Outcome | None:
        if not action.may_block:
            asked = "; ".join(question.question for question in outcome.questions)
            return Fail(reason=f"It needs answers, and this action may not wait for them: {asked}")
        node = self.session.node
        ids, deadline = await store_questions(
            self.session.services, self.session.space, node, outcome.questions, self.session.swarm
        )
        await self.session.claim.move(
            Operation.BLOCKING, Status.BLOCKED, questions=(*node.questions, *ids), answer_by=deadline
        )
        return None

    async def _terminate(self, outcome: Terminate) -> None:
        node, space = self.session.node, self.session.space
        await store_artifacts(self.session.services, space, node, outcome.artifacts)
        await store_memories(self.session.services, space, node, outcome.memories)
        report = outcome.report.strip()[:MAX_REPORT] or "Done."
        await self.session.claim.move(
            Operation.TERMINATE,
            Status.TERMINATED,
            report=report,
            complete=outcome.complete,
            artifacts=len(outcome.artifacts),
            **self.totals(),
        )

    async def _fail(self, outcome: Fail) -> None:
        report = clip(f"Failed: {outcome.reason}", 1_000)
        await self.session.claim.move(
            Operation.NODE_FAILURE, Status.FAILED, report=report, complete=False, **self.totals()
        )
