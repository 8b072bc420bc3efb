"""Store what an outcome brought: artifacts, memories, questions. Ids come from the node, so a repeat adds nothing."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from shared.errors import Conflict, Unavailable
from shared.services import Services
from shared.spaces.memory_space import MemorySpace, memory_id
from shared.spaces.metadata import MAX_INLINE_BYTES, MAX_NAME, MemoryMetadata, one_line
from shared.spaces.splitting import split
from shared.store import Category
from shared.store.documents import Documents
from shared.swarm.node import SwarmNode
from shared.swarm.outcomes import ArtifactDraft, MemoryDraft, Question
from shared.swarm.swarm import Artifact, QuestionDoc, QuestionState, Swarm
from shared.types import SpaceKey

#: Sequence numbers of one node's artifacts and questions start at its own, times this.
_PER_NODE = 1_000
_PER_TURN = 20
#: The longest report a node leaves, in characters.
MAX_REPORT = 16_000


async def store_artifacts(
    services: Services, space: SpaceKey, node: SwarmNode, drafts: Sequence[ArtifactDraft]
) -> None:
    """Store what a node produced, the content in a blob where it is large."""
    docs = Documents(services.store, Category.ARTIFACT, Artifact)
    for ordinal, draft in enumerate(drafts):
        content = draft.content.encode()
        inline = len(content) <= MAX_INLINE_BYTES
        if not inline:
            await services.blobs.put(space, content, max_bytes=len(content))
        artifact = Artifact(
            artifact_id=f"{node.node_id}-{ordinal}",
            node_id=node.node_id,
            name=draft.name,
            media_type=draft.media_type,
            description=draft.description,
            size=len(content),
            created=services.now(),
            content=draft.content if inline else None,
            sha256=hashlib.sha256(content).hexdigest(),
        )
        with suppress(Conflict):
            await docs.create(space, artifact.artifact_id, artifact, seq=node.seq * _PER_NODE + ordinal)


async def store_memories(services: Services, space: SpaceKey, node: SwarmNode, drafts: Sequence[MemoryDraft]) -> None:
    """File what is to be remembered in the folders the drafts name, and split those that outgrow a routing step.

    The split goes by plain rules: the outcome is fixed by now, and a model call here could run out of budget or be
    interrupted, and throw it away.
    """
    memory = MemorySpace(services.store, space)
    for ordinal, draft in enumerate(drafts):
        await memory.remember(
            MemoryMetadata.model_validate(
                {
                    "id": memory_id(node.node_id, ordinal),
                    "name": one_line(draft.name, MAX_NAME) or node.node_id,
                    "description": one_line(draft.description, 400),
                    "parent_id": draft.folder_id,
                    "type": draft.type,
                    "content": draft.content,
                    "node_id": node.node_id,
                    "created": services.now(),
                }
            )
        )
    for folder_id in dict.fromkeys(draft.folder_id for draft in drafts):
        with suppress(Unavailable):  # others add to it right now; the next one to add splits it
            await split(memory, folder_id)


async def store_questions(
    services: Services, space: SpaceKey, node: SwarmNode, asked: Sequence[Question], swarm: Swarm
) -> tuple[tuple[str, ...], datetime]:
    """Store a turn's questions; their ids, and the deadline that the first try gave them."""
    now = services.now()
    deadline = now + timedelta(seconds=swarm.limits.answer_seconds)
    ids = []
    for ordinal, question in enumerate(asked):
        doc = QuestionDoc(
            question_id=f"{node.node_id}-{node.turn}.{ordinal}",
            node_id=node.node_id,
            turn=node.turn,
            seq=node.seq * _PER_NODE + node.turn * _PER_TURN + ordinal,
            question=question.question,
            assumption=question.assumption,
            asked=now,
            deadline=deadline,
        )
        try:
            await services.questions.create(space, doc.question_id, doc, seq=doc.seq)
        except Conflict:
            deadline = (await services.questions.get(space, doc.question_id)).doc.deadline
        ids.append(doc.question_id)
    return tuple(ids), deadline


async def load_questions(services: Services, space: SpaceKey, node: SwarmNode) -> list[QuestionDoc]:
    """All questions a node asked, of every turn."""
    return [(await services.questions.get(space, question_id)).doc for question_id in node.questions]


async def close_questions(
    services: Services, space: SpaceKey, questions: Sequence[QuestionDoc], state: QuestionState
) -> None:
    """Close what is still open; an answer that came first stays, decided by the document's etag."""
    for question in questions:
        held = await services.questions.get(space, question.question_id)
        if held.doc.state is QuestionState.OPEN:
            closed = held.doc.model_copy(update={"state": state})
            with suppress(Conflict):
                await services.questions.replace(space, question.question_id, closed, held.etag, seq=closed.seq)
