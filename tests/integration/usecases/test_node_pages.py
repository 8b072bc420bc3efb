"""One node as it is shown: its log and its questions in pages of bounded size."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from shared.errors import InvalidInput, NotFound, QuotaExceeded
from shared.llm.journal import JournalEntry
from shared.llm.port import Message
from shared.store import Category, IfEtag
from shared.swarm.swarm import QuestionDoc
from shared.swarm.usage import Usage
from shared.usecases import usage
from shared.usecases.nodes import NodeDetail, get_events, get_node, list_node_log, list_node_questions
from shared.usecases.usage import get_swarm_usage
from tests.integration.swarm_world import ADA, BOB, World

NOW = datetime.now(UTC)
#: What one imported log entry may have.
LONG = 1_400_000


async def call(world: World, swarm_id: str, step: int, length: int) -> None:
    """One more model call in the root's log."""
    entry = JournalEntry(
        node_id="0",
        step=f"9.0.{step}",
        purpose="plan",
        model="m",
        messages=(Message(role="user", content="x" * length),),
        answer="y",
        finish_reason="stop",
        usage=Usage(calls=1, input_tokens=1),
        started=NOW,
        seconds=1,
    )
    await world.services.logs.create(ADA.space(swarm_id), f"0.{entry.step}", entry, seq=1_000 + step)


async def question(world: World, swarm_id: str, number: int, length: int) -> str:
    doc = QuestionDoc(
        question_id=f"q-{number}",
        node_id="0",
        turn=0,
        question="?" * length,
        assumption="none",
        asked=NOW,
        deadline=NOW,
    )
    await world.services.questions.create(ADA.space(swarm_id), doc.question_id, doc)
    return doc.question_id


async def ask(world: World, swarm_id: str, ids: list[str]) -> None:
    """Have the root's document name questions."""
    held = await world.services.nodes(ADA.space(swarm_id)).load("0")
    asked = held.node.evolve(questions=tuple(ids))
    await world.services.store.put(
        ADA.space(swarm_id), Category.SWARM_STATE, "0", asked.model_dump_json(), condition=IfEtag(held.etag)
    )


def size(node: NodeDetail) -> int:
    return len(node.model_dump_json())


async def test_a_long_log_is_shown_page_by_page(world: World) -> None:
    swarm_id = (await world.create()).swarm_id
    for step in range(12):
        await call(world, swarm_id, step, LONG)
    node = await get_node(world.services, ADA, swarm_id, "0")
    assert size(node) < 4_000_000 < 12 * LONG
    entries, cursor = list(node.log), node.log_cursor
    while cursor is not None:
        page = await list_node_log(world.services, ADA, swarm_id, "0", 200, cursor)
        assert len(page.model_dump_json()) < 4_000_000
        entries, cursor = entries + page.items, page.cursor
    assert [entry.step for entry in entries] == [f"9.0.{step}" for step in range(12)]


async def test_many_calls_are_shown_page_by_page(world: World) -> None:
    swarm_id = (await world.create()).swarm_id
    for step in range(130):
        await call(world, swarm_id, step, 10)
    node = await get_node(world.services, ADA, swarm_id, "0")
    rest = await list_node_log(world.services, ADA, swarm_id, "0", 200, node.log_cursor)
    assert (len(node.log), len(rest.items), rest.cursor) == (100, 30, None)


async def test_questions_are_shown_page_by_page_and_one_that_is_not_there_is_left_out(world: World) -> None:
    swarm_id = (await world.create()).swarm_id
    ids = [await question(world, swarm_id, number, 400_000) for number in range(6)]
    await ask(world, swarm_id, ["q-lost", *ids])
    node = await get_node(world.services, ADA, swarm_id, "0")
    assert (len(node.questions), size(node) < 2_000_000) == (3, True)
    rest = await list_node_questions(world.services, ADA, swarm_id, "0", 200, node.questions_cursor)
    assert [one.question_id for one in (*node.questions, *rest.items)] == ids
    assert rest.cursor is None
    for cursor in ("-1", "x", "9" * 12):
        with pytest.raises(InvalidInput, match="cursor"):
            await list_node_questions(world.services, ADA, swarm_id, "0", 200, cursor)
    assert (await list_node_questions(world.services, ADA, swarm_id, "0", 200, "99")).items == []


async def test_the_pages_of_a_node_are_its_users_alone(world: World) -> None:
    swarm_id = (await world.create()).swarm_id
    for read in (list_node_log, list_node_questions):
        with pytest.raises(NotFound):
            await read(world.services, BOB, swarm_id, "0", 10, None)
        with pytest.raises(NotFound):
            await read(world.services, ADA, swarm_id, "0.9", 10, None)


async def test_one_answer_sums_up_so_many_reads_and_the_next_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    swarm_id = (await world.create()).swarm_id
    for step in range(8):
        await call(world, swarm_id, step, LONG)
    monkeypatch.setattr(usage, "MAX_READS", 2)
    first = await get_swarm_usage(world.services, ADA, swarm_id)
    assert first.cursor is not None
    second = await get_swarm_usage(world.services, ADA, swarm_id, first.cursor)
    assert (first.total.calls, second.total.calls, second.cursor) == (4, 4, None)


async def test_a_user_waits_for_events_only_so_often_at_once(world: World) -> None:
    swarm_id = (await world.create()).swarm_id
    other = await world.create(tenant=BOB)
    async with AsyncExitStack() as waiting:
        for _ in range(20):
            await waiting.enter_async_context(world.services.long_polls.take("ada"))
        with pytest.raises(QuotaExceeded, match="wait for events at once: 20 of yours") as refused:
            await get_events(world.services, ADA, swarm_id, after=10_000, limit=10, wait=1.0)
        assert refused.value.retry_after > 0
        assert (await get_events(world.services, ADA, swarm_id, after=0, limit=10, wait=0)).items
        assert (await get_events(world.services, BOB, other.swarm_id, after=0, limit=10, wait=1.0)).items
