"""Durable name -> body in `shared.activities`. All are async: hundreds of model calls wait at once on one instance."""

import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import azure.durable_functions as df

from shared import bootstrap
from shared.activities import advance_node as advancing
from shared.activities import begin_swarm as beginning
from shared.activities import fail_node as failing
from shared.activities import finish_swarm as finishing
from shared.runtime.steps import Failure
from shared.swarm.node import NodeRef

bp = df.Blueprint()
_log = logging.getLogger("swarmstar")
Body = Callable[..., Awaitable[Any]]


def _redact_errors(body: Body) -> Body:
    """Let an activity fail with the name of its error alone: what it said goes to the log and not into history."""

    @functools.wraps(body)
    async def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return await body(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the binding edge; every error is logged and raised again
            _log.exception("activity failed")
            raise RuntimeError(type(error).__name__) from None

    return run


@bp.activity_trigger(input_name="ref")
@_redact_errors
async def advance_node(ref: dict) -> dict:  # type: ignore[type-arg]  # the worker takes plain classes only
    """Bring a node as far as it gets now."""
    return _small(await advancing.advance_node(bootstrap.services(), NodeRef.model_validate(ref)))


@bp.activity_trigger(input_name="failure")
@_redact_errors
async def fail_node(failure: dict) -> None:  # type: ignore[type-arg]  # the worker takes plain classes only
    """Write the failure report of a node that failed at host level."""
    await failing.fail_node(bootstrap.services(), Failure.model_validate(failure))


@bp.activity_trigger(input_name="ref")
@_redact_errors
async def begin_swarm(ref: dict) -> dict:  # type: ignore[type-arg]  # the worker takes plain classes only
    """Name the nodes that absorb the context."""
    return _small(await beginning.begin_swarm(bootstrap.services(), NodeRef.model_validate(ref)))


@bp.activity_trigger(input_name="ref")
@_redact_errors
async def finish_swarm(ref: dict) -> None:  # type: ignore[type-arg]  # the worker takes plain classes only
    """Close a swarm whose root has ended."""
    await finishing.finish_swarm(bootstrap.services(), NodeRef.model_validate(ref))


def _small(step: Any) -> dict[str, Any]:
    result: dict[str, Any] = step.model_dump(mode="json", exclude_defaults=True)
    return result
