"""`/api/v1/swarms/{swarm_id}/questions`: what a swarm asks its user, and the answers."""

import azure.durable_functions as df
from pydantic import BaseModel, ConfigDict, Field

from functions._endpoints import Call, Endpoint, endpoint
from functions._requests import NoBody, Paging
from shared.swarm.swarm import QuestionDoc
from shared.tenancy import Scope
from shared.usecases import questions

bp = df.Blueprint()


class QuestionPage(BaseModel):
    """Some of a swarm's questions, and the cursor that goes on."""

    items: list[QuestionDoc]
    cursor: str | None


class GivenAnswer(BaseModel):
    """An answer as it comes in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    answer: str = Field(min_length=1, max_length=questions.MAX_ANSWER, pattern=r"\S")


@endpoint(bp, Endpoint("GET", "api/v1/swarms/{swarm_id}/questions", scope=Scope.READ, query=Paging, reply=QuestionPage))
async def list_questions(call: Call[NoBody, Paging]) -> QuestionPage:
    """List a swarm's questions."""
    page, swarm_id = call.query, call.path["swarm_id"]
    items, cursor = await questions.list_questions(call.services, call.tenant, swarm_id, page.limit, page.cursor)
    return QuestionPage(items=items, cursor=cursor)


@endpoint(
    bp,
    Endpoint(
        "POST",
        "api/v1/swarms/{swarm_id}/questions/{question_id}/answer",
        scope=Scope.WRITE,
        body=GivenAnswer,
        reply=QuestionDoc,
        errors=(409,),
        durable=True,
    ),
)
async def answer_question(call: Call[GivenAnswer]) -> QuestionDoc:
    """Answer a question and wake the node that asked it."""
    swarm_id, question_id = call.path["swarm_id"], call.path["question_id"]
    return await questions.answer_question(
        call.services, call.tenant, call.runtime, swarm_id, question_id, call.body.answer
    )
