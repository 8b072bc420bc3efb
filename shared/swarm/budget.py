"""What a swarm may use, and how a parent leases parts of it to its children.

A lease is a field of the child's document. A parent keeps back what its own review costs, what a child did not use
comes back with its end, and so the sum of what is leased never exceeds the root's.
"""

from dataclasses import dataclass

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
        amounts = self.named()
        return min(amounts, key=lambda name: min(amounts[name], 0))

    def named(self) -> dict[str, float]:
        """The amounts, by what a reader calls them."""
        return {"nodes": self.nodes, "model calls": self.calls, "tokens": self.tokens, "cost": self.cost_usd}


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
#: What a manager uses at least until it has planned: itself and one try.
_PLANNING = Lease(nodes=1, calls=1, tokens=1_200)
#: What a review may take: one try and its two repairs.
_REVIEWING = Lease(calls=3, tokens=1_200)
#: What a swarm needs to plan, to have one part done and to review it. With less, it can only end without having begun.
LEAST = _PLANNING + SMALLEST + _REVIEWING
#: What one node may use to read a document of context in: itself, a call and its repairs.
READING = Lease(nodes=1, calls=3, tokens=9_000)
#: The part of what is left that a manager keeps back for its review, in tokens and dollars.
_KEPT = 8


def without_review(left: Lease) -> Lease:
    """What a manager may share out of what is left to it."""
    kept = left.share(_KEPT)
    return left - Lease(calls=_REVIEWING.calls, tokens=kept.tokens, cost_usd=kept.cost_usd)


@dataclass(frozen=True, slots=True)
class Shortage:
    """What there is not enough of, and how much of it would have been."""

    what: str
    told: str = ""


def shortage(left: Lease, parts: int) -> Shortage:
    """Why what is left cannot be shared out among so many children."""
    what = (without_review(left).share(parts) - SMALLEST).shortest()
    needed = Lease(
        nodes=parts * SMALLEST.nodes,
        calls=parts * SMALLEST.calls + _REVIEWING.calls,
        tokens=-(-parts * SMALLEST.tokens * _KEPT // (_KEPT - 1)),
    )
    there, wanted = max(0, int(left.named()[what])), int(needed.named()[what])
    among = "one child" if parts == 1 else f"{parts} children"
    return Shortage(
        what, f"There were {there} {what} left, and to share them out among {among} and review takes {wanted}."
    )


def least(documents: int) -> dict[str, int]:
    """The least that the limits of a swarm may be that reads so many documents first, by their names."""
    wanted = LEAST
    for _ in range(documents):
        wanted += READING
    return {"nodes": wanted.nodes, "calls": wanted.calls, "tokens": wanted.tokens}


def _at_least(name: str) -> str:
    alone, one = least(0)[name], least(1)[name]
    return f"It takes {alone} to plan, do one part and review it, and {one - alone} more for each document of context."


class Limits(BaseModel):
    """The bounds of one swarm."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    nodes: int = Field(
        default=200, ge=1, le=20_000, description=f"Nodes in all; routers are not counted. {_at_least('nodes')}"
    )
    depth: int = Field(default=4, ge=0, le=8, description="Decompositions one below the other.")
    rounds: int = Field(default=3, ge=1, le=10, description="Times a manager may plan before it must end.")
    fan_out: int = Field(default=8, ge=1, le=32, description="Sub-directives of one plan.")
    calls: int = Field(default=1_000, ge=1, le=200_000, description=f"Model calls. {_at_least('calls')}")
    tokens: int = Field(
        default=2_000_000, ge=1_000, le=1_000_000_000, description=f"Tokens, read and written. {_at_least('tokens')}"
    )
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
