"""The runtime port over the real Durable client and the embedded host: every signal may come twice or too late."""

import asyncio
from typing import Any

import azure.durable_functions as df
import pytest

from functions._runtime import DurableRuntime
from shared.runtime import RunStatus
from shared.runtime.names import answered_event, node_instance, swarm_instance
from shared.swarm.node import NodeRef
from tests.crash.crash_script import both
from tests.integration.functions.deployed_app import Deployed

NOBODY = NodeRef(user_id="ada", swarm_id="never-created", node_id="0")


@pytest.fixture
def client(deployed: Deployed) -> df.DurableOrchestrationClient:
    """A client as a function is handed one."""
    return df.DurableOrchestrationClient(deployed.host._api._addresses.client())


@pytest.fixture
def runtime(client: df.DurableOrchestrationClient) -> DurableRuntime:
    return DurableRuntime(client)


async def asking(deployed: Deployed) -> NodeRef:
    """The root of a swarm that waits for an answer."""
    root = NodeRef(user_id="ada", swarm_id=await deployed.create(both("Ask for a")), node_id="0")
    await deployed.events(root.swarm_id, "blocked")
    return root


def executions(deployed: Deployed, instance_id: str) -> list[str]:
    """The ids of all executions of an instance that the host knows."""
    rows = deployed.host._storage.query("SELECT execution_id FROM instances WHERE instance_id=?", (instance_id,))
    return [row[0] for row in rows]


async def answer(deployed: Deployed, root: NodeRef) -> None:
    (question,) = (await deployed.call("GET", f"swarms/{root.swarm_id}/questions")).json["items"]
    path = f"swarms/{root.swarm_id}/questions/{question['question_id']}/answer"
    assert (await deployed.call("POST", path, json={"answer": "Red"})).status == 200


async def until_ended(runtime: DurableRuntime, root: NodeRef) -> None:
    async with asyncio.timeout(20):
        while await runtime.status(root) is RunStatus.RUNNING:  # noqa: ASYNC110 - the port has no way to wait
            await asyncio.sleep(0.02)


async def test_start_is_idempotent(deployed: Deployed, runtime: DurableRuntime) -> None:
    root = await asking(deployed)
    before = executions(deployed, swarm_instance(root))
    assert await runtime.status(root) is RunStatus.RUNNING
    await runtime.start_swarm(root)
    await asyncio.gather(*(runtime.start_swarm(root) for _ in range(5)))

    assert executions(deployed, swarm_instance(root)) == before
    assert len(before) == 1
    await answer(deployed, root)
    await until_ended(runtime, root)
    assert await runtime.status(root) is RunStatus.ENDED
    assert (await deployed.call("GET", f"swarms/{root.swarm_id}")).json["status"] == "completed"


async def test_what_has_ended_can_be_started_again_and_finds_nothing_to_do(
    deployed: Deployed, runtime: DurableRuntime
) -> None:
    root = await asking(deployed)
    await answer(deployed, root)
    await until_ended(runtime, root)
    before = executions(deployed, swarm_instance(root))
    events = await deployed.events(root.swarm_id, "never")
    await runtime.start_swarm(root)
    await until_ended(runtime, root)

    assert executions(deployed, swarm_instance(root)) != before
    assert await deployed.events(root.swarm_id, "never") == events
    assert (await deployed.call("GET", f"swarms/{root.swarm_id}")).json["status"] == "completed"


async def test_starts_at_the_same_moment_are_no_errors(deployed: Deployed, runtime: DurableRuntime) -> None:
    root = await asking(deployed)
    await answer(deployed, root)
    await until_ended(runtime, root)
    events = await deployed.events(root.swarm_id, "never")
    await asyncio.gather(*(runtime.start_swarm(root) for _ in range(8)))
    await until_ended(runtime, root)

    assert await deployed.events(root.swarm_id, "never") == events


async def test_an_absent_orchestration_can_be_asked_after_and_woken(runtime: DurableRuntime) -> None:
    assert await runtime.status(NOBODY) is RunStatus.ABSENT
    await runtime.wake(NOBODY, answered_event(0))
    assert await runtime.status(NOBODY) is RunStatus.ABSENT


async def test_waking_what_has_ended_or_waits_for_something_else_does_nothing(
    deployed: Deployed, runtime: DurableRuntime, client: Any
) -> None:
    root = await asking(deployed)
    (question,) = (await deployed.call("GET", f"swarms/{root.swarm_id}/questions")).json["items"]
    waiting = root.to(question["node_id"])
    await runtime.wake(waiting, answered_event(7))
    await runtime.wake(waiting, answered_event(0))  # a false alarm: nobody has answered
    await runtime.wake(root, answered_event(0))
    assert await runtime.status(root) is RunStatus.RUNNING
    await answer(deployed, root)
    await until_ended(runtime, root)
    await runtime.wake(waiting, answered_event(0))

    status = await client.get_status(node_instance(waiting))
    assert status.runtime_status is df.OrchestrationRuntimeStatus.Completed
    assert (await deployed.call("GET", f"swarms/{root.swarm_id}")).json["status"] == "completed"
