"""A tree of orchestrators with activities that do nothing: what is measured is the host."""

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("trees/{depth:int}/{width:int}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def plant(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    shape = [int(req.route_params["depth"]), int(req.route_params["width"])]
    return func.HttpResponse(await client.start_new("branch", client_input=shape))


@app.orchestration_trigger(context_name="context")
def branch(context: df.DurableOrchestrationContext):
    depth, width = context.get_input()
    if depth == 0:
        tasks = [context.call_activity("leaf", number) for number in range(width)]
    else:
        tasks = [context.call_sub_orchestrator("branch", [depth - 1, width]) for _ in range(width)]
    results = yield context.task_all(tasks)
    return sum(results)


@app.activity_trigger(input_name="number")
async def leaf(number: int) -> int:
    return 1
