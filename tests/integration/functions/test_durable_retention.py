"""Purging old histories of the real app on the embedded host: no swarm is redone, none is held up."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import azure.durable_functions as df
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from functions._runtime import DurableRuntime
from local.host.durable.binding import Addresses
from local.host.invoke import Invoker, json_datum
from local.host.timers import TimerTriggers
from shared import bootstrap
from shared.runtime import RunStatus
from shared.runtime.names import node_instance, swarm_instance
from shared.services import Services
from shared.store.catalog import UnfinishedSwarms
from shared.swarm.node import NodeRef
from shared.types import utc_now
from shared.usecases.retention import purge_history
from shared.usecases.sweep import sweep
from tests.crash.crash_script import both
from tests.integration.functions.deployed_app import Deployed


@pytest.fixture
def runtime(deployed: Deployed) -> DurableRuntime:
    """The port as a function has it."""
    return DurableRuntime(df.DurableOrchestrationClient(deployed.host._api._addresses.client()))


def later(days: float = 8.0) -> Services:
    """The app some days from now."""
    return replace(bootstrap.services(), clock=lambda: utc_now() + timedelta(days=days))


def instances(deployed: Deployed) -> set[str]:
    """The ids of what the host keeps."""
    return {row[0] for row in deployed.host._storage.query("SELECT instance_id FROM instances")}


async def shown(deployed: Deployed, root: NodeRef) -> tuple[Any, list[dict[str, Any]]]:
    """A swarm and its events as the user sees them once it has ended."""
    events = await deployed.events(root.swarm_id, "never")
    return (await deployed.call("GET", f"swarms/{root.swarm_id}")).json, events


async def stopped(runtime: DurableRuntime, root: NodeRef) -> None:
    """Wait until the orchestration of a swarm no longer runs."""
    async with asyncio.timeout(20):
        while await runtime.status(root) is RunStatus.RUNNING:  # noqa: ASYNC110 - the port has no way to wait
            await asyncio.sleep(0.02)


async def test_an_ended_swarm_is_neither_started_by_the_sweep_nor_redone_when_started(
    deployed: Deployed, runtime: DurableRuntime
) -> None:
    directive = both("Write a.md", "Program b.py")
    root = NodeRef(user_id="ada", swarm_id=await deployed.create(directive), node_id="0")
    await stopped(runtime, root)
    before = await shown(deployed, root)
    assert await purge_history(later(6), runtime) == 0
    assert await purge_history(later(), runtime) >= 2
    assert instances(deployed) == set()
    assert await runtime.status(root) is RunStatus.ABSENT

    assert [entry async for entry in UnfinishedSwarms(bootstrap.services().store).all()] == []
    assert await sweep(later(), runtime) == 0
    assert instances(deployed) == set()

    await runtime.start_swarm(root)
    await stopped(runtime, root)
    assert await shown(deployed, root) == before
    assert before[0]["status"] == "completed"


async def test_a_swarm_that_outlives_the_window_goes_on_without_its_ended_parts(
    deployed: Deployed, runtime: DurableRuntime
) -> None:
    directive = both(both("Write a.md"), "Ask for b")
    root = NodeRef(user_id="ada", swarm_id=await deployed.create(directive), node_id="0")
    events = await deployed.events(root.swarm_id, "blocked")
    inner = node_instance(root.to(await _manager(deployed, root)))
    assert inner in instances(deployed)
    async with asyncio.timeout(20):
        while not await purge_history(later(), runtime):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.02)
    assert inner not in instances(deployed)
    assert await runtime.status(root) is RunStatus.RUNNING

    running = instances(deployed)
    await sweep(later(0.01), runtime)
    assert instances(deployed) == running
    (question,) = (await deployed.call("GET", f"swarms/{root.swarm_id}/questions")).json["items"]
    path = f"swarms/{root.swarm_id}/questions/{question['question_id']}/answer"
    assert (await deployed.call("POST", path, json={"answer": "Red"})).status == 200
    await stopped(runtime, root)

    swarm, all_events = await shown(deployed, root)
    assert swarm["status"] == "completed"
    assert all_events[: len(events)] == events
    assert inner not in instances(deployed)


def timer(deployed: Deployed, name: str) -> Invoker:
    """One of the app's timer functions as the host has it."""
    owners = [getattr(stop, "__self__", None) for stop in deployed.host._stopping]
    (triggers,) = [owner for owner in owners if isinstance(owner, TimerTriggers)]
    (found,) = [invoker for invoker, _ in triggers._timers if invoker.function.name == name]
    return found


async def test_the_timer_goes_by_the_days_that_are_set(deployed: Deployed, runtime: DurableRuntime) -> None:
    old, new = [
        NodeRef(user_id="ada", swarm_id=await deployed.create(both("Write a.md")), node_id="0") for _ in range(2)
    ]
    for root, age in ((old, 7.01), (new, 6.99)):
        await stopped(runtime, root)
        created = (utc_now() - timedelta(days=age)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        ids = (created, swarm_instance(root), node_instance(root))
        deployed.host._storage.query("UPDATE instances SET created=? WHERE instance_id IN (?, ?)", ids)
    kept = instances(deployed)
    await timer(deployed, "purge_history")(json_datum({"IsPastDue": False}))

    assert kept - instances(deployed) == {swarm_instance(old), node_instance(old)}
    assert await runtime.status(new) is RunStatus.ENDED


async def _manager(deployed: Deployed, root: NodeRef) -> str:
    """The id of the manager below the root."""
    nodes = (await deployed.call("GET", f"swarms/{root.swarm_id}/tree")).json["nodes"]
    (found,) = [
        node["node_id"]
        for node in nodes
        if node["action_id"] == "reasoning.decompose_directive" and node["node_id"] != root.node_id
    ]
    return str(found)


async def test_the_durable_host_holds_no_word_of_a_deleted_swarm(deployed: Deployed, runtime: DurableRuntime) -> None:
    directive = both("Write zebra.md", "Refuse zebra.md", "Ask for zebra")
    root = NodeRef(user_id="ada", swarm_id=await deployed.create(directive), node_id="0")
    await deployed.events(root.swarm_id, "blocked")
    assert (await deployed.call("DELETE", f"swarms/{root.swarm_id}")).status == 204
    await stopped(runtime, root)
    kept = [
        str(deployed.host._storage.query(f"SELECT * FROM {table}"))
        for table in ("instances", "history", "inbox", "work", "timers")
    ]
    assert root.swarm_id in "".join(kept)
    assert not [text for text in kept if "zebra" in text.lower()]


async def test_the_host_is_asked_in_utc_for_statuses_after_which_nothing_follows(runtime: DurableRuntime) -> None:
    asked: list[dict[str, str]] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        asked.append({"method": request.method, "path": request.path, **request.query})
        return web.Response(status=404)

    server = RawTestServer(answer)
    await server.start_server()
    elsewhere = Addresses(str(server.make_url("")).rstrip("/"), "hub", "k" * 16, "rpc").client()
    moment = datetime(2026, 11, 1, 3, 30, tzinfo=timezone(timedelta(hours=2)))
    assert await DurableRuntime(df.DurableOrchestrationClient(elsewhere)).purge(moment, moment + timedelta(days=1)) == 0
    await server.close()

    (found,) = asked
    assert set(found.pop("runtimeStatus").split(",")) == {"Completed", "Failed", "Terminated", "Canceled"}
    assert found == {
        "method": "DELETE",
        "path": "/rpc/instances/",
        "createdTimeFrom": "2026-11-01T01:30:00.000000Z",
        "createdTimeTo": "2026-11-02T01:30:00.000000Z",
    }
