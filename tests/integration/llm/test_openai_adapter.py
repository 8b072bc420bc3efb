"""The OpenAI adapter against a real HTTP endpoint on loopback."""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from local.scripted import Call, Reply, ScriptedModel
from shared.adapters.openai import OpenAIChatModel
from shared.adapters.openai import client as adapter
from shared.errors import ModelError, ModelUnavailable
from shared.llm.port import Completion, CompletionRequest, Message
from shared.model_calls.retry import complete_with_short_waits

KEY = "sk-very-secret-0123456789"
SCHEMA = {
    "type": "object",
    "properties": {"title": {"type": "string", "maxLength": 10}},
    "required": ["title"],
    "additionalProperties": False,
}


def ask(text: str = "hello", **more: object) -> CompletionRequest:
    return CompletionRequest((Message(role="user", content=text),), "some-model", **more)  # type: ignore[arg-type]  # fields by name


@asynccontextmanager
async def connected(url: str, key: object = KEY, **options: object) -> AsyncIterator[OpenAIChatModel]:
    client = OpenAIChatModel(url, key, **options)  # type: ignore[arg-type]  # options by name
    try:
        yield client
    finally:
        await client.close()


async def test_answers_with_what_the_endpoint_said(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = lambda call: Reply(f"you said {call.last}", input_tokens=7, output_tokens=3)
    answer = await model.complete(ask("ünï"))
    assert answer == Completion("you said ünï", "some-model", "stop", 7, 3)


async def test_sends_key_headers_and_parameters(server: ScriptedModel, model: OpenAIChatModel) -> None:
    await model.complete(ask(headers={"x-swarmstar-step": "u/s/0/1.1.1"}, max_output_tokens=9, temperature=0.5))
    call = server.calls[0]
    assert call.step == "u/s/0/1.1.1"
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert call.body == {
        "model": "some-model",
        "messages": [{"role": "user", "content": "hello"}],
        "max_tokens": 9,
        "temperature": 0.5,
    }


async def test_key_may_come_from_a_provider(server: ScriptedModel) -> None:
    keys = iter(("first", "second"))

    async def next_key() -> str:
        return next(keys)

    async with connected(server.base_url, next_key) as model:
        await model.complete(ask())
        await model.complete(ask())
    assert [call.headers["authorization"] for call in server.calls] == ["Bearer first", "Bearer second"]


async def test_without_a_key_none_is_taken_from_the_environment(
    server: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-the-environment")
    async with connected(server.base_url, "") as model:
        await model.complete(ask())
    assert "environment" not in server.calls[0].headers["authorization"]


async def test_a_proxy_of_the_environment_is_not_used_on_loopback(
    server: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with connected(server.base_url) as model:
        assert (await model.complete(ask())).text == "ok"


@pytest.mark.parametrize(
    ("keep_bounds", "property_"), [(True, {"type": "string", "maxLength": 10}), (False, {"type": "string"})]
)
async def test_schema_travels_strictly(server: ScriptedModel, keep_bounds: bool, property_: dict[str, object]) -> None:
    async with connected(server.base_url, keep_bounds=keep_bounds) as model:
        for _ in range(2):
            await model.complete(ask(schema=SCHEMA, schema_name="Note"))
    for call in server.calls:
        assert call.schema_name == "Note"
        assert call.schema == {**SCHEMA, "properties": {"title": property_}}
        assert call.body["response_format"]["json_schema"]["strict"] is True


async def test_a_model_that_refuses_parameters_is_asked_in_its_own_dialect(
    server: ScriptedModel, model: OpenAIChatModel
) -> None:
    def picky(call: Call) -> Reply:
        for name in ("max_tokens", "temperature"):
            if name in call.body:
                return Reply({"message": "no", "param": name, "code": "unsupported_parameter"}, status=400)
        return Reply("fine")

    server.rule = picky
    assert (await model.complete(ask(max_output_tokens=5))).text == "fine"
    assert (await model.complete(ask())).text == "fine"
    assert server.total == 4
    assert "max_completion_tokens" in server.calls[-1].body


async def test_a_parameter_that_stays_refused_is_an_error(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = lambda _: Reply({"message": "no", "param": "temperature"}, status=400)
    with pytest.raises(ModelError):
        await model.complete(ask())
    assert server.total == 2


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"Retry-After": "7"}, 7, 7),
        ({"Retry-After": "0.5"}, 0.5, 0.5),
        ({"retry-after-ms": "1500", "Retry-After": "9"}, 1.5, 1.5),
        ({"Retry-After": "86400"}, 120, 120),
        ({"Retry-After": "-3"}, 0, 0),
        ({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-reset-tokens": "1.5s"}, 120, 120),
        (
            {
                "x-ratelimit-reset-requests": "6m0s",
                "x-ratelimit-remaining-requests": "9",
                "x-ratelimit-reset-tokens": "250ms",
                "x-ratelimit-remaining-tokens": "0",
            },
            0.25,
            0.25,
        ),
        ({"Retry-After": "soon"}, 1.5, 2.5),
        ({"Retry-After": "nan"}, 1.5, 2.5),
        ({}, 1.5, 2.5),
    ],
)
async def test_a_429_says_when_to_come_back(
    server: ScriptedModel, model: OpenAIChatModel, headers: dict[str, str], least: float, most: float
) -> None:
    server.rule = lambda _: Reply("slow down", status=429, headers=headers)
    with pytest.raises(ModelUnavailable, match="429: slow down") as caught:
        await model.complete(ask())
    assert least <= caught.value.retry_after <= most
    assert server.total == 1


@pytest.mark.parametrize(("seconds", "least", "most"), [(60, 40, 60), (-60, 0, 0)])
async def test_a_429_may_say_it_as_a_date(
    server: ScriptedModel, model: OpenAIChatModel, seconds: int, least: float, most: float
) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    server.rule = lambda _: Reply("slow down", status=429, headers={"Retry-After": date})
    with pytest.raises(ModelUnavailable) as caught:
        await model.complete(ask())
    assert least <= caught.value.retry_after <= most


async def test_used_up_credit_is_not_asked_for_again_soon(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = lambda _: Reply({"message": "no credit", "code": "insufficient_quota"}, status=429)
    with pytest.raises(ModelUnavailable, match="no credit") as caught:
        await model.complete(ask())
    assert caught.value.retry_after == 120


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
async def test_passing_faults_are_unavailable(server: ScriptedModel, model: OpenAIChatModel, status: int) -> None:
    server.rule = lambda _: Reply(status=status)
    with pytest.raises(ModelUnavailable):
        await model.complete(ask())
    assert server.total == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
async def test_lasting_faults_are_errors(server: ScriptedModel, model: OpenAIChatModel, status: int) -> None:
    server.rule = lambda _: Reply("no", status=status)
    with pytest.raises(ModelError, match=f"{status}: no"):
        await model.complete(ask())


async def test_an_error_never_shows_the_key(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = lambda _: Reply(f"Incorrect API key provided: {KEY}, or sk-abc***xyz. {'x' * 999}", status=401)
    with pytest.raises(ModelError) as caught:
        await model.complete(ask())
    assert "Incorrect API key provided: [key], or [key]" in str(caught.value)
    assert len(str(caught.value)) < 400
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


async def test_a_cut_connection_is_unavailable(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = lambda _: Reply("x" * 5_000, cut=True)
    with pytest.raises(ModelUnavailable, match="connection"):
        await model.complete(ask())


async def test_a_port_nobody_listens_on_is_unavailable() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        async with connected(f"http://127.0.0.1:{reserved.getsockname()[1]}/v1") as model:
            with pytest.raises(ModelUnavailable, match="connection"):
                await model.complete(ask())


@pytest.mark.parametrize("answer", [b"HTTP/1.1 banana\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"])
async def test_a_server_that_speaks_no_http_is_unavailable(answer: bytes) -> None:
    async def blurt(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    listener = await asyncio.start_server(blurt, "127.0.0.1", 0)
    async with listener, connected(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}") as model:
        with pytest.raises(ModelUnavailable):
            await model.complete(ask())


@pytest.mark.parametrize(
    "rubbish",
    [b"<html>", b"", b"[]", b'{"choices": []}', b'{"choices": [{"message": 3}]}', b"\xff\xfe", b'{"a":' * 5_000],
)
async def test_an_answer_that_is_no_completion_is_tried_again_and_then_an_error(
    server: ScriptedModel, model: OpenAIChatModel, rubbish: bytes
) -> None:
    server.rule = lambda _: Reply(rubbish=rubbish)
    for _ in range(3):
        with pytest.raises(ModelUnavailable, match="no completion"):
            await model.complete(ask())
    with pytest.raises(ModelError, match=r"no completion.*4 times in a row"):
        await model.complete(ask())


async def test_an_endless_answer_is_not_read_to_its_end(
    server: ScriptedModel, model: OpenAIChatModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "MAX_RESPONSE", 1_000)
    server.rule = lambda _: Reply("x" * 2_000)
    with pytest.raises(ModelError, match="more than 1000 bytes"):
        await model.complete(ask())


async def test_a_refusal_is_an_error(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = lambda _: Reply(refusal="I would rather not.")
    with pytest.raises(ModelError, match="rather not"):
        await model.complete(ask())


async def test_no_text_is_an_error_unless_the_tokens_ran_out(server: ScriptedModel, model: OpenAIChatModel) -> None:
    body = '{"choices": [{"message": {"content": null}, "finish_reason": "%s"}], "usage": {}}'
    server.rule = lambda _: Reply(rubbish=(body % "content_filter").encode())
    with pytest.raises(ModelError, match="content_filter"):
        await model.complete(ask())
    server.rule = lambda _: Reply(rubbish=(body % "length").encode())
    answer = await model.complete(ask())
    assert (answer.text, answer.finish_reason) == ("", "length")


async def test_tokens_are_estimated_when_the_endpoint_counts_none(
    server: ScriptedModel, model: OpenAIChatModel
) -> None:
    server.rule = lambda _: Reply(rubbish=b'{"choices": [{"message": {"content": "12345"}}]}')
    answer = await model.complete(ask("1234"))
    assert (answer.input_tokens, answer.output_tokens, answer.model) == (1, 2, "some-model")


async def test_half_a_surrogate_pair_is_replaced(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = lambda _: Reply(rubbish=b'{"choices": [{"message": {"content": "a\\ud83d\\ude00b\\ud83d"}}]}')
    assert (await model.complete(ask())).text == "a\N{GRINNING FACE}b\N{REPLACEMENT CHARACTER}"


async def test_a_slow_endpoint_times_out_and_the_next_call_works(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = lambda call: Reply("late", delay=5 if call.index == 0 else 0)
    with pytest.raises(ModelUnavailable, match=r"no answer in 0\.1 seconds"):
        await model.complete(ask(timeout=0.1))
    assert (await model.complete(ask())).text == "late"


async def test_a_trickling_answer_times_out_as_a_whole() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        try:
            while not writer.is_closing():
                writer.write(b" ")
                await asyncio.sleep(0.05)
        finally:
            writer.close()

    listener = await asyncio.start_server(trickle, "127.0.0.1", 0)
    async with listener, connected(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}") as model:
        with pytest.raises(ModelUnavailable, match="no answer"):
            await model.complete(ask(timeout=0.3))


@pytest.fixture
def many_files() -> Iterator[None]:
    """Room for both ends of a thousand connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2_500:
        pytest.skip("this machine does not allow 2,500 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2_500), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
async def test_a_thousand_calls_are_in_flight_at_once(server: ScriptedModel, model: OpenAIChatModel) -> None:
    def answer_when_all_are_there(call: Call) -> Reply:
        if call.index == 999:
            server.gate.set()
        return Reply(call.last)

    server.rule = answer_when_all_are_there
    server.gate.clear()
    answers = await asyncio.gather(*(model.complete(ask(str(number), timeout=60)) for number in range(1_000)))
    assert [answer.text for answer in answers] == [str(number) for number in range(1_000)]
    assert server.most_in_flight == 1_000


async def test_short_waits_are_waited_out(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = lambda call: (
        Reply(status=429, headers={"retry-after-ms": "20"}) if call.index < 2 else Reply("at last")
    )
    assert (await complete_with_short_waits(model, ask())).text == "at last"
    assert server.total == 3
