"""What each model can take and give: the table `models.json`, matched by name, and the limits that follow from it."""

import re
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.llm.port import Effort

#: The date an endpoint puts behind a model's name, `gpt-4o-2024-08-06`: the row is that of the name.
_DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
#: How much more room a model gets to think at each effort, beside `thinking`.
_EFFORTS: dict[Effort, int] = {"low": 1, "medium": 2, "high": 4}
#: Tokens of an answer that the smallest models give; what a purpose needs is written for these.
_SMALL_OUTPUT = 1_024
#: By how much a model that can write more may exceed what a purpose needs on the smallest.
_MOST_SCALE = 8
#: A prompt's part of the window, and up to which size it may have half of it.
_PROMPT_PART = 4
_HALVED_UP_TO = 16_000

#: How a model takes tools: in the protocol's own words, as one JSON object a step, or not at all.
Tools = Literal["native", "json", "none"]
#: How a model is held to a shape: by a JSON schema, to any JSON object, or in words alone.
Structured = Literal["schema", "object", "text"]


class Price(BaseModel):
    """US dollars per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    #: Of input that the endpoint had cached; as other input where it is not known.
    cached: float | None = Field(default=None, ge=0)


class ModelProfile(BaseModel):
    """One row of the table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: The model's name; `*` stands for any characters.
    model: str
    #: Tokens that a prompt and its answer may have together.
    window: int = Field(ge=1_024)
    #: The most tokens of one answer, with what the model thinks before it.
    output: int = Field(ge=100)
    #: Tokens that a prompt may have; None takes a part of the window.
    prompt: int | None = Field(default=None, ge=500)
    #: Whether it thinks before it answers, out of the same tokens, and how it is told how much.
    reasons: bool
    effort: Literal["reasoning_effort", "none"] = "none"
    #: Room to think at low effort, in tokens; twice that at medium, four times at high.
    thinking: int = Field(default=4_000, ge=0)
    tools: Tools
    structured: Structured
    #: None where the list does not know it: such calls cost 0.
    price: Price | None = None

    @property
    def prompt_tokens(self) -> int:
        """Tokens that a prompt may have: half of a small window, a quarter of a large one."""
        if self.prompt is not None:
            return min(self.prompt, self.window)
        return max(min(self.window // 2, _HALVED_UP_TO), self.window // _PROMPT_PART)

    def share(self, part: float) -> int:
        """A part of the prompt's tokens, such as 0.25 for what memory may fill."""
        return int(self.prompt_tokens * part)

    def visible(self, least: int) -> int:
        """Tokens of an answer for a purpose that needs `least` of the smallest model; more where there is room."""
        return min(least * min(_MOST_SCALE, max(1, self.output // _SMALL_OUTPUT)), self.output)

    def room(self, visible: int, effort: Effort) -> int:
        """The limit of a completion: so many visible tokens, and room to think if the model does."""
        return min(visible + (self.thinking * _EFFORTS[effort] if self.reasons else 0), self.output)


class ModelTable(BaseModel):
    """The table of models, with the day it was written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    note: str
    date: str
    unit: str
    models: tuple[ModelProfile, ...]


@cache
def model_table() -> ModelTable:
    """The table that lies beside this module."""
    return ModelTable.model_validate_json(files("shared.llm").joinpath("models.json").read_bytes())


@lru_cache(maxsize=1_024)
def profile_of(model: str) -> ModelProfile:
    """The first row that matches a model's name; the last row matches every name."""
    name = _DATED.sub("", model.lower().removeprefix("openai/"))
    return next(row for row in model_table().models if fnmatchcase(name, row.model))


def overridden(profile: ModelProfile, **fields: Any) -> ModelProfile:
    """The profile with those fields replaced that are not None. Raises `ValueError` for what a profile cannot hold."""
    told = {name: value for name, value in fields.items() if value is not None}
    return ModelProfile.model_validate(profile.model_dump() | told) if told else profile
