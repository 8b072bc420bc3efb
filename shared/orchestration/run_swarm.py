"""`run_swarm`: absorb the context, drive the root, finish."""

from typing import Any

from shared.orchestration.context import Orchestration, OrchestrationContext
from shared.orchestration.run_node import gather, run_children
from shared.runtime.names import BEGIN_SWARM, FINISH_SWARM, RUN_NODE, node_instance
from shared.runtime.steps import Step
from shared.swarm.node import NodeRef


def run_swarm(ctx: OrchestrationContext, payload: dict[str, Any]) -> Orchestration:
    """Drive the swarm whose root `payload` names until its root has ended."""
    root = NodeRef.model_validate(payload)
    begun = Step.model_validate((yield ctx.activity(BEGIN_SWARM, payload)))
    if begun.kind == "children":
        yield from run_children(ctx, root, begun.children)
    yield from gather(ctx, [root], [ctx.orchestration(RUN_NODE, payload, node_instance(root))])
    yield ctx.activity(FINISH_SWARM, payload)
