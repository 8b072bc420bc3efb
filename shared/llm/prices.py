"""What a completion cost, by the prices in the table of models."""

from shared.llm.port import Completion
from shared.llm.profiles import ModelProfile, Price, profile_of
from shared.swarm.usage import Usage

_MILLION = 1_000_000
_FREE = Price(input=0, output=0)


def price_of(model: str) -> Price | None:
    """The price of a model; None when the table does not have it."""
    return profile_of(model).price


def usage_of(completion: Completion, profile: ModelProfile | None = None) -> Usage:
    """What one call used, what the model thought included; a model without a price costs 0.

    `profile` is of the model that was asked for. Where it has no price, as under the name of a deployment, that of the
    model that answered counts.
    """
    price = (profile.price if profile else None) or price_of(completion.model) or _FREE
    cached = price.input if price.cached is None else price.cached
    cost = (
        (completion.input_tokens - completion.cached_tokens) * price.input
        + completion.cached_tokens * cached
        + completion.output_tokens * price.output
    )
    return Usage(
        calls=1,
        input_tokens=completion.input_tokens,
        cached_tokens=completion.cached_tokens,
        output_tokens=completion.output_tokens,
        cost_usd=cost / _MILLION,
    )
