"""The Azure Functions app: creates it and registers blueprints, nothing else."""

import azure.durable_functions as df
import azure.functions as func

from functions import activities, http_artifacts, http_health, http_nodes, http_questions, http_swarms, orchestrators
from functions import timers as timer_functions

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
for module in (
    orchestrators,
    activities,
    http_swarms,
    http_nodes,
    http_questions,
    http_artifacts,
    http_health,
    timer_functions,
):
    app.register_functions(module.bp)
