"""The client API: every method of the SDK's client, and the same calls as plain requests."""

import aiohttp
import pytest

from local.host.host import HostFailed


async def test_start_through_the_sdk_s_client(flows):
    status, reply = await flows.call("POST", "client/start/chain?id=mine", json={"n": 1})
    assert status == 202
    assert reply["id"] == "mine"
    assert reply["statusQueryGetUri"].startswith(f"{flows.url}/runtime/webhooks/durabletask/instances/mine?")
    found = await flows.end("mine")
    assert found["output"][-1] == {"n": 1}
    async with flows.session.get(reply["statusQueryGetUri"]) as direct:
        assert direct.status == 200


@pytest.mark.parametrize("body", [[1, 2], 5, "text", None, {"a": None}])
async def test_input_is_the_same_from_the_sdk_and_from_a_plain_request(flows, body):
    plain = await flows.end(await flows.begin("chain", body))
    _, reply = await flows.call("POST", "client/start/chain", json=body)
    assert (await flows.end(reply["id"]))["output"][-1] == plain["output"][-1] == body


async def test_start_refuses_what_it_cannot_run(flows):
    status, reply = await flows.manage("POST", "orchestrators/no_such")
    assert status == 400
    assert "'no_such' doesn't exist" in reply["ExceptionMessage"]
    for bad in ("@x", "a%23b", "a%5Cb", "x" * 101):
        path = aiohttp.client.URL(f"{flows.url}/runtime/webhooks/durabletask/orchestrators/chain/{bad}", encoded=True)
        async with flows.session.post(path, headers={"x-functions-key": flows.host.key}) as answer:
            assert answer.status == 400, bad
    assert (await flows.manage("POST", "orchestrators/chain", data=b"{"))[0] == 400


async def test_a_running_id_is_refused_and_a_finished_one_replaced(flows):
    await flows.begin("wait", "go", "one")
    status, reply = await flows.manage("POST", "orchestrators/chain/one")
    assert status == 409
    assert "already running" in reply["ExceptionMessage"]
    await flows.send("one", "go", 1)
    await flows.end("one")
    await flows.begin("chain", 2, "one")
    assert (await flows.end("one"))["name"] == "chain"
    assert flows.rows("instances") == 1


async def test_a_start_that_waits_answers_with_the_status(flows):
    status, reply = await flows.manage(
        "POST", "orchestrators/chain", params={"timeout": "5", "pollingInterval": "0.05"}
    )
    assert status == 200
    assert reply["runtimeStatus"] == "Completed"
    status, reply = await flows.manage(
        "POST", "orchestrators/wait", json="go", params={"timeout": "0.1", "pollingInterval": "0.05"}
    )
    assert status == 202
    assert "statusQueryGetUri" in reply


async def test_status_with_history(flows):
    instance = await flows.begin("chain", 1)
    await flows.end(instance)
    status, reply = await flows.call("GET", f"client/status/{instance}")
    assert status == 200
    assert reply["runtimeStatus"] == "Completed"
    types = [event["EventType"] for event in reply["historyEvents"]]
    assert types[:3] == ["OrchestratorStarted", "ExecutionStarted", "TaskScheduled"]
    assert types[-2:] == ["ExecutionCompleted", "OrchestratorCompleted"]
    assert types.count("TaskCompleted") == 5
    _, bare = await flows.manage("GET", f"instances/{instance}", params={"showHistory": "true", "showInput": "false"})
    assert bare["input"] is None
    assert not any("Result" in event for event in bare["historyEvents"])


async def test_status_of_what_is_not_there_is_an_empty_404(flows):
    assert await flows.manage("GET", "instances/unheard-of") == (404, "")
    assert await flows.call("GET", "client/status/unheard-of") == (200, None)


async def test_status_codes_follow_the_state(flows):
    waiting, failing = await flows.begin("wait", "go"), await flows.begin("broken")
    await flows.end(failing)
    assert (await flows.manage("GET", f"instances/{waiting}"))[0] == 202
    assert (await flows.manage("GET", f"instances/{failing}"))[0] == 200
    asked = {"returnInternalServerErrorOnFailure": "true"}
    assert (await flows.manage("GET", f"instances/{failing}", params=asked))[0] == 500


async def test_waiting_through_the_sdk_s_client(flows):
    done, failing = await flows.begin("chain", 1), await flows.begin("broken")
    status, reply = await flows.call("GET", f"client/wait/{done}")
    assert status == 200
    assert reply[0] == 1
    status, reply = await flows.call("GET", f"client/wait/{failing}")
    assert status == 500
    assert reply["runtimeStatus"] == "Failed"


async def test_control_through_the_sdk_s_client(flows):
    instance = await flows.begin("wait", "go")
    for what, expected in (("suspend", "Suspended"), ("resume", "Running"), ("terminate", "Terminated")):
        assert await flows.call("PUT", f"client/{what}/{instance}?reason=1") == (200, None)
        await flows.until(instance, lambda found, expected=expected: found["runtimeStatus"] == expected)
    assert await flows.call("PUT", f"client/terminate/{instance}?reason=1") == (200, None)
    assert (await flows.call("PUT", "client/terminate/unheard-of?reason=1"))[0] == 500
    assert (await flows.call("POST", f"client/raise/{instance}/go", json=1))[0] == 500


async def test_restart_gives_a_new_id_or_the_same(flows):
    instance = await flows.begin("chain", {"k": 1})
    await flows.end(instance)
    status, reply = await flows.call("PUT", f"client/restart/{instance}")
    assert status == 200
    again = reply["id"]
    assert again != instance
    assert (await flows.end(again))["output"][-1] == {"k": 1}
    same = {"restartWithNewInstanceId": "false"}
    assert (await flows.manage("POST", f"instances/{instance}/restart", params=same))[1]["id"] == instance
    await flows.end(instance)
    assert (await flows.manage("POST", "instances/unheard-of/restart"))[0] == 404


async def test_rewind_is_not_implemented_and_says_so(flows):
    instance = await flows.begin("broken")
    await flows.end(instance)
    status, reply = await flows.manage("POST", f"instances/{instance}/rewind")
    assert status == 501
    assert "restart" in reply["Message"]


async def test_lists_are_filtered(flows):
    for number in range(3):
        await flows.end(await flows.begin("chain", number, f"aa-{number}"))
    await flows.begin("wait", "go", "aa-waiting")
    await flows.end(await flows.begin("broken", None, "aa-failed"))
    await flows.begin("wait", "go", "bb")
    status, (found, count) = await flows.call("GET", "client/list?prefix=aa-")
    assert status == 200
    assert sorted(found) == ["aa-0", "aa-1", "aa-2", "aa-waiting"]
    assert count == 6
    _, some = await flows.manage("GET", "instances/", params={"top": "2", "instanceIdPrefix": "aa"})
    assert [status["instanceId"] for status in some] == ["aa-0", "aa-1"]
    _, none = await flows.manage("GET", "instances", params={"createdTimeTo": "2001-01-01T00:00:00Z"})
    assert none == []
    assert (await flows.manage("GET", "instances", params={"createdTimeTo": "yesterday"}))[0] == 400


async def test_purge_takes_only_what_has_ended(flows):
    done, waiting = await flows.begin("chain"), await flows.begin("wait", "go")
    await flows.end(done)
    assert (await flows.manage("DELETE", f"instances/{waiting}"))[0] == 409
    assert await flows.call("DELETE", f"client/purge/{done}") == (200, 1)
    assert await flows.call("DELETE", f"client/purge/{done}") == (200, 0)
    assert (await flows.manage("GET", f"instances/{done}"))[0] == 404
    assert flows.rows("instances") == 1
    await flows.end(await flows.begin("chain"))
    assert (await flows.manage("DELETE", "instances/"))[0] == 400
    assert await flows.call("DELETE", "client/purge") == (200, 1)
    assert await flows.call("DELETE", "client/purge") == (200, 0)


async def test_management_needs_the_key(flows):
    for key in ("wrong", ""):
        status, _ = await flows.call("GET", f"runtime/webhooks/durabletask/instances/?code={key}")
        assert status == 401
    assert (await flows.call("GET", "admin/host/status"))[0] == 401
    status, report = await flows.call("GET", f"admin/host/status?code={flows.host.key}")
    assert status == 200
    assert report["history_events_total"] == 0


async def test_rpc_is_found_only_under_its_secret_path(flows):
    for guess in ("durabletask-rpc/instances/", "durabletask-rpc/x/instances/", "durabletask/instances/"):
        assert (await flows.call("GET", guess))[0] == 404


async def test_an_inbox_has_a_bound(serve):
    flows = await serve("flows", inbox_limit=5)
    instance = await flows.begin("wait", "go")
    codes = [(await flows.manage("POST", f"instances/{instance}/raiseEvent/x", json=1))[0] for _ in range(7)]
    assert codes == [202] * 5 + [429] * 2


async def test_finished_orchestrations_are_purged_and_still_counted(serve):
    flows = await serve("flows", keep_finished=3)
    for number in range(8):
        await flows.output("chain", number)
    total = flows.host.stats()["history_events_total"]
    await flows.restart()
    assert flows.rows("instances") == 3
    assert flows.host._storage.query("SELECT count(DISTINCT instance) FROM history") == [(3,)]
    assert flows.host.stats()["history_events_total"] == total > 8 * 20


async def test_a_state_file_that_cannot_be_written_stops_the_host(flows):
    await flows.begin("wait", "go", "before")
    flows.host._storage._db.execute("PRAGMA query_only=1")
    status, reply = await flows.manage("POST", "orchestrators/chain/after")
    assert status == 503
    assert "can no longer be written" in reply["Message"]
    with pytest.raises(HostFailed):
        await flows.host.failed
    assert flows.module.EFFECTS["echo 1"] == 0
    await flows.restart()
    assert (await flows.manage("GET", "instances/after"))[0] == 404
    assert (await flows.status("before"))["runtimeStatus"] == "Running"


async def test_a_request_s_context_reaches_neither_activities_nor_the_next_request(flows):
    assert (await flows.call("POST", "context/set"))[1] == "unset"
    assert (await flows.call("POST", "context/set"))[1] == "unset"
    for instance in [status["instanceId"] for status in (await flows.manage("GET", "instances/"))[1]]:
        assert (await flows.end(instance))["output"] == "unset"
