"""Schedules and sweeps."""

import azure.durable_functions as df
import azure.functions as func

from functions._runtime import DurableRuntime
from shared import bootstrap
from shared.schedules import start_due as starting
from shared.usecases import retention
from shared.usecases import sweep as sweeping

bp = df.Blueprint()


@bp.timer_trigger(arg_name="timer", schedule="*/30 * * * * *", run_on_startup=False)
@bp.durable_client_input(client_name="client")
async def sweep(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Signal again what nobody picked up."""
    del timer
    await sweeping.sweep(bootstrap.services(), DurableRuntime(client))


@bp.timer_trigger(arg_name="timer", schedule="0 * * * * *", run_on_startup=False)
@bp.durable_client_input(client_name="client")
async def start_due(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Start the swarms of the schedules that are due."""
    del timer
    await starting.start_due(bootstrap.services(), DurableRuntime(client))


@bp.timer_trigger(arg_name="timer", schedule="0 30 3 * * *", run_on_startup=False)
@bp.durable_client_input(client_name="client")
async def purge_history(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Forget the orchestrations that ended long ago."""
    del timer
    await retention.purge_history(bootstrap.services(), DurableRuntime(client))
