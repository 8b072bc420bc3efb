"""Functions that use a durable client, registered from a blueprint."""

import json
from datetime import UTC, datetime, timedelta

import azure.durable_functions as df
import azure.functions as func
from azure.durable_functions.models.OrchestrationRuntimeStatus import OrchestrationRuntimeStatus

blueprint = df.Blueprint(http_auth_level=func.AuthLevel.ANONYMOUS)


def reply(value: object) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(value), mimetype="application/json")


@blueprint.route("client/start/{name}", methods=["POST"])
@blueprint.durable_client_input(client_name="client")
async def client_start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    body = req.get_body()
    instance_id = await client.start_new(
        req.route_params["name"], req.params.get("id"), json.loads(body) if body else None
    )
    return client.create_check_status_response(req, instance_id)


@blueprint.route("client/status/{id}", methods=["GET"])
@blueprint.durable_client_input(client_name="client")
async def client_status(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    status = await client.get_status(req.route_params["id"], show_history=True, show_history_output=True)
    return reply(status.to_json() | {"historyEvents": status.historyEvents} if status else None)


@blueprint.route("client/wait/{id}", methods=["GET"])
@blueprint.durable_client_input(client_name="client")
async def client_wait(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return await client.wait_for_completion_or_create_check_status_response(req, req.route_params["id"], 5000, 20)


@blueprint.route("client/raise/{id}/{event}", methods=["POST"])
@blueprint.durable_client_input(client_name="client")
async def client_raise(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    await client.raise_event(req.route_params["id"], req.route_params["event"], req.get_json())
    return reply("raised")


@blueprint.route("client/{what:alpha}/{id}", methods=["PUT"])
@blueprint.durable_client_input(client_name="client")
async def client_control(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    call = getattr(client, req.route_params["what"])
    return reply(await call(req.route_params["id"], *(["the reason"] if req.params.get("reason") else [])))


@blueprint.route("client/purge/{id}", methods=["DELETE"])
@blueprint.durable_client_input(client_name="client")
async def client_purge(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    result = await client.purge_instance_history(req.route_params["id"])
    return reply(result.instances_deleted)


@blueprint.route("client/purge", methods=["DELETE"])
@blueprint.durable_client_input(client_name="client")
async def client_purge_all(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    since = datetime.now(UTC) - timedelta(hours=1)
    result = await client.purge_instance_history_by(since, runtime_status=[OrchestrationRuntimeStatus.Completed])
    return reply(result.instances_deleted)


@blueprint.route("client/list", methods=["GET"])
@blueprint.durable_client_input(client_name="client")
async def client_list(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    found = await client.get_status_by(
        created_time_from=datetime.now(UTC) - timedelta(hours=1),
        runtime_status=[OrchestrationRuntimeStatus.Completed, OrchestrationRuntimeStatus.Running],
        instance_id_prefix=req.params.get("prefix"),
    )
    everything = await client.get_status_all()
    return reply([[status.instance_id for status in found], len(everything)])
