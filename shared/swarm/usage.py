"""What model calls used."""

from pydantic import BaseModel, ConfigDict


class Usage(BaseModel):
    """Model calls, tokens as the endpoint counted them, and cost in US dollars by the price table."""

    model_config = ConfigDict(frozen=True)

    calls: int = 0
    input_tokens: int = 0
    #: Tokens of the input that the endpoint had cached, and asks less for.
    cached_tokens: int = 0
    #: With what a model thought before it answered.
    output_tokens: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost_usd=self.cost_usd + other.cost_usd,
        )
