"""Schedules and sweeps."""

import azure.durable_functions as df
import azure.functions as func

from functions._runtime import DurableRuntime
from shared import bootstrap
from shared.usecases import sweep as sweeping

bp = df.Blueprint()


@bp.timer_trigger(arg_name="timer", schedule="*/30 * * * * *", run_on_startup=False)
@bp.durable_client_input(client_name="client")
async def sweep(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Signal again what nobody picked up."""
    del timer
    await sweeping.sweep(bootstrap.app(), DurableRuntime(client))
