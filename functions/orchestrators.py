"""Durable name -> generator in `shared.orchestration`."""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from functions._context import drive
from shared.orchestration import run_node as nodes
from shared.orchestration import run_swarm as swarms

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context")
def run_swarm(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Drive a swarm until its root has ended."""
    return (yield from drive(swarms.run_swarm, context))


@bp.orchestration_trigger(context_name="context")
def run_node(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Drive a node until it ends."""
    return (yield from drive(nodes.run_node, context))
