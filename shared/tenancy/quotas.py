"""What one user may use, over all swarms."""

from datetime import UTC, date, datetime, time, timedelta

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import QuotaExceeded

#: Days of spending that a ledger remembers: the running month and the one before it.
REMEMBERED_DAYS = 62
#: Seconds after which a ceiling that running swarms take up may have room again.
_SOON = 60.0


class Quotas(BaseModel):
    """One user's ceilings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    swarms: int = Field(default=20, ge=0, le=1_000, description="Swarms at once.")
    nodes: int = Field(default=20_000, ge=0, description="Nodes of all swarms at once, by their limits.")
    calls_at_once: int = Field(default=200, ge=1, description="Model calls in flight, over all instances.")
    tokens_a_day: int = Field(default=100_000_000, ge=0)
    tokens_a_month: int = Field(default=1_000_000_000, ge=0)
    cost_a_day_usd: float = Field(default=200.0, ge=0)
    cost_a_month_usd: float = Field(default=2_000.0, ge=0)
    requests_a_minute: int = Field(default=1_200, ge=1, description="Requests, as each instance counts them.")


#: What no swarm's limits ever add up to.
_BOUNDLESS = 10**15


def own_machine(calls_at_once: int) -> Quotas:
    """The ceilings of the one user of a local deployment, who shares it with nobody: each swarm's own limits count."""
    return Quotas(
        swarms=1_000,
        nodes=_BOUNDLESS,
        calls_at_once=calls_at_once,
        tokens_a_day=_BOUNDLESS,
        tokens_a_month=_BOUNDLESS,
        cost_a_day_usd=_BOUNDLESS,
        cost_a_month_usd=_BOUNDLESS,
    )


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
    """One user's running swarms and what the ended ones used, by the day they ended (in UTC)."""

    model_config = ConfigDict(frozen=True)

    running: dict[str, Reservation] = {}
    days: dict[date, Spending] = {}

    def reserve(self, swarm_id: str, wanted: Reservation, quotas: Quotas, now: datetime) -> "Ledger":
        """Set aside what a new swarm may use; raises `QuotaExceeded` that names the ceiling and when to come back."""
        if swarm_id in self.running:
            return self
        after = Ledger(running={**self.running, swarm_id: wanted}, days=self.days)
        after._check(quotas, wanted.spending, now)
        return after

    def settle(self, swarm_id: str, used: Spending, now: datetime) -> "Ledger":
        """Put what an ended swarm really used in the place of what was set aside; once, however often it is called."""
        if swarm_id not in self.running:
            return self
        running = {key: kept for key, kept in self.running.items() if key != swarm_id}
        today = now.date()
        days = {**self.days, today: self.spent_on(today) + used}
        recent = dict(sorted(days.items())[-REMEMBERED_DAYS:])
        return Ledger(running=running, days=recent)

    @property
    def reserved(self) -> Reservation:
        """What all running swarms may use together."""
        return Reservation(
            nodes=sum(kept.nodes for kept in self.running.values()),
            spending=sum((kept.spending for kept in self.running.values()), Spending()),
        )

    def spent_on(self, day: date) -> Spending:
        """What the swarms used that ended on a day."""
        return self.days.get(day, Spending())

    def spent_in_month(self, day: date) -> Spending:
        """What the swarms used that ended in the month of a day."""
        month = (spent for at, spent in self.days.items() if (at.year, at.month) == (day.year, day.month))
        return sum(month, Spending())

    def _check(self, quotas: Quotas, wanted: Spending, now: datetime) -> None:
        today, reserved = now.date(), self.reserved
        _keep_below("swarms at once", len(self.running), quotas.swarms)
        _keep_below("nodes at once", reserved.nodes, quotas.nodes)
        for name, spent, tokens, cost, end in (
            ("day", self.spent_on(today), quotas.tokens_a_day, quotas.cost_a_day_usd, _day_end(now)),
            ("month", self.spent_in_month(today), quotas.tokens_a_month, quotas.cost_a_month_usd, _month_end(now)),
        ):
            total, alone = spent + reserved.spending, spent + wanted
            until = (end - now).total_seconds()
            # What has been spent comes back with the next day or month, what is set aside with a swarm's end.
            _keep_below(f"tokens a {name}", total.tokens, tokens, until if alone.tokens > tokens else _SOON)
            _keep_below(f"US dollars a {name}", total.cost_usd, cost, until if alone.cost_usd > cost else _SOON)


def _keep_below(what: str, would_be: float, ceiling: float, retry_after: float = _SOON) -> None:
    if would_be > ceiling:
        raise QuotaExceeded(
            f"{what}: this swarm would bring it to {would_be:,.10g}, and {ceiling:,.10g} is the ceiling. Lower the "
            "swarm's limits, or come back when others have ended.",
            retry_after=max(1.0, retry_after),
        )


def _day_end(now: datetime) -> datetime:
    return datetime.combine(now.date() + timedelta(days=1), time(), UTC)


def _month_end(now: datetime) -> datetime:
    return datetime.combine((now.date().replace(day=1) + timedelta(days=32)).replace(day=1), time(), UTC)
