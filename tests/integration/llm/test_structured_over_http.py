"""Structured answers through the adapter and a real HTTP endpoint, bad answers included."""

import json
from dataclasses import replace
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from local.scripted import Call, Reply, ScriptedModel
from shared.adapters.openai import OpenAIChatModel
from shared.errors import ModelError
from shared.llm.port import CompletionRequest, Message
from shared.llm.structured import UnusableAnswer, structured

REQUEST = CompletionRequest((Message(role="user", content="Where to?"),), "m", headers={"x-swarmstar-step": "k"})


class Choice(BaseModel):
    option: Literal["left", "right"]
    confidence: int = Field(ge=0, le=10)


GOOD = {"option": "left", "confidence": 3}


def answers(*contents: object) -> "Script":
    return Script([content if isinstance(content, Reply) else Reply(content) for content in contents])


class Script:
    """Answers the calls with the given replies in turn; a call beyond them is a fault of the test."""

    def __init__(self, replies: list[Reply]) -> None:
        self.replies = replies

    def __call__(self, call: Call) -> Reply:
        return self.replies[call.index]


async def test_a_good_answer_needs_one_call(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = answers(GOOD)
    assert await structured(model.complete, REQUEST, Choice) == Choice(option="left", confidence=3)
    assert server.total == 1
    assert server.calls[0].schema_name == "Choice"
    assert server.calls[0].schema is not None
    assert server.calls[0].schema["required"] == ["option", "confidence"]


async def test_a_bad_answer_is_repaired_by_showing_what_is_wrong(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = answers({"option": "up", "confidence": 3}, GOOD)
    assert (await structured(model.complete, REQUEST, Choice)).option == "left"
    first, second = server.calls
    shown, told = second.messages[-2:]
    assert second.messages[:-2] == first.messages
    assert shown == {"role": "assistant", "content": json.dumps({"option": "up", "confidence": 3})}
    assert "option: Input should be 'left' or 'right'" in told["content"]
    assert second.schema == first.schema
    assert second.step == "k"


async def test_a_second_repair_shows_the_latest_answer_only(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = answers("no idea", {"option": "left"}, GOOD)
    assert (await structured(model.complete, REQUEST, Choice)).confidence == 3
    last = server.calls[-1].messages
    assert [message["role"] for message in last] == ["system", "user", "assistant", "user"]
    assert "confidence: Field required" in last[-1]["content"]


async def test_answers_that_never_fit_end_in_an_error(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = answers("one", "two", "three")
    with pytest.raises(UnusableAnswer, match="no usable Choice after 3 attempt") as caught:
        await structured(model.complete, REQUEST, Choice)
    assert caught.value.problem == "it contains no complete JSON object"
    assert isinstance(caught.value, ModelError)
    assert server.total == 3


async def test_the_number_of_repairs_is_the_callers(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = answers("one")
    with pytest.raises(UnusableAnswer):
        await structured(model.complete, REQUEST, Choice, repairs=0)
    assert server.total == 1


async def test_a_bound_that_is_checked_is_said(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = lambda _: Reply(GOOD)
    await structured(model.complete, REQUEST, Choice)
    await structured(model.complete, REQUEST, Choice, say_bounds=False)
    said, unsaid = server.calls
    assert said.messages[0]["content"] == "Bounds: `confidence` from 0 to 10."
    assert unsaid.messages == said.messages[1:]


async def test_an_object_that_was_cut_off_is_asked_for_with_twice_the_room(
    server: ScriptedModel, model: OpenAIChatModel
) -> None:
    server.rule = answers(Reply('{"option": "le', finish_reason="length"), GOOD)
    assert (await structured(model.complete, REQUEST, Choice)).option == "left"
    assert [call.limit for call in server.calls] == [1_024, 2_048]
    assert server.calls[1].messages == server.calls[0].messages


async def test_an_object_that_is_cut_off_again_goes_on_where_it_stopped(
    server: ScriptedModel, model: OpenAIChatModel
) -> None:
    begun = Reply('{"option": "le', finish_reason="length")
    server.rule = answers(begun, begun, Reply('ft", "confi', finish_reason="length"), 'dence": 7}')
    assert await structured(model.complete, REQUEST, Choice) == Choice(option="left", confidence=7)
    assert [message["role"] for message in server.calls[2].messages][-2:] == ["assistant", "user"]
    assert server.calls[3].messages[-2]["content"] == '{"option": "left", "confi'


async def test_an_object_that_stays_cut_off_is_not_taken_and_that_is_named(
    server: ScriptedModel, model: OpenAIChatModel
) -> None:
    server.rule = lambda _: Reply('{"option": "left", "confidence": 1', finish_reason="length")
    with pytest.raises(UnusableAnswer, match="cut off at the limit of 2048 tokens, be shorter"):
        await structured(model.complete, replace(REQUEST, output_ceiling=2_048, window=2_200), Choice, repairs=1)


async def test_a_content_filter_is_not_argued_with(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = answers(Reply('{"option": "le', finish_reason="content_filter"))
    with pytest.raises(UnusableAnswer, match="content filter"):
        await structured(model.complete, REQUEST, Choice)
    assert server.total == 1


async def test_a_long_bad_answer_does_not_blow_up_the_repair(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = answers("x" * 300_000, GOOD)
    await structured(model.complete, REQUEST, Choice)
    assert len(server.calls[1].messages[-2]["content"]) < 4_100
