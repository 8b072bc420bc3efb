"""The strict schema of a pydantic model."""

import json
from enum import Enum
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from shared.llm.schema import strict_schema, without_bounds


class Kind(Enum):
    A = "a"
    B = "b"


class Part(BaseModel):
    """One part."""

    title: str = Field(max_length=5, description="Its title.")
    default: int = 3


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Whole(BaseModel):
    parts: list[Part] = Field(min_length=1, max_length=4)
    main: Part | None = None
    kind: Kind = Field(description="Which kind.")
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]


PART = {
    "description": "One part.",
    "type": "object",
    "properties": {
        "title": {"type": "string", "maxLength": 5, "description": "Its title."},
        "default": {"type": "integer"},
    },
    "required": ["title", "default"],
    "additionalProperties": False,
}


def pet(kind: str) -> dict[str, object]:
    return {
        "type": "object",
        "properties": {"kind": {"type": "string", "const": kind}},
        "required": ["kind"],
        "additionalProperties": False,
    }


def test_is_closed_inlined_and_requires_everything() -> None:
    assert strict_schema(Whole) == {
        "type": "object",
        "properties": {
            "parts": {"type": "array", "items": PART, "minItems": 1, "maxItems": 4},
            "main": {"anyOf": [PART, {"type": "null"}]},
            "kind": {"type": "string", "enum": ["a", "b"], "description": "Which kind."},
            "pet": {"anyOf": [pet("cat"), pet("dog")]},
        },
        "required": ["parts", "main", "kind", "pet"],
        "additionalProperties": False,
    }


def test_is_made_once_for_each_type() -> None:
    assert strict_schema(Whole) is strict_schema(Whole)


def test_without_bounds_keeps_properties_of_such_names() -> None:
    class Odd(BaseModel):
        pattern: str = Field(pattern="a+", min_length=1)
        format: list[Annotated[int, Field(ge=1)]] | None = Field(max_length=3)

    bare = without_bounds(strict_schema(Odd))
    assert bare["properties"] == {
        "pattern": {"type": "string"},
        "format": {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}]},
    }
    assert bare["required"] == ["pattern", "format"]
    assert "minLength" in json.dumps(strict_schema(Odd))


class Tree(BaseModel):
    children: list["Tree"]


class Free(BaseModel):
    anything: dict[str, int]


@pytest.mark.parametrize("output", [Tree, Free])
def test_what_cannot_be_said_strictly_is_refused(output: type[BaseModel]) -> None:
    with pytest.raises(TypeError):
        strict_schema(output)
