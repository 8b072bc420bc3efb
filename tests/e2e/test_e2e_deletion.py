"""Deleting swarms, and taking them along as archives."""

import asyncio

import pytest
from e2e_client import PATIENCE, Run, Swarms
from e2e_script import Script

from local.scripted import Reply

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def delete(swarms: Swarms, run: Run) -> None:
    """Delete a swarm; nobody is shown it from then on."""
    told = await run.deployment.call("DELETE", f"swarms/{run.swarm_id}")
    assert (told.status, told.body) == (204, b"")
    swarms.runs.remove(run)
    for method, path in (("GET", ""), ("GET", "/tree"), ("GET", "/events"), ("POST", "/cancel"), ("DELETE", "")):
        assert (await run.deployment.call(method, f"swarms/{run.swarm_id}{path}")).status == 404, (method, path)
    listed = await run.deployment.get("swarms?limit=200")
    assert run.swarm_id not in {swarm["swarm_id"] for swarm in listed["items"]}


async def test_a_swarm_that_has_ended_is_gone_with_all_its_files(swarms: Swarms) -> None:
    run = await swarms("Do it", context=[{"name": "large.md", "content": "All about it. " * 8_000}])
    await run.ended()
    if run.deployment.folders():  # none where the state lies elsewhere
        assert [name for name in run.deployment.folders() if run.swarm_id in name]
    await delete(swarms, run)
    assert [name for name in run.deployment.folders() if run.swarm_id in name] == []


async def test_a_swarm_in_the_middle_of_its_calls_ends_and_leaves_no_orchestration(swarms: Swarms) -> None:
    script = Script({"Do much": ["Write a.md.", "Ask for the colour."]}, text=lambda _: Reply("Slow.", delay=1.0))
    run = await swarms("Do much", script)
    await run.question()
    await delete(swarms, run)
    async with asyncio.timeout(PATIENCE):
        while True:
            if not await run.deployment.running_instances(run.swarm_id):
                break
            await asyncio.sleep(0.1)


async def test_an_archive_brings_the_swarm_back_under_another_id(swarms: Swarms) -> None:
    run = await swarms("Do it", context=[{"name": "notes.md", "content": "A note."}])
    ended = await run.ended()
    archive = await run.deployment.call("GET", f"swarms/{run.swarm_id}/archive")
    assert (archive.status, archive.type) == (200, "application/zip")
    await delete(swarms, run)
    headers = {"Content-Type": "application/zip"}
    taken = await run.deployment.call("POST", "archives", data=archive.body, headers=headers)
    assert taken.status == 201, taken
    assert taken.body["swarm_id"] != run.swarm_id
    assert (taken.body["status"], taken.body["report"]) == (ended.status, ended.report)
    tree = await run.deployment.get(f"swarms/{taken.body['swarm_id']}/tree")
    assert {node["node_id"] for node in tree["nodes"]} == set(ended.nodes)
    damaged = archive.body[:200] + b"\0" * 50 + archive.body[250:]
    refused = await run.deployment.call("POST", "archives", data=damaged, headers=headers)
    assert (refused.status, refused.type) == (400, "application/problem+json")
