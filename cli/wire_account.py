"""What the HTTP API answers about a user's account: keys, what was used, and ceilings."""

from datetime import date, datetime

from pydantic import Field

from cli.wire import Document, Paged
from shared.swarm.usage import Usage


class KeyView(Document):
    """An API key, without its secret."""

    key_id: str
    name: str
    scopes: tuple[str, ...] = ()
    created: datetime
    expires: datetime | None = None
    revoked: datetime | None = None
    last_used: datetime | None = None


class CreatedKey(KeyView):
    """A key that was just made, with the key itself."""

    key: str


class KeyList(Paged):
    """A user's keys."""

    items: tuple[KeyView, ...]


class SwarmUsage(Paged):
    """What the model calls of a swarm used; sums of its pages add up."""

    total: Usage = Usage()
    by_action: dict[str, Usage] = Field(default_factory=dict)
    by_model: dict[str, Usage] = Field(default_factory=dict)
    by_day: dict[str, Usage] = Field(default_factory=dict)

    def __add__(self, other: "SwarmUsage") -> "SwarmUsage":
        return SwarmUsage(
            total=self.total + other.total,
            by_action=_added(self.by_action, other.by_action),
            by_model=_added(self.by_model, other.by_model),
            by_day=_added(self.by_day, other.by_day),
            cursor=other.cursor,
        )


class SwarmLine(Document):
    """What one of a user's swarms used; not known while it runs."""

    swarm_id: str
    directive: str
    status: str
    created: datetime
    usage: Usage | None = None


class SwarmUsagePage(Paged):
    """What some of a user's swarms used."""

    items: tuple[SwarmLine, ...]


class Spending(Document):
    """Tokens and US dollars."""

    tokens: int = 0
    cost_usd: float = 0.0


class DayLine(Document):
    """What the swarms used that ended on one day, in UTC."""

    day: date
    spending: Spending


class DayList(Document):
    """What was used by day."""

    items: tuple[DayLine, ...]


class Ceilings(Document):
    """What one user may use, over all swarms."""

    swarms: int
    nodes: int
    tokens_a_day: int
    tokens_a_month: int
    cost_a_day_usd: float
    cost_a_month_usd: float


class Reserved(Document):
    """What is set aside for the swarms that run."""

    nodes: int = 0
    spending: Spending = Spending()


class Standing(Document):
    """A user's ceilings and what is taken up of them."""

    quotas: Ceilings
    running: int
    reserved: Reserved = Reserved()
    today: Spending = Spending()
    this_month: Spending = Spending()


def _added(one: dict[str, Usage], other: dict[str, Usage]) -> dict[str, Usage]:
    return {name: one.get(name, Usage()) + other.get(name, Usage()) for name in one | other}
