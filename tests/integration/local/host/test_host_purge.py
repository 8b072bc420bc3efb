"""Purging by time through the SDK's client: what has ended goes, in slices, and what goes on does not notice."""

import asyncio
from datetime import UTC, datetime, timedelta

import azure.durable_functions as df

from local.host.durable import client_api

STATUS = df.OrchestrationRuntimeStatus
ENDED = [STATUS.Completed, STATUS.Failed, STATUS.Terminated, STATUS.Canceled]
LONG_AGO = datetime(2015, 1, 1, tzinfo=UTC)


async def purge(flows, since=LONG_AGO, until=None, statuses=None):
    client = df.DurableOrchestrationClient(flows.host._api._addresses.client())
    result = await client.purge_instance_history_by(since, until or datetime.now(UTC), statuses or ENDED)
    return result.instances_deleted


async def ids(flows):
    return {status["instanceId"] for status in (await flows.manage("GET", "instances/"))[1]}


async def created(flows, instance_id):
    (row,) = flows.host._storage.query("SELECT created FROM instances WHERE instance_id=?", (instance_id,))
    return datetime.fromisoformat(row[0])


async def test_all_that_ended_goes_however_it_ended_and_nothing_that_goes_on(flows):
    for name, body, instance_id in (("nest", 2, "done"), ("broken", None, "failed"), ("wait", "go", "told")):
        await flows.begin(name, body, instance_id)
    for instance_id in ("running", "suspended"):
        await flows.begin("wait", "go", instance_id)
        await flows.until(instance_id, lambda found: found["runtimeStatus"] == "Running")
    assert await flows.control("told", "terminate") == 202
    assert await flows.control("suspended", "suspend") == 202
    for instance_id in ("done", "failed", "told"):
        await flows.end(instance_id)
    await flows.until("suspended", lambda found: found["runtimeStatus"] == "Suspended")

    assert await purge(flows, statuses=list(STATUS)) == 5  # "done" had two children
    assert await ids(flows) == {"running", "suspended"}
    assert flows.host._storage.query("SELECT count(DISTINCT instance) FROM history") == [(2,)]
    assert await purge(flows) == 0


async def test_only_the_statuses_asked_for_go(flows):
    await flows.end(await flows.begin("nest", 0, "done"))
    await flows.end(await flows.begin("broken", None, "failed"))
    assert await purge(flows, statuses=[STATUS.Failed]) == 1
    assert await ids(flows) == {"done"}


async def test_the_times_bound_what_goes(flows):
    for name in ("a", "b", "c"):
        await flows.end(await flows.begin("nest", 0, name))
        await asyncio.sleep(0.001)
    middle, tick = await created(flows, "b"), timedelta(microseconds=1)
    assert await purge(flows, middle + tick, await created(flows, "c") - tick) == 0
    assert await purge(flows, middle, middle) == 1
    assert await ids(flows) == {"a", "c"}
    assert await purge(flows, until=middle) == 1
    assert await ids(flows) == {"c"}


async def test_whole_seconds_and_longer_fractions_are_times_like_others(flows):
    await flows.end(await flows.begin("nest", 0, "a"))
    moment = await created(flows, "a")
    second = moment.strftime("%Y-%m-%dT%H:%M:%S")
    if moment.microsecond:
        times = {"createdTimeFrom": "2015-01-01T00:00:00Z", "createdTimeTo": f"{second}Z"}
        assert (await flows.manage("DELETE", "instances/", params=times))[0] == 404
    for bad in ("2015-01-01T00:00:00+02:00", "2015-01-01", "2015-01-01T00:00:00Zx"):
        assert (await flows.manage("DELETE", "instances/", params={"createdTimeFrom": bad}))[0] == 400
    times = {"createdTimeFrom": f"{second}Z", "createdTimeTo": moment.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")}
    assert await flows.manage("DELETE", "instances/", params=times) == (200, {"instancesDeleted": 1})


async def test_many_go_in_slices_between_which_the_host_does_other_things(flows, monkeypatch):
    monkeypatch.setattr(client_api, "_PURGE_SLICE", 5)
    for number in range(23):
        await flows.end(await flows.begin("nest", 0, f"old-{number}"))
    slices, passes, forget = [], [0], flows.host._storage.forget

    def note(rows):
        slices.append((len(rows), passes[0]))
        forget(rows)

    async def other_things():
        while True:
            passes[0] += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(flows.host._storage, "forget", note)
    others = asyncio.create_task(other_things())
    assert await purge(flows) == 23
    others.cancel()
    assert [size for size, _ in slices] == [5, 5, 5, 5, 3]
    assert len({seen for _, seen in slices}) == 5


async def test_a_parent_that_runs_needs_nothing_of_its_purged_children(flows):
    parent = await flows.begin("child_then_event")
    await flows.until(parent, lambda _: flows.rows("instances") == 3 and len(flows.host._engine.instances) == 1)
    assert await purge(flows) == 2
    started = flows.host.stats()["orchestrations_total"]
    await flows.restart()
    await flows.send(parent, "go", 1)

    found = await flows.end(parent)
    assert (found["runtimeStatus"], found["output"]) == ("Completed", [["bottom"], 1])
    assert flows.host.stats()["orchestrations_total"] == started


async def test_a_result_that_its_parent_has_not_taken_yet_outlives_the_child(flows):
    parent = await flows.begin("waits_for_child")
    await flows.until("the-child", lambda found: found["runtimeStatus"] == "Running")
    await flows.control(parent, "suspend")
    await flows.until(parent, lambda found: found["runtimeStatus"] == "Suspended")
    await flows.send("the-child", "go", "taken")
    await flows.end("the-child")
    assert await purge(flows) == 1
    await flows.restart()
    await flows.control(parent, "resume")

    assert (await flows.end(parent))["output"] == "taken"


async def test_a_purged_id_can_be_used_again(flows):
    await flows.end(await flows.begin("nest", 0, "mine"))
    await purge(flows)
    assert await flows.manage("GET", "instances/mine") == (404, "")
    assert (await flows.manage("POST", "instances/mine/raiseEvent/go", json=1))[0] == 404
    await flows.begin("nest", 1, "mine")
    assert (await flows.end("mine"))["output"] == ["bottom"]


async def test_the_file_gets_no_larger_when_what_ended_is_purged(flows):
    sizes = []
    for _ in range(4):
        for _ in range(5):
            await flows.output("chain", "x" * 50_000)
        sizes.append(flows.host._storage.query("PRAGMA page_count")[0][0])
        assert await purge(flows) == 5
        assert flows.host._storage.query("PRAGMA freelist_count")[0][0] > 50
    assert sizes[0] > 100
    assert sizes[-1] <= sizes[0] * 1.05
