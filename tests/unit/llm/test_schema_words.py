"""Bounds and shapes in words."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from shared.llm.schema import strict_schema
from shared.llm.schema_words import bounds_in_words, shape_in_words


class Part(BaseModel):
    title: str = Field(min_length=1, max_length=80)
    size: int = Field(ge=0, lt=10)


class Plan(BaseModel):
    parts: list[Part] = Field(min_length=1, max_length=5)
    notes: list[Annotated[str, Field(max_length=40)]]
    kind: Literal["a", "b"]
    reason: Annotated[str, Field(max_length=30)] | None


def test_every_bound_is_said_with_the_field_it_holds_for() -> None:
    assert bounds_in_words(strict_schema(Plan)) == (
        "Bounds: `parts` 1 to 5 entries; `parts[].title` 1 to 80 characters; `parts[].size` from 0 below 10; "
        "`notes[]` at most 40 characters; `reason` at most 30 characters."
    )


def test_without_bounds_nothing_is_said() -> None:
    class Free(BaseModel):
        text: str

    assert bounds_in_words(strict_schema(Free)) == ""


def test_the_shape_names_every_field() -> None:
    told = shape_in_words(strict_schema(Plan))
    assert all(f'"{name}"' in told for name in Plan.model_fields)
