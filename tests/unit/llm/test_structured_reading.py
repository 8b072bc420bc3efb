"""Reading an object out of what a model answers."""

import time

import pytest
from pydantic import BaseModel

from shared.llm.port import Completion, CompletionRequest, Message
from shared.llm.structured import UnusableAnswer, structured


class Note(BaseModel):
    text: str
    stars: int


async def read(answer: str) -> Note:
    async def complete(request: CompletionRequest) -> Completion:
        return Completion(answer, "m", "stop", 1, 1)

    return await structured(complete, CompletionRequest((Message(role="user", content="?"),), "m"), Note, repairs=0)


@pytest.mark.parametrize(
    "answer",
    [
        '{"text": "a}b", "stars": 2}',
        '```json\n{"text": "a}b", "stars": 2}\n```',
        'Sure! Here it is:\n{"text": "a}b", "stars": 2}\nAnything {else}?',
        '<think>{hm} {"text": 1}</think> {"text": "a}b", "stars": 2} {"text": "later", "stars": 5}',
        '[{"text": "a}b", "stars": "2", "extra": {"text": "no", "stars": 0}}]',
        '{"text": "a}b", "stars": 2,}',
        '{text: "a}b", "stars": 2}',
        '{"n": 1} ' * 30 + '{"text": "a}b", "stars": 2}',
        '{"n": 1} ' * 30 + '{"text": "a}b", "stars": 2,}',
        "{a set} " * 25 + '{"text": "a}b", "stars": 2}',
        "{a set} " * 25 + '{"text": "a}b", "stars": 2,}',
        'It is {"text": "a}b", // the text\n "stars": 2} as you see.',
    ],
)
async def test_finds_the_object_in_what_surrounds_it(answer: str) -> None:
    assert await read(answer) == Note(text="a}b", stars=2)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("", "no complete JSON object"),
        ('{"text": "a", "sta', "no complete JSON object"),
        ('{"text": "a"}', "stars: Field required"),
        ('{"text": {"text": "a", "stars": 2}, "stars": 2}', "text: Input should be a valid string"),
        ('{"text": "half a sentence, "stars": 2', "no complete JSON object"),
        ('{"notes": [{"text": "a", "stars": 2}, {"text": "b", "st', "no complete JSON object"),
        ('{"text": "' + "x" * 200_000 + '", "stars": 2}', "no complete JSON object"),
        ('{"text": "a", "stars": ' + "9" * 5_000 + "}", "stars: Unable to parse"),
    ],
)
async def test_says_what_is_wrong(answer: str, problem: str) -> None:
    with pytest.raises(UnusableAnswer) as caught:
        await read(answer)
    assert problem in caught.value.problem
    assert len(caught.value.problem) < 1_000


async def test_line_breaks_inside_a_string_are_kept() -> None:
    assert await read('{"text": "one\ntwo", "stars": 2}') == Note(text="one\ntwo", stars=2)


@pytest.mark.parametrize("half", ["\\ud83d", "\ud83d"])
async def test_half_a_surrogate_pair_is_replaced(half: str) -> None:
    assert await read(f'{{"text": "a{half}", "stars": 2}}') == Note(text="a\N{REPLACEMENT CHARACTER}", stars=2)


@pytest.mark.parametrize(
    "answer",
    [
        "{" * 200_000,
        "{" * 60 + "}" * 60 + "{,}" * 30_000,
        '{"a":1,' * 9_000 + "}" * 9_000,
        '{"a":' * 40_000,
        '{"a":[' * 30_000,
        '{"a": "' * 25_000,
    ],
)
async def test_hostile_text_is_given_up_on_quickly(answer: str) -> None:
    started = time.process_time()
    with pytest.raises(UnusableAnswer):
        await read(answer)
    assert time.process_time() - started < 1.0
