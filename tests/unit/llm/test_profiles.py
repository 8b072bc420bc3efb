"""The table of models: prices, limits, and what follows from them."""

from datetime import date

import pytest

from shared.llm.port import Completion
from shared.llm.prices import price_of, usage_of
from shared.llm.profiles import ModelProfile, Price, model_table, overridden, profile_of
from shared.swarm.usage import Usage


def spent(model: str, asked: str | None = None, cached: int = 0) -> Usage:
    completion = Completion("text", model, "stop", 1_000_000, 500_000, cached_tokens=cached)
    return usage_of(completion, profile_of(asked) if asked else None)


@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-4o-mini-2024-07-18", "openai/GPT-4o-mini"])
def test_cost_is_tokens_times_price(model: str) -> None:
    usage = spent(model)
    assert usage.cost_usd == pytest.approx(0.15 + 0.60 / 2)
    assert (usage.calls, usage.input_tokens, usage.output_tokens) == (1, 1_000_000, 500_000)


def test_cached_input_costs_less_and_is_counted() -> None:
    usage = spent("gpt-5-mini", cached=800_000)
    assert usage.cost_usd == pytest.approx(0.2 * 0.25 + 0.8 * 0.025 + 0.5 * 2)
    assert (usage + usage).cached_tokens == 1_600_000


def test_cached_input_costs_as_other_input_where_its_price_is_not_known() -> None:
    assert spent("gpt-5.5", cached=800_000).cost_usd == pytest.approx(5 + 30 / 2)


def test_a_name_is_not_mistaken_for_a_longer_one() -> None:
    prices = [price_of(name) for name in ("gpt-5", "gpt-5.5", "gpt-5.5-pro")]
    assert None not in prices
    assert len({price.input for price in prices if price}) == 3


def test_the_offline_model_costs_nothing_and_that_is_its_price() -> None:
    assert spent("local-small").cost_usd == 0
    assert price_of("local-small") is not None


@pytest.mark.parametrize("model", ["somebody-elses-model", "gpt-5-unheard-of", ""])
def test_an_unknown_model_costs_nothing_and_says_so(model: str) -> None:
    assert spent(model).cost_usd == 0
    assert price_of(model) is None


def test_a_deployment_of_another_name_costs_what_the_model_that_answers_does() -> None:
    assert spent("gpt-5-mini-2025-08-07", asked="my-deployment") == spent("gpt-5-mini")
    assert spent("something-internal", asked="gpt-5-mini") == spent("gpt-5-mini")


def test_the_table_says_what_it_is() -> None:
    table = model_table()
    assert "edit to yours" in table.note
    assert date.fromisoformat(table.date)
    names = [row.model for row in table.models]
    assert len(set(names)) == len(names)
    assert names[-1] == "*"
    priced = [row.price for row in table.models if row.price]
    assert all(price.output >= price.input >= (price.cached or 0) for price in priced)


@pytest.mark.parametrize("row", model_table().models, ids=lambda row: row.model)
def test_a_prompt_and_the_longest_answer_fit_the_window(row: ModelProfile) -> None:
    assert row.prompt_tokens + row.room(row.visible(1_024), "high") <= row.window


def test_limits_are_shares_of_the_window() -> None:
    small, default, unknown = (profile_of(name) for name in ("local", "gpt-5-mini", "who-knows"))
    assert (small.prompt_tokens, unknown.prompt_tokens, default.prompt_tokens) == (2_976, 8_192, 100_000)
    assert small.share(0.25) == 744
    assert default.share(0.25) == 25_000


def test_a_model_that_reasons_gets_room_to_think_by_effort() -> None:
    default, plain = profile_of("gpt-5-mini"), profile_of("gpt-4o")
    assert [default.room(500, effort) for effort in ("low", "medium", "high")] == [4_500, 8_500, 16_500]
    assert [plain.room(500, effort) for effort in ("low", "medium", "high")] == [500, 500, 500]


def test_visible_output_grows_with_what_a_model_can_write() -> None:
    assert profile_of("local").visible(700) == 700
    assert profile_of("gpt-5-mini").visible(700) == 5_600
    assert profile_of("who-knows").visible(2_000) == 8_192


def test_a_setting_overrides_a_field() -> None:
    changed = overridden(
        profile_of("who-knows"), window=8_192, reasons=None, tools="json", price=Price(input=1, output=2)
    )
    assert (changed.window, changed.tools, changed.reasons) == (8_192, "json", True)
    assert changed.price == Price(input=1, output=2)
    with pytest.raises(ValueError, match="window"):
        overridden(profile_of("who-knows"), window=0)
