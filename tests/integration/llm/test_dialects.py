"""Every dialect that endpoints speak, over real HTTP: each is understood, and learned once."""

import json
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from local.scripted import DIALECTS, Call, Calling, Reply, ScriptedModel, speaking
from shared.adapters.openai import OpenAIChatModel
from shared.errors import ModelError, ModelUnavailable
from shared.llm.port import CompletionRequest, Message, Tool
from shared.llm.structured import structured

TOOL = Tool("look", "Look somewhere.", {"type": "object", "properties": {"where": {"type": "string"}}})


class Direction(BaseModel):
    option: Literal["left", "right"]


def request(model: str = "gpt-5-mini", **more: Any) -> CompletionRequest:
    return CompletionRequest((Message(role="user", content="Where to?"),), model, effort="low", **more)


def direct(call: Call) -> Reply:
    """A model that calls the tool if it has one, and answers in the shape that it was told of."""
    if call.tools:
        return Reply("", calls=[Calling("look", {"where": "north"})])
    if call.schema_name == "Step" or '"tool"' in call.messages[0]["content"]:
        return Reply({"tool": "look", "arguments": {"where": "north"}})
    return Reply({"option": "left"})


@pytest.mark.parametrize("model_name", ["gpt-5-mini", "unheard-of"])
@pytest.mark.parametrize("name", DIALECTS)
async def test_an_object_and_a_tool_call_come_through(
    server: ScriptedModel, model: OpenAIChatModel, name: str, model_name: str
) -> None:
    server.rule = speaking(direct, name)
    assert (await structured(model.complete, request(model_name), Direction)).option == "left"
    called = (await model.complete(request(model_name, tools=(TOOL,)))).tool_calls
    assert [(call.name, call.values()) for call in called] == [("look", {"where": "north"})]
    before = server.total
    await structured(model.complete, request(model_name), Direction)
    await model.complete(request(model_name, tools=(TOOL,)))
    assert server.total == before + 2, "what was learned is asked for again"


async def test_an_old_server_that_refuses_everything_new_is_understood(
    server: ScriptedModel, model: OpenAIChatModel
) -> None:
    names = (
        "older limit",
        "no effort",
        "no format, by message",
        "no tools, by message",
        "thinking in tags",
        "no usage",
    )
    server.rule = speaking(direct, *names)
    assert (await structured(model.complete, request(), Direction)).option == "left"
    assert (await model.complete(request(tools=(TOOL,)))).tool_calls[0].values() == {"where": "north"}


async def test_a_weaker_form_tells_the_shape_in_words(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = speaking(direct, "no format, by message")
    await structured(model.complete, request(), Direction)
    schema, any_object, words = server.calls
    assert schema.body["response_format"]["type"] == "json_schema"
    assert any_object.body["response_format"] == {"type": "json_object"}
    assert "response_format" not in words.body
    assert '"option"' in words.last
    assert words.last.startswith("Where to?")


async def test_two_models_of_one_endpoint_are_learned_apart(server: ScriptedModel, model: OpenAIChatModel) -> None:
    picky = speaking(direct, "no schema, by param")
    server.rule = lambda call: picky(call) if call.model == "picky" else direct(call)
    for name in ("picky", "easy", "picky", "easy"):
        await structured(model.complete, request(name), Direction)
    shapes = [call.body["response_format"]["type"] for call in server.calls]
    assert shapes == ["json_schema", "json_object", "json_schema", "json_object", "json_schema"]


async def test_a_refusal_without_words_is_not_put_down_to_what_worked_before(
    server: ScriptedModel, model: OpenAIChatModel
) -> None:
    server.rule = direct
    await structured(model.complete, request(), Direction)
    server.rule = lambda _: Reply(status=400, rubbish=b"{}")
    with pytest.raises(ModelError, match="400"):
        await structured(model.complete, request(), Direction)
    assert server.total == 2
    server.rule = direct
    await structured(model.complete, request(), Direction)
    assert server.calls[-1].body["response_format"]["type"] == "json_schema"


async def test_a_refusal_without_words_that_passes_teaches_nothing(
    server: ScriptedModel, model: OpenAIChatModel
) -> None:
    server.rule = lambda call: Reply(status=400, rubbish=b"{}") if call.index == 0 else direct(call)
    for _ in range(3):
        assert (await structured(model.complete, request(), Direction)).option == "left"
        assert server.calls[-1].body["response_format"]["type"] == "json_schema"


async def test_a_refusal_that_nothing_helps_against_teaches_nothing(
    server: ScriptedModel, model: OpenAIChatModel
) -> None:
    server.rule = lambda _: Reply(status=400, rubbish=b"")
    with pytest.raises(ModelError, match="400"):
        await structured(model.complete, request(), Direction)
    assert server.total <= 8
    server.rule = direct
    await structured(model.complete, request(), Direction)
    assert server.calls[-1].body["response_format"]["type"] == "json_schema"


@pytest.mark.parametrize("code", ["content_filter", "invalid_api_key", "model_not_found"])
async def test_a_refusal_of_what_is_asked_is_not_asked_otherwise(
    server: ScriptedModel, model: OpenAIChatModel, code: str
) -> None:
    server.rule = lambda _: Reply({"message": "no", "code": code}, status=400)
    with pytest.raises(ModelError, match="400: no"):
        await structured(model.complete, request(), Direction)
    assert server.total == 1


async def test_a_smaller_window_is_learned(server: ScriptedModel, model: OpenAIChatModel) -> None:
    told = (
        "This model's maximum context length is 2048 tokens. However, you requested 4010 tokens (10 in the messages)."
    )
    server.rule = lambda call: Reply(told, status=400) if (call.limit or 0) > 2_038 else Reply("fine")
    assert (await model.complete(request(max_output_tokens=4_000))).text == "fine"
    assert 1_900 < (server.calls[1].limit or 0) <= 2_038


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "upstream is busy", "code": 429}}, "upstream is busy"),
        ({"error": {"message": "upstream is busy", "code": "503"}}, "upstream is busy"),
        ({"error": {"message": "try later", "type": "overloaded_error"}}, "try later"),
        ({"choices": [{"error": {"message": "provider failed", "code": 502}}]}, "provider failed"),
        ({"choices": [], "detail": "no worker"}, "no worker"),
    ],
)
async def test_an_error_in_an_answer_of_status_200_is_tried_again_by_its_code(
    server: ScriptedModel, model: OpenAIChatModel, body: dict[str, Any], words: str
) -> None:
    server.rule = lambda call: Reply(rubbish=json.dumps(body).encode()) if call.index == 0 else Reply("fine")
    with pytest.raises(ModelUnavailable, match=words):
        await model.complete(request())
    assert (await model.complete(request())).text == "fine"


async def test_an_error_in_an_answer_of_status_200_fails_with_its_words(
    server: ScriptedModel, model: OpenAIChatModel
) -> None:
    server.rule = lambda _: Reply(rubbish=b'{"error": {"message": "no such model here", "code": 404}}')
    with pytest.raises(ModelError, match="no such model here"):
        await model.complete(request())


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (
            502,
            b"<html><head><title>502 Bad Gateway</title></head><body><h1>nginx</h1></body></html>",
            "502 Bad Gateway",
        ),
        (503, b"<html><style>p{}</style><p>Back&nbsp;soon &amp; well</p></html>", "Back soon & well"),
        (500, b'{"detail": [{"loc": ["body"], "msg": "worker died"}]}', "worker died"),
        (500, b"plain words", "plain words"),
        (500, b'{"message": "half a pair: \\ud83d"}', "half a pair: \N{REPLACEMENT CHARACTER}"),
    ],
)
async def test_an_error_is_told_in_its_words_whatever_its_form(
    server: ScriptedModel, model: OpenAIChatModel, status: int, body: bytes, words: str
) -> None:
    server.rule = lambda _: Reply(status=status, rubbish=body)
    with pytest.raises(ModelUnavailable) as caught:
        await model.complete(request())
    assert words in str(caught.value)
    assert "<" not in str(caught.value)


async def test_html_of_status_200_is_a_passing_fault_at_first(server: ScriptedModel, model: OpenAIChatModel) -> None:
    page = b"<html><title>Please sign in</title></html>"
    server.rule = lambda call: Reply(rubbish=page) if call.index < 2 else Reply("fine")
    for _ in range(2):
        with pytest.raises(ModelUnavailable, match="Please sign in"):
            await model.complete(request())
    assert (await model.complete(request())).text == "fine"


async def test_an_endpoint_that_keeps_refusing_is_left_alone_for_longer_and_longer(
    server: ScriptedModel, model: OpenAIChatModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr(model._backoff, "_clock", lambda: now)
    server.rule = lambda _: Reply("slow down", status=429)
    waits = []
    for _ in range(5):
        with pytest.raises(ModelUnavailable) as caught:
            await model.complete(request())
        waits.append(caught.value.retry_after)
        now += 200
    assert all(0.75 * 2**n <= wait <= 1.25 * 2**n for n, wait in enumerate(waits, 1))


@pytest.mark.parametrize("place", ["refusal", "model", "finish_reason", "content", "arguments", "nested"])
async def test_half_a_surrogate_pair_is_made_encodable_wherever_it_stands(
    server: ScriptedModel, model: OpenAIChatModel, place: str
) -> None:
    half = "a\ud83d"
    choice: dict[str, Any] = {"message": {"content": "x"}, "finish_reason": "stop"}
    body: dict[str, Any] = {"choices": [choice], "model": "m"}
    if place == "model":
        body["model"] = half
    elif place == "finish_reason":
        choice["finish_reason"] = half
    elif place == "arguments":
        arguments = json.dumps({"where": half})
        choice["message"]["tool_calls"] = [{"id": half, "function": {"name": "look", "arguments": arguments}}]
    elif place == "nested":
        choice["message"]["content"] = json.dumps({"option": "left", "why": half})
    else:
        choice["message"][place] = half
    server.rule = lambda _: Reply(rubbish=json.dumps(body).encode())
    try:
        answer = await model.complete(request(tools=(TOOL,) if place == "arguments" else ()))
    except ModelError as error:
        str(error).encode()
        assert place == "refusal"
    else:
        assert (answer.model + answer.finish_reason + answer.text).encode()
        assert all(json.dumps(call.values(), ensure_ascii=False).encode() for call in answer.tool_calls)
        assert all(call.id.encode() for call in answer.tool_calls)


async def test_a_nul_in_an_answer_is_kept(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = lambda _: Reply("a\x00b")
    assert (await model.complete(request())).text == "a\x00b"
