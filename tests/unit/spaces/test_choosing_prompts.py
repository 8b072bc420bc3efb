"""The prompts of routing and what is made of the answers."""

from typing import TypeVar

import pytest
from pydantic import BaseModel, ValidationError

from shared.llm.port import Message
from shared.llm.prompting import estimate_tokens
from shared.spaces.choosing import PROMPT_TOKENS, ChoiceAnswer, messages_for, model_chooser
from shared.spaces.excerpt import excerpt
from shared.spaces.router import Choice, Option

T = TypeVar("T", bound=BaseModel)


def options(count: int, description: str = "what it does") -> list[Option]:
    return [
        Option(number=n, id=f"o{n}", kind="leaf", name=f"Option {n}", description=description, path=("A", "B"))
        for n in range(1, count + 1)
    ]


async def test_the_model_sees_numbered_options_and_its_answer_is_the_choice() -> None:
    seen: list[tuple[Message, ...]] = []

    async def ask(messages: tuple[Message, ...], output: type[T], /) -> T:
        seen.append(messages)
        return output.model_validate({"best": 2, "unviable": [1], "confidence": "low"})

    group = Option(number=3, id="g", kind="group", name="x – y", description="One of: x; y")
    choice = await model_chooser(ask)("find the pot", [*options(2), group])
    assert choice == Choice(best=2, unviable=(1,), confidence="low")
    asked = seen[0][-1].content
    assert "find the pot" in asked
    assert "2. Option 2 (in A / B) - what it does\n3. [folder] x – y - One of: x; y\n0. None of these" in asked
    assert [message.role for message in seen[0]] == ["system", "user", "assistant", "user", "assistant", "user"]


def test_a_prompt_has_a_bound_whatever_the_query() -> None:
    messages = messages_for("need " * 20_000, options(12, "d" * 400))
    assert sum(estimate_tokens(message.content) for message in messages) < PROMPT_TOKENS + 200
    assert "12. Option 12" in messages[-1].content
    assert "0. None of these" in messages[-1].content


def test_the_examples_are_valid_answers() -> None:
    for message in messages_for("x", options(2)):
        if message.role == "assistant":
            ChoiceAnswer.model_validate_json(message.content)


@pytest.mark.parametrize(
    ("best", "number"),
    [
        ("Write text", 2),
        (" write TEXT ", 2),
        ("[folder] write text", 2),
        ("Write text (in A / B) - what it does", 2),
        ("2. Write text", 2),
        ("3", 3),
        (3, 3),
        ("2 of 3", 3),
        ("None of these", 0),
        ("Write", 0),
        ("0", 0),
    ],
)
async def test_an_answer_means_an_option_by_its_name_or_its_number(best: object, number: int) -> None:
    async def ask(messages: tuple[Message, ...], output: type[T], /) -> T:
        return output.model_validate({"best": best, "unviable": [], "confidence": "high"})

    names = ["Write", "Write text", "2 of 3"]
    shown = [Option(number=n, id=f"o{n}", kind="leaf", name=name, description="") for n, name in enumerate(names, 1)]
    shown = [option for option in shown if number or option.number > 1]
    assert (await model_chooser(ask)("a request", shown)).best == number


@pytest.mark.parametrize("answer", [{"best": -1, "confidence": "low"}, {"best": 1, "confidence": "sure"}])
def test_answers_of_another_shape_are_refused(answer: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ChoiceAnswer.model_validate(answer)


def test_an_excerpt_keeps_what_bears_on_the_query_in_order() -> None:
    noise = [f"Paragraph {n} speaks about the weather and nothing else at all." for n in range(200)]
    noise[20] = "The ferry leaves Rotterdam at noon."
    noise[150] = "The ferry arrives in Hull at night."
    found = excerpt("\n\n".join(noise), "When does the ferry from Rotterdam arrive in Hull?", 60)
    assert found.index("Rotterdam at noon") < found.index("Hull at night")
    assert estimate_tokens(found) <= 60
    assert excerpt("short", "anything", 60) == "short"
    assert estimate_tokens(excerpt("x" * 10_000, "y", 60)) <= 62
