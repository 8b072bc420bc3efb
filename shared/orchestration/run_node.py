"""`run_node`: drive one node until it ends. Keep the yields linear, and the shape fixed: a change is a new name.

loop: step = advance_node(node)
  ended    -> return
  children -> all of them at once: those that can run in one go by an activity each, the others by a
              sub-orchestration each; what an activity could not finish goes on in a sub-orchestration too
  wait     -> an event or a time, whichever comes first
  later    -> a timer
"""

from typing import Any

from shared.orchestration.context import Orchestration, OrchestrationContext, Task, after
from shared.runtime.names import ADVANCE_NODE, FAIL_NODE, RUN_NODE, node_instance
from shared.runtime.steps import ENDED, Child, Failure, Step
from shared.swarm.node import NodeRef

#: Steps after which a long-waiting node starts over with a fresh history.
MAX_STEPS = 50


def run_node(ctx: OrchestrationContext, payload: dict[str, Any]) -> Orchestration:
    """Drive the node that `payload` names until it ends, from `after_seconds` on where it says so."""
    ref = NodeRef.model_validate(payload)
    if seconds := payload.get("after_seconds"):
        yield ctx.timer(after(ctx, seconds))
    for _ in range(MAX_STEPS):
        step = yield from advance(ctx, ref)
        if step.kind == "ended":
            return
        yield from pursue(ctx, ref, step)
    ctx.continue_as_new(ref.model_dump())


def advance(ctx: OrchestrationContext, ref: NodeRef) -> Orchestration:
    """One step of a node; a node whose activity keeps failing is failed."""
    try:
        result = yield ctx.activity(ADVANCE_NODE, ref.model_dump())
    except Exception as error:  # noqa: BLE001 - the SDK raises plain Exception for every failed task
        yield from fail(ctx, ref, error)
        return ENDED
    return Step.model_validate(result)


def pursue(ctx: OrchestrationContext, ref: NodeRef, step: Step) -> Orchestration:
    """Wait for what a step said its node waits for."""
    if step.kind == "children":
        yield from run_children(ctx, ref, step.children)
    elif step.kind == "wait":
        yield from wait(ctx, step)
    elif step.kind == "later":
        yield ctx.timer(after(ctx, max(step.seconds, 0.05)))


def wait(ctx: OrchestrationContext, step: Step) -> Orchestration:
    """Wait for an event or a time; the loser is cancelled."""
    until = step.until or after(ctx, 3600)
    timer = ctx.timer(until)
    winner = yield ctx.any([ctx.event(step.event), timer])
    if winner is not timer:
        ctx.cancel(timer)


def run_children(ctx: OrchestrationContext, ref: NodeRef, children: tuple[Child, ...]) -> Orchestration:
    """Run children in parallel until every one of them has ended.

    What an activity could not finish goes on as soon as all activities are back, beside the orchestrations of the
    others: one of those may wait for the user for days.
    """
    quick = [ref.to(child.node_id) for child in children if child.in_one_go]
    slow = [ref.to(child.node_id) for child in children if not child.in_one_go]
    activities = [ctx.activity(ADVANCE_NODE, one.model_dump()) for one in quick]
    orchestrations = [_orchestration(ctx, one) for one in slow]
    if activities and orchestrations:
        yield ctx.any([*activities, *orchestrations])  # starts them all; each is awaited below
    results = yield from gather(ctx, quick, activities)
    steps = [None if result is None else Step.model_validate(result) for result in results]
    unfinished = [(one, step) for one, step in zip(quick, steps, strict=True) if step and step.kind != "ended"]
    rest = [_orchestration(ctx, one, step.seconds) for one, step in unfinished]
    yield from gather(ctx, [one for one, _ in unfinished], rest)
    yield from gather(ctx, slow, orchestrations)


def _orchestration(ctx: OrchestrationContext, ref: NodeRef, after_seconds: float = 0.0) -> Task:
    payload = ref.model_dump() | ({"after_seconds": after_seconds} if after_seconds else {})
    return ctx.orchestration(RUN_NODE, payload, node_instance(ref))


def gather(ctx: OrchestrationContext, refs: list[NodeRef], tasks: list[Task]) -> Orchestration:
    """The result of every task; a child that failed at host level is failed, and all others are still awaited."""
    if not tasks:
        return []
    try:
        results = yield ctx.all(tasks)
        return list(results or [])
    except Exception:  # noqa: BLE001 - the SDK raises plain Exception; below each task says what it came to
        results = []
    for ref, task in zip(refs, tasks, strict=True):
        try:
            results.append((yield task))
        except Exception as error:  # noqa: BLE001 - as above
            yield from fail(ctx, ref, error)
            results.append(None)
    return results


def fail(ctx: OrchestrationContext, ref: NodeRef, error: Exception) -> Orchestration:
    """Write the failure report of a node that failed at host level."""
    failure = Failure(ref=ref, reason=str(error)[:300])
    yield ctx.activity(FAIL_NODE, failure.model_dump())
