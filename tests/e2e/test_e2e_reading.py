"""Looking at swarms: lists, trees, nodes, events, artifacts, and what any deployment does whatever its model."""

import asyncio
import time

import pytest
from e2e_client import PATIENCE, Deployment, Run, Swarms
from e2e_script import Asked, Said, Script, Switchboard

from local.scripted import Reply
from shared.swarm.history import replay
from shared.swarm.node import SwarmEvent

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_node_shows_what_it_said_to_the_model_and_how_it_was_found(swarms: Swarms) -> None:
    run = await swarms("Look at me", script := Script({"Look at me": ["Write a.md."]}))
    await run.ended()
    root, router, writer = [await run.get(f"/nodes/{node_id}") for node_id in ("0", "0.0", "0.0.0")]

    assert [entry["purpose"] for entry in root["log"]] == ["decompose", "review"]
    assert [entry["step"] for entry in root["log"]] == ["0.0.0", "0.1.0"]
    asked = script.of("text")[0]
    (entry,) = writer["log"]
    assert [message["content"] for message in entry["messages"]] == [one["content"] for one in asked.call.messages]
    assert entry["answer"] == "# Result\n\nWrite a.md."
    assert (entry["node_id"], entry["purpose"], entry["finish_reason"]) == ("0.0.0", "write_document", "stop")
    assert entry["usage"]["calls"] == 1
    (step,) = router["route"]
    assert (step["chosen"], step["confidence"]) == ("writing.write_document", "high")
    assert {option["id"] for option in step["options"]} >= {"coding.write_python", "memory.search_memory"}
    assert (router["report"], router["report_of"]) == (None, "0.0.0")


async def test_the_tree_can_be_rebuilt_at_any_frame(swarms: Swarms) -> None:
    run = await swarms("Grow", Script({"Grow": ["Manage a.", "Write b.md."], "Manage a.": ["Write a.md."]}))
    ended = await run.ended()

    before: set[str] = set()
    for event in ended.events:
        nodes = replay(ended.events, until=event.frame)
        assert nodes[event.node_id].status == event.status
        assert before <= nodes.keys()
        assert {child for node in nodes.values() for child in node.children_ids} | {"0"} >= nodes.keys()
        before = set(nodes)
    assert before == ended.nodes.keys()


async def test_events_come_in_pages(swarms: Swarms) -> None:
    run = await swarms("Page through", Script())
    whole = (await run.ended()).events
    paged: list[SwarmEvent] = []
    pages = 0
    while True:
        page = await run.get(f"/events?after={len(paged)}&limit=3")
        paged += [SwarmEvent.model_validate(item) for item in page["items"]]
        pages += 1
        assert len(page["items"]) <= 3
        if page["ended"]:
            break
        assert page["frame"] == paged[-1].frame
    assert paged == whole
    assert pages == -(-len(whole) // 3)
    assert (await run.get(f"/events?after={len(whole)}&wait=20"))["ended"]
    assert (await run.get("/events?after=9007199254740991"))["items"] == []


async def test_events_are_waited_for(swarms: Swarms) -> None:
    run = await swarms("Wait for me", Script({"Wait for me": ["Ask which colour."]}))
    question = await run.question()
    frame = (await run.get("/events?limit=1000"))["frame"]

    begun = time.monotonic()
    assert await run.get(f"/events?after={frame}&wait=1") == {"items": [], "frame": frame, "ended": False}
    assert 0.5 <= time.monotonic() - begun < PATIENCE

    waiting = asyncio.ensure_future(run.get(f"/events?after={frame}&wait=25"))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    begun = time.monotonic()
    await run.post(f"/questions/{question['question_id']}/answer", {"answer": "Red"})
    page = await waiting
    assert time.monotonic() - begun < 15
    assert page["items"][0]["frame"] == frame + 1
    await run.ended()


async def test_watching_does_not_disturb(swarms: Swarms) -> None:
    parts = [f"Write part{n}.md." for n in range(4)]
    plain = Script({"Watch me": parts})

    def slow(asked: Asked) -> Said:
        return Reply(plain.reply(asked.call).content, delay=0.3)

    run = await swarms("Watch me", Script(Plan=slow, ChoiceAnswer=slow, text=slow, Review=slow))

    async def watch(path: str) -> None:
        while (await run.get())["status"] == "running":
            await run.get(path)

    watching = [asyncio.ensure_future(watch(path)) for path in ("/tree", "/nodes/0", "/events", "/artifacts")]
    ended = await run.ended()
    await asyncio.gather(*watching)

    assert ended.status == "completed"
    # No node's work was done over because somebody looked: each went through its life in so many moves.
    assert {node.node_id: node.version for node in ended.nodes.values() if not node.is_router and node.depth} == {
        f"0.{n}.0": 2 for n in range(4)
    }
    assert ended.root.version == 4
    assert [event for event in ended.events if event.operation is None] == []


async def test_swarms_are_listed_by_pages(swarms: Swarms) -> None:
    runs = [
        await swarms(f"Listed {n} {'x' * 300}", Script({f"Listed {n} {'x' * 300}": ["Write a.md."]})) for n in range(3)
    ]
    for run in runs:
        await run.ended()
    found: dict[str, dict[str, str]] = {}
    cursor, pages = "", 0
    while True:
        page = await swarms.deployment.get(f"swarms?limit=2{cursor}")
        assert len(page["items"]) <= 2
        found |= {item["swarm_id"]: item for item in page["items"]}
        pages += 1
        if page["cursor"] is None:
            break
        cursor = f"&cursor={page['cursor']}"
    assert pages >= 2
    for number, run in enumerate(runs):
        assert found[run.swarm_id]["status"] == "completed"
        assert found[run.swarm_id]["directive"].startswith(f"Listed {number} ")
        assert len(found[run.swarm_id]["directive"]) <= 200
    assert [one for one in found if one in {run.swarm_id for run in runs}] == [run.swarm_id for run in reversed(runs)]


async def test_an_artifact_is_handed_out_so_that_a_browser_does_not_run_it(swarms: Swarms) -> None:
    page = "<script>alert('hi')</script> ✓\n" * 4_000
    run = await swarms("Make a page", Script({"Make a page": ["Write page.html."]}, text=page))
    await run.ended()
    (listed,) = (await run.get("/artifacts"))["items"]
    answer = await swarms.deployment.call("GET", f"swarms/{run.swarm_id}/artifacts/{listed['artifact_id']}/content")

    assert (listed["name"], listed["content"]) == ("page.html", None)
    # Over 64 KiB, so it comes from a blob.
    assert listed["size"] == len(page.encode()) > 64 * 1024
    assert answer.body.decode() == page
    assert answer.headers["Content-Disposition"] == "attachment"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


async def test_health_tells_the_model_and_no_key(deployment: Deployment) -> None:
    health = await deployment.get("health")
    assert health["status"] == "ok"
    assert health["model"]["name"]
    assert "not-a-secret" not in str(health)


@pytest.mark.any_model
async def test_any_deployment_brings_a_directive_to_a_report(deployment: Deployment, switchboard: Switchboard) -> None:
    """With whatever model the deployment has; the scripted one where it has that."""
    swarms = Swarms(deployment, switchboard)
    run: Run = await swarms("Write hello.md, a greeting in one line.", nodes=12, rounds=2, depth=1, wall_seconds=300)
    ended = await run.ended(patience=600)
    assert ended.status in {"completed", "incomplete"}
    assert ended.report
