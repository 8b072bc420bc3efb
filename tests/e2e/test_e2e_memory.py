"""A swarm's memory over HTTP: browsed, searched, added to while the swarm runs, and what the nodes make of it."""

from typing import Any
from urllib.parse import quote

import pytest
from e2e_client import Answer, Deployment, Run, Swarms
from e2e_script import Asked, Said, Script

pytestmark = pytest.mark.asyncio(loop_scope="session")


def review(asked: Asked) -> Said:
    first = asked.node_id == "0"
    return {"complete": not first, "missing": "The text is missing." if first else "", "report": "Done."}


async def waiting(swarms: Swarms, directive: str, **said: Said) -> Run:
    """A swarm that waits for an answer, and after that writes a text."""
    plans = {directive: ["Ask which colour."], "The text is missing.": ["Write paint.md."]}
    run = await swarms(directive, Script(plans, Review=review, **said))
    await run.question()
    return run


async def finish(run: Run) -> None:
    (question,) = [one for one in await run.questions() if one["state"] == "open"]
    await run.post(f"/questions/{question['question_id']}/answer", {"answer": "Red"})


async def call(run: Run, method: str, path: str, **options: Any) -> Answer:
    return await run.deployment.call(method, f"swarms/{run.swarm_id}/memory{path}", **options)


async def listed(run: Run, query: str = "") -> list[dict[str, Any]]:
    """Every entry, two a page."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = await run.get(f"/memory?limit=2{query}{cursor}")
        assert len(page["items"]) <= 2
        items += page["items"]
        if page["cursor"] is None:
            return items
        cursor = f"&cursor={quote(page['cursor'])}"


async def test_what_is_added_while_it_runs_reaches_the_nodes(swarms: Swarms) -> None:
    run = await waiting(swarms, "Paint it")
    new = {"name": "Where the brush is", "content": "The brush lies behind the boiler."}
    added = await run.post("/memory", new)

    assert added.status == 201, added
    assert added.headers["Location"] == f"/api/v1/swarms/{run.swarm_id}/memory/{added.body['memory_id']}"
    shown = await call(run, "GET", f"/{added.body['memory_id']}")
    assert (shown.body, shown.headers["ETag"]) == (added.body, added.headers["ETag"])
    assert shown.body["content"] == new["content"]
    content = await call(run, "GET", f"/{added.body['memory_id']}/content")
    assert (content.body.decode(), content.type) == (new["content"], "text/plain")
    assert "sandbox" in content.headers["Content-Security-Policy"]

    await finish(run)
    ended = await run.ended()
    assert ended.status == "completed"
    (asked,) = [asked for asked in run.script.of("text") if "paint.md" in asked.directive]
    assert f"[Where the brush is] {new['content']}" in asked.section("What is known")
    refused = await run.post("/memory", new)
    assert (refused.status, "already ended" in refused.body["detail"]) == (409, True)


async def test_what_is_removed_does_not_reach_them(swarms: Swarms) -> None:
    run = await waiting(swarms, "Paint that")
    added = await run.post("/memory", {"name": "Secret", "content": "The safe's code is 1234."})
    path = f"/{added.body['memory_id']}"

    assert (await call(run, "DELETE", path)).status == 204
    for method, below in (("GET", path), ("GET", f"{path}/content"), ("DELETE", path)):
        assert (await call(run, method, below)).status == 404
    assert "Secret" not in str(await listed(run, "&parent=facts"))
    assert await listed(run, "&query=secret") == []
    await finish(run)
    await run.ended()
    assert not [asked for asked in run.script.heard if "1234" in asked.prompt]


async def test_the_same_request_twice_adds_once(swarms: Swarms) -> None:
    run = await waiting(swarms, "Paint once")
    options = {"json": {"name": "Tea", "content": "Likes tea."}, "headers": {"Idempotency-Key": f"tea-{run.swarm_id}"}}
    answers = [await call(run, "POST", "", **options) for _ in range(2)]

    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].body == answers[1].body
    assert answers[0].headers["ETag"] == answers[1].headers["ETag"]
    assert [item["name"] for item in await listed(run, "&parent=facts")] == ["Tea"]
    await finish(run)
    await run.ended()


async def test_the_whole_memory_can_be_browsed(swarms: Swarms) -> None:
    script = Script({"Grow": ["Manage a.", "Write b.md."], "Manage a.": ["Write a.md."]})
    run = await swarms("Grow", script, context=[{"name": "guide.md", "content": "The lake loop is 7.5 km long."}])
    ended = await run.ended()
    top = await run.get("/memory")
    assert top["folder"]["memory_id"] == "memory"
    assert [item["memory_id"] for item in top["items"]] == ["swarmstar", "user", "projects", "references"]

    leaves: dict[str, dict[str, Any]] = {}
    queue = ["memory"]
    while queue:
        for item in await listed(run, f"&parent={queue.pop()}"):
            if item["kind"] == "folder":
                queue.append(item["memory_id"])
            else:
                assert item["memory_id"] not in leaves
                leaves[item["memory_id"]] = await run.get(f"/memory/{item['memory_id']}")
    reports = {item["node_id"]: item["content"] for item in leaves.values() if item["type"] == "report"}
    assert reports == {
        node.node_id: node.report for node in ended.nodes.values() if not node.is_router and node.context_id is None
    }
    made = {item["name"] for item in leaves.values() if item["path"][0] == "Projects"}
    assert made == {"a.md", "b.md"}
    (guide,) = [item for item in leaves.values() if item["path"][0] == "References"]
    assert (guide["name"], guide["content"]) == ("guide.md", "The lake loop is 7.5 km long.")

    found = await listed(run, "&query=b.MD&parent=projects")
    assert [item["name"] for item in found] == ["b.md"]
    assert (await run.get("/memory?query=nothing-of-the-kind")) == {
        "folder": top["folder"],
        "items": [],
        "cursor": None,
        "complete": True,
    }
    refused = await call(run, "DELETE", f"/{guide['memory_id']}")
    assert refused.status == 409


async def test_a_large_memory_is_handed_out_whole(swarms: Swarms) -> None:
    run = await waiting(swarms, "Paint large")
    text = "Grüße ☕\n" * 25_000
    added = await run.post("/memory", {"name": "Log", "content": text, "folder_id": "references"})

    assert (added.status, added.body["content"], added.body["size"]) == (201, None, len(text.encode()))
    content = await call(run, "GET", f"/{added.body['memory_id']}/content")
    assert content.body.decode() == text
    too_large = await run.post("/memory", {"name": "Log", "content": text * 2})
    assert too_large.status in {400, 413}
    await finish(run)
    await run.ended()


async def test_what_cannot_be_is_refused(swarms: Swarms) -> None:
    run = await waiting(swarms, "Paint badly")
    new = {"name": "Tea", "content": "Likes tea."}
    bad: list[tuple[dict[str, Any], int]] = [
        (new | {"folder_id": "nowhere"}, 400),
        (new | {"folder_id": "reports"}, 409),
        (new | {"folder_id": "a/b"}, 400),
        (new | {"type": "report"}, 400),
        (new | {"node_id": "0"}, 400),
        (new | {"content": " "}, 400),
        ({"name": "Tea"}, 400),
    ]
    for body, status in bad:
        assert (await run.post("/memory", body)).status == status, body
    for query, status in (("parent=nowhere", 404), ("parent=0-directive", 404), ("cursor=x", 400), ("query=", 400)):
        assert (await call(run, "GET", f"?{query}")).status == status, query
    for memory_id in ("nothing", "in.facts", "swarm_history", "0-a0"):
        assert (await call(run, "GET", f"/{memory_id}")).status in {400, 404}, memory_id
    assert await listed(run, "&parent=facts") == []
    await finish(run)
    await run.ended()


async def test_actions_are_listed_with_their_use(swarms: Swarms, deployment: Deployment) -> None:
    shipped = await deployment.get("actions")
    assert {item["built_in"] for item in shipped["items"]} == {True}
    one = await deployment.get("actions/communication.ask_user_questions")
    assert one in shipped["items"]
    assert (one["may_block"], one["path"]) == (True, ["communication"])
    assert (await deployment.call("GET", "actions/nothing")).status == 404

    run = await swarms("Count me", Script({"Count me": ["Write a.md.", "Write b.md."]}))
    await run.ended()
    used = await run.get("/actions")
    assert {item["action_id"]: item["used"] for item in used["items"] if item["used"]} == {
        "reasoning.decompose_directive": 1,
        "writing.write_document": 2,
    }
    assert (used["counted"], used["complete"], used["cursor"]) == (5, True, None)


async def test_the_tree_comes_in_pages_parents_first(swarms: Swarms) -> None:
    run = await swarms("Page the tree", Script({"Page the tree": [f"Write {n}.md." for n in range(4)]}))
    await run.ended()
    whole = await run.tree()
    assert len(whole) == 9
    for limit in (1, 2, 4, 9):
        assert await run.tree(limit) == whole
    seen: set[str | None] = {None}
    for node in whole:
        assert node["parent_id"] in seen
        seen.add(node["node_id"])
    for query in ("limit=0", "limit=1001", "cursor=nonsense"):
        answer = await run.deployment.call("GET", f"swarms/{run.swarm_id}/tree?{query}")
        assert answer.status == 400, (query, answer)
