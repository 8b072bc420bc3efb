"""What a completion cost, by the price list in `prices.json`."""

import re
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field

from shared.llm.port import Completion
from shared.swarm.usage import Usage

#: The date an endpoint puts behind a model's name, `gpt-4o-2024-08-06`: the price is that of the name.
_DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
_MILLION = 1_000_000


class Price(BaseModel):
    """One model's price in US dollars per million tokens; not `priced` when the list does not know the model."""

    model_config = ConfigDict(frozen=True)

    #: The model's name; `*` stands for any characters.
    model: str
    input: float = Field(ge=0)
    output: float = Field(ge=0)
    priced: bool = True


class PriceList(BaseModel):
    """The price list, with the day it was written; its first row that matches counts."""

    model_config = ConfigDict(frozen=True)

    note: str
    date: str
    unit: str
    models: tuple[Price, ...]


@cache
def price_list() -> PriceList:
    """The price list that lies beside this module."""
    return PriceList.model_validate_json(files("shared.llm").joinpath("prices.json").read_bytes())


@lru_cache(maxsize=1_024)
def price_of(model: str) -> Price:
    """The price of a model; zero and not `priced` when the list does not have it."""
    name = _DATED.sub("", model.lower().removeprefix("openai/"))
    found = (price for price in price_list().models if fnmatchcase(name, price.model))
    return next(found, Price(model=model, input=0, output=0, priced=False))


def usage_of(completion: Completion) -> Usage:
    """What one call used. A model without a price costs 0; `price_of(model).priced` tells that apart."""
    price = price_of(completion.model)
    cost = completion.input_tokens * price.input + completion.output_tokens * price.output
    return Usage(
        calls=1,
        input_tokens=completion.input_tokens,
        output_tokens=completion.output_tokens,
        cost_usd=cost / _MILLION,
    )
