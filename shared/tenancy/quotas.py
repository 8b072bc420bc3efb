"""What one user may use, over all swarms."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import QuotaExceeded

#: Days of spending that a ledger remembers.
_REMEMBERED_DAYS = 62


class Quotas(BaseModel):
    """One user's ceilings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    swarms: int = Field(default=20, ge=0, description="Swarms at once.")
    nodes: int = Field(default=20_000, ge=0, description="Nodes of all swarms at once, by their limits.")
    calls_at_once: int = Field(default=200, ge=1, description="Model calls in flight, over all instances.")
    tokens_a_day: int = Field(default=100_000_000, ge=0)
    tokens_a_month: int = Field(default=1_000_000_000, ge=0)
    cost_a_day_usd: float = Field(default=200.0, ge=0)
    cost_a_month_usd: float = Field(default=2_000.0, ge=0)
    requests_a_minute: int = Field(default=1_200, ge=1)


class Spending(BaseModel):
    """Tokens and US dollars."""

    model_config = ConfigDict(frozen=True)

    tokens: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: "Spending") -> "Spending":
        return Spending(tokens=self.tokens + other.tokens, cost_usd=self.cost_usd + other.cost_usd)


class Reservation(BaseModel):
    """What a running swarm may still use at most, set aside when it was created."""

    model_config = ConfigDict(frozen=True)

    nodes: int
    spending: Spending


class Ledger(BaseModel):
    """One user's running swarms and what the ended ones used, by the day they ended."""

    model_config = ConfigDict(frozen=True)

    running: dict[str, Reservation] = {}
    days: dict[date, Spending] = {}

    def reserve(self, swarm_id: str, wanted: Reservation, quotas: Quotas, now: datetime) -> "Ledger":
        """Set aside what a new swarm may use; raises `QuotaExceeded` that names the ceiling and when to come back."""
        if swarm_id in self.running:
            return self
        after = Ledger(running={**self.running, swarm_id: wanted}, days=self.days)
        for what, used, ceiling in after._against(quotas, now.date()):
            if used > ceiling:
                raise QuotaExceeded(
                    f"{what}: this swarm would bring it to {used:g}, and {ceiling:g} is the ceiling. Lower the "
                    "swarm's limits, or wait until others have ended.",
                )
        return after

    def settle(self, swarm_id: str, used: Spending, now: datetime) -> "Ledger":
        """Put what an ended swarm really used in the place of what was set aside; once, however often it is called."""
        if swarm_id not in self.running:
            return self
        running = {key: kept for key, kept in self.running.items() if key != swarm_id}
        today = now.date()
        days = {**self.days, today: self.days.get(today, Spending()) + used}
        recent = dict(sorted(days.items())[-_REMEMBERED_DAYS:])
        return Ledger(running=running, days=recent)

    def _against(self, quotas: Quotas, today: date) -> list[tuple[str, float, float]]:
        reserved = sum((kept.spending for kept in self.running.values()), Spending())
        day = reserved + self.days.get(today, Spending())
        month = reserved + sum((spent for at, spent in self.days.items() if _same_month(at, today)), Spending())
        return [
            ("swarms at once", len(self.running), quotas.swarms),
            ("nodes at once", sum(kept.nodes for kept in self.running.values()), quotas.nodes),
            ("tokens a day", day.tokens, quotas.tokens_a_day),
            ("tokens a month", month.tokens, quotas.tokens_a_month),
            ("US dollars a day", day.cost_usd, quotas.cost_a_day_usd),
            ("US dollars a month", month.cost_usd, quotas.cost_a_month_usd),
        ]


def _same_month(one: date, other: date) -> bool:
    return (one.year, one.month) == (other.year, other.month)
