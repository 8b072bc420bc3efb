"""What a swarm may use, and how a parent leases parts of it to its children.

A lease is a field of the child's document. A parent keeps back what its own review costs, what a child did not use
comes back with its end, and so the sum of what is leased never exceeds the root's.
"""

from pydantic import BaseModel, ConfigDict, Field

from shared.swarm.usage import Usage


class Lease(BaseModel):
    """An amount of nodes, model calls, tokens and US dollars."""

    model_config = ConfigDict(frozen=True)

    nodes: int = 0
    calls: int = 0
    tokens: int = 0
    cost_usd: float = 0.0

    def __sub__(self, other: "Lease") -> "Lease":
        return Lease(
            nodes=self.nodes - other.nodes,
            calls=self.calls - other.calls,
            tokens=self.tokens - other.tokens,
            cost_usd=self.cost_usd - other.cost_usd,
        )

    def __add__(self, other: "Lease") -> "Lease":
        return self - (Lease() - other)

    def covers(self, other: "Lease") -> bool:
        """Whether every amount is at least the other's."""
        return (
            self.nodes >= other.nodes
            and self.calls >= other.calls
            and self.tokens >= other.tokens
            and self.cost_usd >= other.cost_usd
        )

    def share(self, parts: int) -> "Lease":
        """One of `parts` equal parts, rounded down."""
        return Lease(
            nodes=max(0, self.nodes // parts),
            calls=max(0, self.calls // parts),
            tokens=max(0, self.tokens // parts),
            cost_usd=max(0.0, self.cost_usd / parts),
        )

    def shortest(self) -> str:
        """The name of what there is least of, for a report that says why it stopped."""
        amounts = {"nodes": self.nodes, "model calls": self.calls, "tokens": self.tokens, "cost": self.cost_usd}
        return min(amounts, key=lambda name: min(amounts[name], 0))


def spent(usage: Usage, nodes: int) -> Lease:
    """What was used, as an amount of a lease."""
    return Lease(
        nodes=nodes,
        calls=usage.calls,
        tokens=usage.input_tokens + usage.output_tokens,
        cost_usd=usage.cost_usd,
    )


#: What a child must at least be given to do anything: itself, one try and one repair of its answer.
SMALLEST = Lease(nodes=1, calls=2, tokens=1_500)


class Limits(BaseModel):
    """The bounds of one swarm."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    nodes: int = Field(default=200, ge=1, le=20_000, description="Nodes in all; routers are not counted.")
    depth: int = Field(default=4, ge=0, le=8, description="Decompositions one below the other.")
    rounds: int = Field(default=3, ge=1, le=10, description="Times a manager may plan before it must end.")
    fan_out: int = Field(default=8, ge=1, le=32, description="Sub-directives of one plan.")
    calls: int = Field(default=1_000, ge=1, le=200_000, description="Model calls.")
    tokens: int = Field(default=2_000_000, ge=1_000, le=1_000_000_000, description="Tokens, read and written.")
    cost_usd: float = Field(default=5.0, ge=0, le=10_000, description="US dollars by the price table.")
    wall_seconds: int = Field(
        default=3_600, ge=10, le=604_800, description="Seconds, pauses and waits for the user left out."
    )
    answer_seconds: int = Field(
        default=86_400, ge=1, le=2_592_000, description="Seconds a question waits for its answer."
    )

    @property
    def lease(self) -> Lease:
        """The root's lease."""
        return Lease(nodes=self.nodes, calls=self.calls, tokens=self.tokens, cost_usd=self.cost_usd)
