"""Conversations with tools, native and in JSON steps, over real HTTP."""

from dataclasses import replace
from typing import Any

import pytest

from local.scripted import Call, Calling, Reply, ScriptedModel
from shared.adapters.openai import OpenAIChatModel
from shared.adapters.openai.answer import MAX_CALLS
from shared.llm.port import CompletionRequest, Message, Tool, ToolCall
from shared.llm.profiles import overridden, profile_of

READ = Tool("read_file", "Read a file.", {"type": "object", "properties": {"path": {"type": "string"}}})
WRITE = Tool("write_file", "Write a file.", {"type": "object", "properties": {"path": {"type": "string"}}})
REQUEST = CompletionRequest(
    (Message(role="system", content="You work."), Message(role="user", content="Begin.")), "m", tools=(READ, WRITE)
)


def told(message: Message, request: CompletionRequest = REQUEST) -> CompletionRequest:
    return replace(request, messages=(*request.messages, message))


async def test_tools_travel_and_calls_come_back_in_their_order(server: ScriptedModel, model: OpenAIChatModel) -> None:
    made = [Calling("read_file", {"path": "a"}, id="x1"), Calling("write_file", {"path": "b"}, id="x2")]
    server.rule = lambda _: Reply("Two at once.", calls=made)
    answer = await model.complete(REQUEST)
    assert answer.text == "Two at once."
    assert answer.finish_reason == "tool_calls"
    assert answer.tool_calls == (
        ToolCall(id="x1", name="read_file", arguments='{"path": "a"}'),
        ToolCall(id="x2", name="write_file", arguments='{"path": "b"}'),
    )
    assert server.calls[0].tools == ["read_file", "write_file"]
    assert "stream" not in server.calls[0].body
    assert server.calls[0].body["tools"][0] == {
        "type": "function",
        "function": {"name": "read_file", "description": "Read a file.", "parameters": READ.parameters},
    }


async def test_results_go_back_to_the_calls_they_answer(server: ScriptedModel, model: OpenAIChatModel) -> None:
    call = ToolCall(id="x1", name="read_file", arguments='{"path": "a"}')
    broken = ToolCall(id="x2", name="read_file", arguments='{"path": "', error="cut off")
    said = Message(role="assistant", content="", tool_calls=(call, broken))
    results = [Message(role="tool", content=text, tool_call_id=f"x{n}") for n, text in enumerate(("one", "no"), 1)]
    await model.complete(replace(REQUEST, messages=(*REQUEST.messages, said, *results)))
    assert server.calls[0].messages[2:] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "x1", "type": "function", "function": {"name": "read_file", "arguments": '{"path": "a"}'}},
                {"id": "x2", "type": "function", "function": {"name": "read_file", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "content": "one", "tool_call_id": "x1"},
        {"role": "tool", "content": "no", "tool_call_id": "x2"},
    ]


@pytest.mark.parametrize("given", [None, "", "same"])
async def test_ids_are_unique_in_the_conversation(
    server: ScriptedModel, model: OpenAIChatModel, given: str | None
) -> None:
    made = [Calling("read_file", {}, id=given or "") for _ in range(2)]
    server.rule = lambda _: Reply("", calls=made)
    first = await model.complete(REQUEST)
    second = await model.complete(told(Message(role="assistant", content="", tool_calls=first.tool_calls)))
    ids = [call.id for call in (*first.tool_calls, *second.tool_calls)]
    assert len(set(ids)) == 4
    assert all(ids)


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ("", {}),
        ('{"path": "a\nb"}', {"path": "a\nb"}),
        ('{"path": "a",}', {"path": "a"}),
        ('{"path": "\\ud83d"}', {"path": "\N{REPLACEMENT CHARACTER}"}),
    ],
)
async def test_small_faults_in_arguments_are_mended(
    server: ScriptedModel, model: OpenAIChatModel, arguments: str, values: dict[str, Any]
) -> None:
    server.rule = lambda _: Reply("", calls=[Calling("read_file", arguments)])
    (call,) = (await model.complete(REQUEST)).tool_calls
    assert (call.values(), call.error) == (values, "")


async def test_arguments_may_come_as_an_object(server: ScriptedModel, model: OpenAIChatModel) -> None:
    made = [{"function": {"name": "read_file", "arguments": {"path": "ü"}}}]
    server.rule = lambda _: Reply("", message={"content": None, "tool_calls": made})
    (call,) = (await model.complete(REQUEST)).tool_calls
    assert call.values() == {"path": "ü"}


async def test_the_older_form_of_a_call_is_read(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = lambda _: Reply("", message={"function_call": {"name": "read_file", "arguments": '{"path": "a"}'}})
    (call,) = (await model.complete(REQUEST)).tool_calls
    assert (call.name, call.values()) == ("read_file", {"path": "a"})


@pytest.mark.parametrize("arguments", ["no json", "[1]", "3"])
async def test_arguments_that_are_no_object_are_an_error_to_answer(
    server: ScriptedModel, model: OpenAIChatModel, arguments: str
) -> None:
    server.rule = lambda _: Reply("", calls=[Calling("read_file", arguments)])
    (call,) = (await model.complete(REQUEST)).tool_calls
    assert "no JSON object" in call.error
    with pytest.raises(ValueError, match="no JSON object"):
        call.values()


async def test_a_call_that_was_cut_off_is_an_error_and_those_before_it_are_not(
    server: ScriptedModel, model: OpenAIChatModel
) -> None:
    made = [Calling("read_file", {"path": "a"}), Calling("write_file", '{"path": "b", "text": "half a')]
    server.rule = lambda _: Reply("", calls=made, finish_reason="length")
    whole, cut = (await model.complete(REQUEST)).tool_calls
    assert whole.error == ""
    assert "cut off" in cut.error


async def test_calls_beyond_the_bound_are_answered_as_errors(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = lambda _: Reply("", calls=[Calling("read_file", {"path": str(n)}) for n in range(MAX_CALLS + 2)])
    calls = (await model.complete(REQUEST)).tool_calls
    assert [bool(call.error) for call in calls] == [False] * MAX_CALLS + [True] * 2


async def test_a_name_that_is_no_name_is_made_one(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = lambda _: Reply("", calls=[Calling("functions.read file" + "x" * 99, {})])
    (call,) = (await model.complete(REQUEST)).tool_calls
    assert call.name == ("functions_read_file" + "x" * 99)[:64]


async def test_a_model_without_tools_works_in_json_steps(server: ScriptedModel) -> None:
    def answer(call: Call) -> Reply:
        return Reply({"tool": "read_file", "arguments": {"path": "a"}} if call.index == 0 else {"done": True})

    server.rule = answer
    model = OpenAIChatModel(server.base_url, "k", profiles=lambda name: overridden(profile_of(name), tools="json"))
    first = await model.complete(REQUEST)
    (call,) = first.tool_calls
    assert (call.name, call.values(), first.text) == ("read_file", {"path": "a"}, "")
    said = Message(role="assistant", content="", tool_calls=first.tool_calls)
    result = Message(role="tool", content="its text", tool_call_id=call.id)
    second = await model.complete(replace(REQUEST, messages=(*REQUEST.messages, said, result)))
    await model.close()
    assert second.tool_calls == ()
    asked, again = server.calls
    assert "tools" not in asked.body
    assert asked.schema is not None
    assert asked.schema["properties"]["tool"]["enum"] == ["read_file", "write_file"]
    assert asked.messages[0]["content"].startswith("You work.\n\nYou work in steps.")
    assert "- write_file: Write a file." in asked.messages[0]["content"]
    assert again.messages[2:] == [
        {"role": "assistant", "content": '{"tool": "read_file", "arguments": {"path": "a"}}'},
        {"role": "user", "content": "Result of read_file:\nits text"},
    ]


async def test_an_endpoint_without_tools_is_asked_in_json_steps_from_then_on(
    server: ScriptedModel, model: OpenAIChatModel
) -> None:
    def answer(call: Call) -> Reply:
        if call.tools:
            return Reply({"message": "tools is not supported", "param": "tools"}, status=400)
        return Reply({"tool": "write_file", "arguments": {}})

    server.rule = answer
    for _ in range(2):
        assert (await model.complete(REQUEST)).tool_calls[0].name == "write_file"
    assert [bool(call.tools) for call in server.calls] == [True, False, False]
