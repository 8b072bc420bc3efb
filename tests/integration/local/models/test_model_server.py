"""The offline model's server: a real process on loopback with the smallest real model."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from openai import APIConnectionError, APIStatusError, AsyncOpenAI, AuthenticationError, BadRequestError
from pydantic import BaseModel, Field

from local.models.fetch import fetch
from local.models.server import OfflineModel
from local.models.table import find
from shared.errors import ModelUnavailable, Unavailable

SMALLEST = find("smollm2-135m")

PARENT = """
import pathlib, sys, time
from local.models.server import OfflineModel
from local.models.table import find
with OfflineModel(find("smollm2-135m"), pathlib.Path(sys.argv[1]), slots=1, context=512) as served:
    print(served.pid, flush=True)
    time.sleep(60)
"""


class Mood(BaseModel):
    """A bounded answer."""

    colour: str = Field(pattern="^(red|green|blue)$")
    words: list[str] = Field(min_length=1, max_length=2)


@pytest.fixture(scope="module")
def model_path() -> Path:
    try:
        return asyncio.run(fetch(SMALLEST))
    except Unavailable as error:
        pytest.skip(f"the smallest offline model cannot be fetched here: {error}")


@pytest.fixture
async def served(model_path: Path) -> AsyncIterator[OfflineModel]:
    async with OfflineModel(SMALLEST, model_path, slots=2, context=256) as server:
        yield server


@pytest.fixture
async def client(served: OfflineModel) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=served.base_url, api_key=served.api_key, max_retries=0, timeout=60) as client:
        yield client


async def say(client: AsyncOpenAI, text: str, max_tokens: int = 8) -> str:
    answer = await client.chat.completions.create(
        model=SMALLEST.name, messages=[{"role": "user", "content": text}], max_tokens=max_tokens
    )
    return answer.choices[0].message.content or ""


def gone(pid: int, within: float = 10.0) -> bool:
    """Whether the process ends in time; one that only waits for its parent to take note has ended."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        status = subprocess.run(("ps", "-o", "stat=", "-p", str(pid)), capture_output=True, text=True).stdout
        if not status.strip() or status.startswith("Z"):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.model
async def test_the_same_question_gets_the_same_answer(client: AsyncOpenAI) -> None:
    first = await say(client, "Name a fruit.")
    assert first
    assert await say(client, "Name a fruit.") == first


@pytest.mark.model
async def test_an_answer_follows_a_bounded_schema(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(
        model=SMALLEST.name,
        messages=[{"role": "user", "content": "Your mood?"}],
        max_tokens=200,
        response_format={
            "type": "json_schema",
            "json_schema": {
                "name": "mood",
                "schema": {
                    "type": "object",
                    "properties": {
                        "colour": {"enum": ["red", "green", "blue"]},
                        "words": {
                            "type": "array",
                            "items": {"type": "string", "maxLength": 10},
                            "minItems": 1,
                            "maxItems": 2,
                        },
                    },
                    "required": ["colour", "words"],
                    "additionalProperties": False,
                },
            },
        },
    )
    mood = Mood.model_validate_json(answer.choices[0].message.content or "")
    assert all(len(word) <= 10 for word in mood.words)


@pytest.mark.model
async def test_a_key_is_required_and_is_not_in_the_process_list(served: OfflineModel) -> None:
    async with AsyncOpenAI(base_url=served.base_url, api_key="guess", max_retries=0) as stranger:
        with pytest.raises(AuthenticationError):
            await say(stranger, "Hello")
    listed = await asyncio.to_thread(subprocess.check_output, ("ps", "-ww", "-o", "args=", "-p", str(served.pid)))
    assert b"serve_child" in listed
    assert served.api_key.encode() not in listed


@pytest.mark.model
async def test_it_listens_on_loopback_alone(served: OfflineModel) -> None:
    assert served.base_url.startswith("http://127.0.0.1:")


@pytest.mark.model
async def test_a_question_longer_than_the_context_is_refused(client: AsyncOpenAI) -> None:
    with pytest.raises(BadRequestError):
        await say(client, "word " * 600)


@pytest.mark.model
async def test_an_answer_ends_at_the_context_at_the_latest(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(
        model=SMALLEST.name,
        messages=[{"role": "user", "content": "Tell a very long story."}],
        max_tokens=5000,
        extra_body={"ignore_eos": True},
    )
    assert answer.usage is not None
    assert answer.usage.total_tokens <= 256
    assert answer.choices[0].finish_reason == "length"


@pytest.mark.model
async def test_a_child_that_is_killed_is_replaced_at_the_same_address(
    served: OfflineModel, client: AsyncOpenAI
) -> None:
    first = served.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + 30
    answer = ""
    while not answer and time.monotonic() < deadline:
        try:
            answer = await say(client, "Name a fruit.")
        except (APIConnectionError, APIStatusError):
            await asyncio.sleep(0.05)
    assert answer
    assert served.pid != first
    assert served.alive


@pytest.mark.model
async def test_it_is_replaced_so_often_and_no_more(model_path: Path) -> None:
    async with OfflineModel(SMALLEST, model_path, slots=1, context=512, restarts=0) as served:
        assert served.pid is not None
        os.kill(served.pid, signal.SIGKILL)
        await asyncio.wait_for(asyncio.to_thread(served.wait), 10)
        assert not served.alive


@pytest.mark.model
async def test_leaving_the_block_ends_the_process(model_path: Path) -> None:
    async with OfflineModel(SMALLEST, model_path, slots=1, context=512) as served:
        pid = served.pid
    assert pid is not None
    assert await asyncio.to_thread(gone, pid)


@pytest.mark.model
def test_it_ends_when_its_parent_is_killed(model_path: Path) -> None:
    with subprocess.Popen((sys.executable, "-c", PARENT, str(model_path)), stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
        assert gone(pid)


@pytest.mark.model
async def test_its_memory_is_bounded(model_path: Path) -> None:
    tiny = OfflineModel(SMALLEST, model_path, slots=1, context=512, memory_limit=200 * 1024**2)
    with pytest.raises(ModelUnavailable, match="did not start"):
        await asyncio.to_thread(tiny.start)
    assert tiny.pid is not None
    assert gone(tiny.pid, within=1)


async def test_a_file_that_is_no_model_is_an_error_and_not_a_hang(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"no model at all")
    server = OfflineModel(SMALLEST, broken, slots=1, context=512)
    with pytest.raises(ModelUnavailable, match="did not start"):
        await asyncio.to_thread(server.start)
    assert not server.alive


async def test_the_banner_says_what_it_is_and_how_to_point_elsewhere(tmp_path: Path) -> None:
    text = OfflineModel(SMALLEST, tmp_path / "none").banner()
    assert "weak" in text
    assert "OPENAI_API_KEY" in text
    assert "SWARMSTAR_MODEL" in text
