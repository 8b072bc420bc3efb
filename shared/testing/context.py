"""What an action under test is given."""

from datetime import UTC, datetime
from typing import Any

from shared.actions.context import ActionContext, Memory, Model
from shared.swarm.birth import root_node
from shared.swarm.budget import Limits
from shared.swarm.swarm import QuestionDoc, QuestionState, Swarm
from shared.testing.memory import FakeMemory

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_LIMITS = Limits()


def action_context(
    model: Model,
    directive: str = "Make it",
    *,
    memory: Memory | None = None,
    goal: str = "The whole goal",
    missing: str | None = None,
    limits: Limits = _LIMITS,
    **fields: Any,
) -> ActionContext:
    """The context of a node with a directive, in a swarm with a goal; `fields` are further ones of `ActionContext`.

    `missing` is what a continuation is told to be still missing. Without a memory there is an empty one.
    """
    swarm = Swarm(swarm_id="s", user_id="u", directive=goal, created=_NOW, limits=limits)
    node = root_node(directive, limits, 0).evolve(missing=missing)
    return ActionContext(node=node, swarm=swarm, model=model, memory=memory or FakeMemory(), **fields)


def asked_before(question: str, answer: str | None, assumption: str = "none needed") -> QuestionDoc:
    """A question of an earlier turn, for the field `answers`; without an answer its deadline has passed."""
    return QuestionDoc(
        question_id="0-0.0",
        node_id="0",
        turn=0,
        question=question,
        assumption=assumption,
        state=QuestionState.EXPIRED if answer is None else QuestionState.ANSWERED,
        asked=_NOW,
        deadline=_NOW,
        answer=answer,
    )
