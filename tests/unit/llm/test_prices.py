"""The price list."""

from datetime import date

import pytest

from shared.llm.port import Completion
from shared.llm.prices import price_list, price_of, usage_of
from shared.swarm.usage import Usage


def spent(model: str) -> Usage:
    return usage_of(Completion("text", model, "stop", 1_000_000, 500_000))


@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-4o-mini-2024-07-18", "openai/GPT-4o-mini"])
def test_cost_is_tokens_times_price(model: str) -> None:
    usage = spent(model)
    assert usage.cost_usd == pytest.approx(0.15 + 0.60 / 2)
    assert (usage.calls, usage.input_tokens, usage.output_tokens) == (1, 1_000_000, 500_000)


def test_a_name_is_not_mistaken_for_a_longer_one() -> None:
    assert price_of("gpt-5").input != price_of("gpt-5.5").input != price_of("gpt-5.5-pro").input


def test_the_offline_model_costs_nothing_and_that_is_its_price() -> None:
    assert spent("local-small").cost_usd == 0
    assert price_of("local-small").priced


@pytest.mark.parametrize("model", ["somebody-elses-model", "gpt-5-unheard-of", ""])
def test_an_unknown_model_costs_nothing_and_says_so(model: str) -> None:
    assert spent(model).cost_usd == 0
    assert not price_of(model).priced


def test_the_list_says_what_it_is() -> None:
    prices = price_list()
    assert "edit to yours" in prices.note
    assert date.fromisoformat(prices.date)
    names = [price.model for price in prices.models]
    assert len(set(names)) == len(names)
    assert all(price.output >= price.input for price in prices.models)
