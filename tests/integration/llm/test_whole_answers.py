"""Answers that are cut off at their limit, over real HTTP and with a model that thinks."""

from dataclasses import replace
from typing import Literal

import pytest
from pydantic import BaseModel

from local.scripted import Call, Reply, ScriptedModel, thinking
from shared.adapters.openai import OpenAIChatModel
from shared.llm.port import CompletionRequest, Message
from shared.llm.structured import structured
from shared.llm.whole import Whole, complete_whole, joined

REQUEST = CompletionRequest((Message(role="user", content="Write."),), "m", max_output_tokens=300)
#: 4,000 characters, 1,000 tokens, no part of which repeats another.
DOCUMENT = "".join(f"Line {number:04d} of it.\n" for number in range(200))[:4_000]


class Direction(BaseModel):
    option: Literal["left", "right"]


async def test_a_text_that_was_cut_off_goes_on_with_twice_the_room(
    server: ScriptedModel, model: OpenAIChatModel
) -> None:
    server.rule = thinking(lambda _: Reply(DOCUMENT), 100, 100)
    assert await complete_whole(model.complete, REQUEST) == Whole(DOCUMENT)
    assert [call.limit for call in server.calls] == [300, 600, 600]


async def test_a_model_that_thought_all_of_its_tokens_is_asked_again(
    server: ScriptedModel, model: OpenAIChatModel
) -> None:
    server.rule = thinking(lambda _: Reply("Short."), 450, 450)
    assert await complete_whole(model.complete, REQUEST) == Whole("Short.")
    assert [call.limit for call in server.calls] == [300, 600]
    assert server.calls[0].messages == server.calls[1].messages


@pytest.mark.parametrize("tokens", [100, 700, 3_000])
async def test_an_object_comes_whole_however_long_the_model_thinks(
    server: ScriptedModel, model: OpenAIChatModel, tokens: int
) -> None:
    server.rule = thinking(lambda _: Reply({"option": "right"}), tokens, tokens)
    request = replace(REQUEST, max_output_tokens=2_000)
    assert (await structured(model.complete, request, Direction)).option == "right"


async def test_a_model_that_only_thinks_gives_no_answer(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = thinking(lambda _: Reply("Never."), 9_000, 9_000)
    whole = await complete_whole(model.complete, REQUEST)
    assert (whole.text, whole.cut) == ("", "it was cut off at the limit of 600 tokens")
    assert server.total == 2


async def test_a_text_without_end_is_never_whole(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = lambda call: Reply(f"{call.index} and on, ", finish_reason="length")
    whole = await complete_whole(model.complete, REQUEST)
    assert whole.text.startswith("0 and on, 1 and on, ")
    assert whole.cut
    assert server.total == 9


async def test_a_text_that_fills_the_window_is_not_gone_on_with(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = lambda _: Reply("x" * 1_200, finish_reason="length")
    assert (await complete_whole(model.complete, replace(REQUEST, window=500))).cut
    assert server.total == 1


async def test_a_text_that_a_filter_stopped_is_not_whole(server: ScriptedModel, model: OpenAIChatModel) -> None:
    server.rule = lambda _: Reply("The begin", finish_reason="content_filter")
    whole = await complete_whole(model.complete, REQUEST)
    assert whole == Whole("The begin", cut="the endpoint's content filter stopped it", filtered=True)
    assert server.total == 1


@pytest.mark.parametrize("reason", ["max_tokens", "MAX_TOKENS", "model_length"])
async def test_other_names_of_the_limit_are_known(server: ScriptedModel, model: OpenAIChatModel, reason: str) -> None:
    server.rule = lambda call: Reply("one ", finish_reason=reason) if call.index == 0 else Reply("two")
    assert await complete_whole(model.complete, REQUEST) == Whole("one two")


async def test_an_answer_without_a_reason_that_used_all_its_tokens_was_cut_off(
    server: ScriptedModel, model: OpenAIChatModel
) -> None:
    def answer(call: Call) -> Reply:
        if call.index:
            return Reply("two")
        unsaid = {"choices": [{"message": {"content": "one "}, "finish_reason": None}]}
        return Reply(body=unsaid, output_tokens=300)

    server.rule = answer
    assert await complete_whole(model.complete, REQUEST) == Whole("one two")


@pytest.mark.parametrize(
    ("text", "rest", "whole"),
    [
        ("The quick bro", "wn fox", "The quick brown fox"),
        ("The quick brown fox ju", "brown fox jumps", "The quick brown fox jumps"),
        ("```python\nx = 1\n", "```python\ny = 2\n```", "```python\nx = 1\ny = 2\n```"),
        ("```python\nx = 1\n", "```\nDone.", "```python\nx = 1\n```\nDone."),
        ("a,b,c\n1,2,3\n1,2,3\n1,2,3\n", "1,2,3\n1,2,3\n4,5,6", "a,b,c\n" + "1,2,3\n" * 5 + "4,5,6"),
        ("Text.", "```python\nx\n```", "Text.```python\nx\n```"),
    ],
)
def test_a_continuation_is_joined_without_what_it_repeats(text: str, rest: str, whole: str) -> None:
    assert joined(text, rest) == whole
