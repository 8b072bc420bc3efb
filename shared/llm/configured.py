"""The profile of the deployment's model: the table's, with what the settings say otherwise."""

from functools import lru_cache

from shared.config import Settings
from shared.llm.profiles import ModelProfile, Price, overridden, profile_of

#: The row of the small embedded model, whatever its name.
_OFFLINE = "local"


@lru_cache(maxsize=16)
def configured_profile(settings: Settings, model: str | None = None) -> ModelProfile:
    """The profile of a model, the configured one unless another is named. Raises `ValueError` for settings that do
    not fit together.
    """
    row = settings.model_profile or (_OFFLINE if settings.model_offline else model or settings.model)
    price = None
    if settings.model_price_input is not None and settings.model_price_output is not None:
        price = Price(
            input=settings.model_price_input, cached=settings.model_price_cached, output=settings.model_price_output
        )
    return overridden(
        profile_of(row),
        window=settings.model_window,
        prompt=settings.prompt_tokens,
        output=settings.model_max_output,
        reasons=settings.model_reasons,
        effort=settings.model_effort,
        thinking=settings.model_thinking,
        tools=settings.model_tools,
        structured=settings.model_structured,
        price=price,
    )
