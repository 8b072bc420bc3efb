"""The Azure Functions app: creates it and registers blueprints, nothing else."""

import azure.durable_functions as df
import azure.functions as func

from functions import (
    activities,
    http_actions,
    http_admin,
    http_archives,
    http_artifacts,
    http_docs,
    http_health,
    http_hooks,
    http_keys,
    http_memory,
    http_nodes,
    http_questions,
    http_schedules,
    http_swarms,
    http_usage,
    orchestrators,
)
from functions import timers as timer_functions

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
for module in (
    orchestrators,
    activities,
    http_swarms,
    http_nodes,
    http_questions,
    http_artifacts,
    http_archives,
    http_memory,
    http_actions,
    http_usage,
    http_keys,
    http_schedules,
    http_hooks,
    http_admin,
    http_health,
    http_docs,
    timer_functions,
):
    app.register_functions(module.bp)
