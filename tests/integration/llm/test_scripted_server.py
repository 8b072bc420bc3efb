"""The scripted endpoint itself, in this process and in one of its own."""

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local.scripted import Call, Reply, ScriptedModel

BODY = {"model": "m", "messages": [{"role": "user", "content": "12345678"}]}


def scream(call: Call) -> Reply:
    return Reply(call.last.upper() + f" {call.times_seen}")


async def post(server: ScriptedModel, body: object = BODY, step: str = "") -> tuple[int, Any]:
    headers = {"x-swarmstar-step": step} if step else {}
    url = f"{server.base_url}/chat/completions"
    async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=headers) as response:
        return response.status, json.loads(await response.read())


async def test_answers_text_or_json_with_tokens_by_length() -> None:
    async with ScriptedModel(lambda _: Reply({"a": 1})) as server:
        status, answer = await post(server)
    assert status == 200
    assert json.loads(answer["choices"][0]["message"]["content"]) == {"a": 1}
    assert answer["usage"] == {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4}


async def test_counts_calls_by_step_key(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    async with ScriptedModel(scream, log=log) as server:
        for step in ("u/s/0/1.1.1", "u/s/0/1.1.2", "u/s/0/1.1.1"):
            await post(server, step=step)
        assert [call.times_seen for call in server.calls] == [1, 1, 2]
        assert server.times_seen == {"u/s/0/1.1.1": 2, "u/s/0/1.1.2": 1}
        # Read while the server runs: a crash test does so from another process.
        lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["index"], line["step"], line["times_seen"]) for line in lines] == [
        (0, "u/s/0/1.1.1", 1),
        (1, "u/s/0/1.1.2", 1),
        (2, "u/s/0/1.1.1", 2),
    ]


async def test_the_kept_calls_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.scripted.server.KEEP_CALLS", 2)
    async with ScriptedModel() as server:
        for _ in range(3):
            await post(server)
        assert [call.index for call in server.calls] == [1, 2]
        assert server.total == 3


@pytest.mark.parametrize("body", [[], "text", {"stream": True, **BODY}])
async def test_what_is_no_plain_completion_request_is_refused(body: object) -> None:
    async with ScriptedModel() as server:
        status, answer = await post(server, body)
        assert server.total == 0
    assert status == 400
    assert "no chat completion request" in answer["error"]["message"]


async def test_a_rule_can_fail_a_call_in_the_words_of_openai() -> None:
    async with ScriptedModel(lambda _: Reply({"message": "no", "code": "c"}, status=418)) as server:
        assert await post(server) == (
            418,
            {"error": {"type": "scripted", "code": "c", "param": None, "message": "no"}},
        )


async def test_a_fault_in_a_rule_is_not_blamed_on_the_caller() -> None:
    def broken(_call: Call) -> Reply:
        raise ValueError("a fault of the test")

    async with (
        ScriptedModel(broken) as server,
        aiohttp.ClientSession() as session,
        session.post(f"{server.base_url}/chat/completions", json=BODY) as response,
    ):
        assert response.status == 500


async def test_an_answer_can_be_cut_off() -> None:
    async with ScriptedModel(lambda _: Reply("x" * 500, cut=True)) as server:
        with pytest.raises(aiohttp.ClientPayloadError):
            await post(server)


async def test_lists_its_model_and_knows_no_other_path() -> None:
    async with ScriptedModel() as server, aiohttp.ClientSession() as session:
        async with session.get(f"{server.base_url}/models") as response:
            assert (await response.json())["data"][0]["id"] == "scripted"
        async with session.get(f"{server.url}/other") as response:
            assert response.status == 404


@pytest.fixture
def process(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    (tmp_path / "own_rules.py").write_text(
        "from local.scripted import Reply\n\ndef answer(call):\n    return Reply(call.last[::-1])\n"
    )
    command = [sys.executable, "-m", "local.scripted", "--rules", "own_rules:answer", "--latency", "50"]
    command += ["--log", str(tmp_path / "log.jsonl")]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert started.stdout is not None
    try:
        yield started, started.stdout.readline().removeprefix("Listening on ").strip()
    finally:
        started.kill()
        started.wait()
        started.stdout.close()


def test_runs_as_a_process_of_its_own(process: tuple[subprocess.Popen[str], str], tmp_path: Path) -> None:
    running, url = process
    request = urllib.request.Request(f"{url}/v1/chat/completions", json.dumps(BODY).encode())
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as response:
        assert json.load(response)["choices"][0]["message"]["content"] == "87654321"
    with opener.open(f"{url}/__calls", timeout=10) as response:
        seen = json.load(response)
    assert (seen["total"], seen["times_seen"], seen["calls"][0]["model"]) == (1, {"": 1}, "m")
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 1
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=10) == 0
