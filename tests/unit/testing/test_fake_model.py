"""The fake model answers as it is told, and refuses what an endpoint would refuse."""

import pytest
from pydantic import BaseModel, Field, ValidationError

from shared.actions.context import Model
from shared.errors import ModelError
from shared.llm.port import Message
from shared.llm.prompting import Example, Section
from shared.testing import FakeModel


class Colour(BaseModel):
    name: str = Field(max_length=10)


class Free(BaseModel):
    weights: dict[str, int]


SECTIONS = [Section("Directive", "Name a colour"), Section("What is known", "")]


async def ask(model: Model) -> Colour:
    return await model.ask("name", "You name colours.", SECTIONS, Colour, tokens=40)


@pytest.mark.parametrize("answer", [{"name": "red"}, '{"name": "red"}', Colour(name="red")])
async def test_an_answer_has_the_shape_that_was_asked_for(answer: dict[str, object] | str | Colour) -> None:
    assert await ask(FakeModel(answer)) == Colour(name="red")


async def test_answers_come_in_their_order_and_calls_are_kept() -> None:
    model = FakeModel({"name": "red"}, "Blue is a colour.")
    await ask(model)
    assert model.unused == 1
    assert await model.write("praise", "You praise.", SECTIONS) == "Blue is a colour."
    assert model.unused == 0
    assert [(one.purpose, one.tokens) for one in model.asked] == [("name", 40), ("praise", 1_024)]
    assert model.asked[0].prompt == "Directive:\nName a colour"
    assert [message.role for message in model.asked[0].messages] == ["system", "user"]


async def test_messages_that_are_ready_are_kept_as_they_are() -> None:
    model = FakeModel({"name": "red"})
    messages = [Message(role="user", content="Name one")]
    assert await model.ask_messages("name", messages, Colour) == Colour(name="red")
    assert model.asked[0].messages == tuple(messages)


async def test_a_call_more_than_there_are_answers_names_its_purpose() -> None:
    with pytest.raises(AssertionError, match="no answer left for call 1, 'name'"):
        await ask(FakeModel())


async def test_an_error_is_raised() -> None:
    with pytest.raises(ModelError, match="refused"):
        await ask(FakeModel(ModelError("refused")))


async def test_text_is_not_an_object() -> None:
    with pytest.raises(AssertionError, match="praise asks for text"):
        await FakeModel({"name": "red"}).write("praise", "You praise.", SECTIONS)


async def test_an_answer_over_a_bound_is_refused() -> None:
    with pytest.raises(ValidationError, match="at most 10"):
        await ask(FakeModel({"name": "red" * 10}))


async def test_an_output_model_that_no_endpoint_takes_is_refused() -> None:
    with pytest.raises(TypeError, match="free-form keys"):
        await FakeModel({"weights": {}}).ask("weigh", "You weigh.", SECTIONS, Free)


async def test_an_example_that_does_not_fit_the_output_model_is_refused() -> None:
    example = Example("Name one", '{"colour": "red"}')
    with pytest.raises(ValidationError, match="name"):
        await FakeModel({"name": "red"}).ask("name", "You name.", SECTIONS, Colour, examples=[example])
