"""Schedules over HTTP and from the command line."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from e2e_client import PATIENCE, Answer, Deployment, Run, Swarms
from e2e_script import Script

pytestmark = pytest.mark.asyncio(loop_scope="session")

NEVER = "0 0 1 1 *"
LARGE = {"name": "facts.md", "content": "All about it. " * 8_000}


def new(**fields: Any) -> dict[str, Any]:
    return {"name": "Report", "cron": NEVER, "swarm": {"directive": "Do it"}, **fields}


@asynccontextmanager
async def schedule(deployment: Deployment, **fields: Any) -> AsyncIterator[Answer]:
    """A schedule that is gone afterwards."""
    made = await deployment.call("POST", "schedules", json=new(**fields))
    assert made.status == 201, made
    try:
        yield made
    finally:
        gone = await deployment.call("DELETE", f"schedules/{made.body['schedule_id']}")
        assert gone.status in {204, 404}, gone


async def run_of(swarms: Swarms, swarm_id: str, script: Script) -> Run:
    """A swarm that a schedule started, as a run of this test."""
    swarms.switchboard.scripts[swarm_id] = script
    swarms.runs.append(Run(swarms.deployment, swarm_id, script))
    return swarms.runs[-1]


@pytest.mark.any_model
async def test_a_schedule_is_made_shown_changed_and_deleted(deployment: Deployment) -> None:
    swarm = {"directive": "Do it " + "x" * 500, "context": [LARGE], "limits": {"nodes": 9}}
    async with schedule(deployment, timezone="Europe/Berlin", cron="0  9 * * 1-5", swarm=swarm) as made:
        path = made.headers["Location"].removeprefix("/api/v1/")
        assert path == f"schedules/{made.body['schedule_id']}"
        shown = await deployment.call("GET", path)
        assert (shown.body, shown.headers["ETag"]) == (made.body, made.headers["ETag"])
        assert (shown.body["cron"], shown.body["overlap"], shown.body["limits"]["nodes"]) == ("0 9 * * 1-5", "skip", 9)
        assert [(doc["name"], doc["size"]) for doc in shown.body["context"]] == [("facts.md", 112_000)]
        assert "content" not in json.dumps(shown.body["context"])
        listed = (await deployment.get("schedules?limit=200"))["items"]
        (item,) = [one for one in listed if one["schedule_id"] == made.body["schedule_id"]]
        assert (len(item["directive"]), item["context"]) == (200, [])

        assert (await deployment.call("PATCH", path, json={"name": "x"})).status == 428
        right = {"If-Match": shown.headers["ETag"]}
        changed = await deployment.call("PATCH", path, json={"enabled": False, "cron": NEVER}, headers=right)
        assert (changed.status, changed.body["enabled"], changed.body["next_due"]) == (200, False, None)
        assert (changed.body["name"], changed.body["directive"]) == ("Report", swarm["directive"])
        assert (await deployment.call("PATCH", path, json={"name": "x"}, headers=right)).status == 412
        newest = {"If-Match": changed.headers["ETag"]}
        other = {"swarm": {"directive": "Else"}, "enabled": True}
        again = await deployment.call("PATCH", path, json=other, headers=newest)
        assert (again.body["directive"], again.body["context"], again.body["limits"]["nodes"]) == ("Else", [], 200)
        assert datetime.fromisoformat(again.body["next_due"]).month in {1, 12}  # in Berlin, as UTC has it

        assert (await deployment.call("DELETE", path)).status == 204
        for method, below in (("GET", ""), ("DELETE", ""), ("POST", "/run")):
            assert (await deployment.call(method, path + below)).status == 404


@pytest.mark.any_model
@pytest.mark.parametrize(
    "fields",
    [
        {"cron": "61 * * * *"},
        {"cron": "* * * * * *"},
        {"cron": "0 0 30 2 *"},
        {"timezone": "Nowhere/Land"},
        {"name": "  "},
        {"overlap": "queue"},
        {"swarm": {"directive": " "}},
        {"swarm": {"directive": "x", "context": [{"name": "a.md", "content": "text"}], "limits": {"nodes": 1}}},
        {"swarm": {"directive": "x", "context": [{"name": "a.md", "content": "/w==", "encoding": "base64"}]}},
    ],
)
async def test_what_could_never_start_is_refused(deployment: Deployment, fields: dict[str, Any]) -> None:
    answer = await deployment.call("POST", "schedules", json=new(**fields))
    assert (answer.status, answer.type) == (400, "application/problem+json"), answer


@pytest.mark.any_model
async def test_a_creation_that_is_sent_twice_makes_one(deployment: Deployment) -> None:
    headers = {"Idempotency-Key": f"schedule-{os.urandom(8).hex()}"}
    answers = [await deployment.call("POST", "schedules", json=new(), headers=headers) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].body == answers[1].body
    path = f"schedules/{answers[0].body['schedule_id']}"
    assert (await deployment.call("DELETE", path)).status == 204


async def test_a_run_out_of_turn_is_one_swarm_and_says_what_started_it(swarms: Swarms) -> None:
    deployment, script = swarms.deployment, Script()
    headers = {"Idempotency-Key": f"run-{os.urandom(8).hex()}"}
    async with schedule(deployment, enabled=False, swarm={"directive": "Do it", "context": [LARGE]}) as made:
        path = f"schedules/{made.body['schedule_id']}"
        async with deployment.creating:
            swarms.switchboard.coming = script
            try:
                answers = [await deployment.call("POST", f"{path}/run", headers=headers) for _ in range(2)]
                run = await run_of(swarms, answers[0].body["swarm_id"], script)
            finally:
                swarms.switchboard.coming = None
        assert [answer.status for answer in answers] == [202, 202]
        assert answers[1].body["swarm_id"] == run.swarm_id
        assert answers[0].headers["Location"] == f"/api/v1/swarms/{run.swarm_id}"
        ended = await run.ended()
        assert ended.swarm["origin"] == {
            **{"kind": "schedule", "id": made.body["schedule_id"]},
            **{"due": None, "delivery_id": None},
        }
        assert [doc["name"] for doc in ended.swarm["context"]] == ["facts.md"]
        shown = await deployment.get(path)
        assert (shown["last"]["swarm_id"], shown["started"], shown["last"]["due"]) == (run.swarm_id, 1, None)


@pytest.mark.slow
async def test_a_due_minute_starts_a_swarm(swarms: Swarms) -> None:
    deployment, script = swarms.deployment, Script()
    async with deployment.creating, schedule(deployment, cron="* * * * *") as made:
        path = f"schedules/{made.body['schedule_id']}"
        swarms.switchboard.coming = script
        try:
            async with asyncio.timeout(60 + PATIENCE):
                while (shown := await deployment.get(path))["last"] is None:  # noqa: ASYNC110  nothing tells
                    await asyncio.sleep(0.5)
            run = await run_of(swarms, shown["last"]["swarm_id"], script)
            await deployment.call("DELETE", path)
        finally:
            swarms.switchboard.coming = None
    ended = await run.ended()
    assert ended.swarm["origin"]["due"] == made.body["next_due"]
    due, after = (datetime.fromisoformat(moment) for moment in (made.body["next_due"], shown["next_due"]))
    assert after - due == timedelta(minutes=1)


@pytest.mark.any_model
async def test_schedules_from_the_command_line(deployment: Deployment, tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SWARMSTAR_")}
    env = kept | {"SWARMSTAR_URL": deployment.url, **({"SWARMSTAR_API_KEY": deployment.key} if deployment.key else {})}

    async def cli(*arguments: str, code: int = 0) -> str:
        command = (sys.executable, "-m", "cli.main", "schedules", *arguments)
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, env=env, stdout=pipe, stderr=pipe)
        out, err = await process.communicate()
        assert process.returncode == code, (arguments, out, err)
        return (out or err).decode()

    made = json.loads(await cli("create", NEVER, "Do it", "--name", "Yearly", "--limit", "nodes=9", "--json"))
    schedule_id = made["schedule_id"]
    try:
        assert (made["name"], made["timezone"], made["limits"]["nodes"]) == ("Yearly", "UTC", 9)
        assert f"{schedule_id} paused." in await cli("pause", schedule_id)
        told = await asyncio.gather(cli("list"), cli("show", schedule_id))
        assert any(schedule_id in line and "paused" in line and "Yearly" in line for line in told[0].splitlines())
        assert "due 0 0 1 1 * (UTC), paused, overlap: skip" in told[1]
        assert told[1].rstrip().endswith("Do it")
        edited = json.loads(await cli("edit", schedule_id, "--timezone", "Asia/Tokyo", "--directive", "Else", "--json"))
        assert (edited["timezone"], edited["directive"], edited["enabled"]) == ("Asia/Tokyo", "Else", False)
        refusals = await asyncio.gather(
            cli("edit", schedule_id, code=2),
            cli("edit", schedule_id, "--limit", "nodes=3", code=2),
            cli("edit", schedule_id, "--cron", "0 0 31 2 *", code=1),
        )
        assert "no day that there is" in refusals[2]
        resumed = await cli("resume", schedule_id)
        assert f"{schedule_id} resumed. Next: " in resumed
    finally:
        assert f"Deleted {schedule_id}." in await cli("delete", schedule_id)
    assert "no such schedule" in await cli("run", schedule_id, code=1)
