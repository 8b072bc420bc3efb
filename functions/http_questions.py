"""`/api/v1/swarms/{swarm_id}/questions`: what a swarm asks its user, and the answers."""

import azure.durable_functions as df
import azure.functions as func
from pydantic import BaseModel, ConfigDict

from functions._responses import parse_body, problems, reply
from functions._runtime import DurableRuntime
from functions._tenant import tenant_of
from shared import bootstrap
from shared.swarm.swarm import QuestionDoc
from shared.usecases import questions

bp = df.Blueprint()


class QuestionPage(BaseModel):
    """A swarm's questions."""

    items: list[QuestionDoc]


class Answer(BaseModel):
    """An answer as it comes in."""

    model_config = ConfigDict(extra="forbid")

    answer: str


@bp.route("api/v1/swarms/{swarm_id}/questions", methods=["GET"])
@problems
async def list_questions(req: func.HttpRequest) -> func.HttpResponse:
    """List a swarm's questions."""
    items = await questions.list_questions(bootstrap.app(), tenant_of(req), req.route_params["swarm_id"])
    return reply(QuestionPage(items=items))


@bp.route("api/v1/swarms/{swarm_id}/questions/{question_id}/answer", methods=["POST"])
@bp.durable_client_input(client_name="client")
@problems
async def answer_question(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Answer a question and wake the node that asked it."""
    tenant = tenant_of(req)
    given = parse_body(req, Answer)
    swarm_id, question_id = req.route_params["swarm_id"], req.route_params["question_id"]
    runtime = DurableRuntime(client)
    return reply(await questions.answer_question(bootstrap.app(), tenant, runtime, swarm_id, question_id, given.answer))
