"""Questions of a swarm to its user, and the answers."""

from shared.errors import Conflict, InvalidInput
from shared.runtime import Runtime
from shared.runtime.names import answered_event
from shared.services import Services
from shared.swarm.swarm import QuestionDoc, QuestionState
from shared.tenancy import TenantContext
from shared.usecases.create_swarm import root_ref

MAX_ANSWER = 8_000


async def list_questions(
    services: Services, tenant: TenantContext, swarm_id: str, limit: int, cursor: str | None
) -> tuple[list[QuestionDoc], str | None]:
    """A swarm's questions in the order they were asked, and the cursor that goes on."""
    space, _ = await services.swarm(tenant, swarm_id)
    return await services.questions.page(space, limit=limit, cursor=cursor)


async def answer_question(
    services: Services, tenant: TenantContext, runtime: Runtime, swarm_id: str, question_id: str, answer: str
) -> QuestionDoc:
    """Answer an open question and wake its node; raises `Conflict` when it is no longer open."""
    if not answer.strip() or len(answer) > MAX_ANSWER:
        raise InvalidInput(f"an answer has 1 to {MAX_ANSWER} characters")
    space, _ = await services.swarm(tenant, swarm_id)
    held = await services.questions.get(space, question_id)
    if held.doc.state is not QuestionState.OPEN or services.now() >= held.doc.deadline:
        raise Conflict(f"question {question_id} is no longer open")
    answered = held.doc.model_copy(
        update={"state": QuestionState.ANSWERED, "answer": answer.strip(), "answered": services.now()}
    )
    await services.questions.replace(space, question_id, answered, held.etag, seq=answered.seq)
    await runtime.wake(root_ref(space).to(answered.node_id), answered_event(answered.turn))
    return answered
