"""The ledger's arithmetic: what is set aside, what was spent, and what a ceiling says."""

from datetime import UTC, date, datetime, timedelta

import pytest

from shared.errors import QuotaExceeded
from shared.tenancy.quotas import REMEMBERED_DAYS, Ledger, Quotas, Reservation, Spending

NOW = datetime(2026, 3, 30, 18, 0, tzinfo=UTC)


def wanted(nodes: int = 10, tokens: int = 1_000, cost: float = 1.0) -> Reservation:
    return Reservation(nodes=nodes, spending=Spending(tokens=tokens, cost_usd=cost))


@pytest.mark.parametrize(
    ("quotas", "named"),
    [
        (Quotas(swarms=1), "swarms at once"),
        (Quotas(nodes=19), "nodes at once"),
        (Quotas(tokens_a_day=1_999), "tokens a day"),
        (Quotas(tokens_a_month=1_999), "tokens a month"),
        (Quotas(cost_a_day_usd=1.9), "US dollars a day"),
        (Quotas(cost_a_month_usd=1.9), "US dollars a month"),
    ],
)
def test_each_ceiling_is_named_when_it_is_reached(quotas: Quotas, named: str) -> None:
    ledger = Ledger().reserve("a", wanted(), quotas, NOW)
    with pytest.raises(QuotaExceeded, match=f"^{named}: ") as caught:
        ledger.reserve("b", wanted(), quotas, NOW)
    assert caught.value.retry_after == 60  # until the first swarm has ended
    assert ledger.settle("a", Spending(), NOW).reserve("b", wanted(), quotas, NOW).running.keys() == {"b"}


def test_reserving_and_settling_again_changes_nothing() -> None:
    ledger = Ledger().reserve("a", wanted(), Quotas(swarms=1), NOW)
    assert ledger.reserve("a", wanted(99), Quotas(swarms=1), NOW) is ledger
    settled = ledger.settle("a", Spending(tokens=7, cost_usd=0.5), NOW)
    assert settled.settle("a", Spending(tokens=7, cost_usd=0.5), NOW) is settled
    assert settled == Ledger(days={NOW.date(): Spending(tokens=7, cost_usd=0.5)})


def test_what_was_spent_today_is_room_tomorrow() -> None:
    quotas = Quotas(tokens_a_day=1_500)
    ledger = Ledger().reserve("a", wanted(), quotas, NOW).settle("a", Spending(tokens=900), NOW)
    with pytest.raises(QuotaExceeded, match="tokens a day") as caught:
        ledger.reserve("b", wanted(), quotas, NOW)
    assert caught.value.retry_after == 6 * 3_600
    assert ledger.reserve("b", wanted(), quotas, NOW + timedelta(seconds=caught.value.retry_after))


def test_what_was_spent_this_month_is_room_next_month() -> None:
    quotas = Quotas(tokens_a_month=1_500)
    ledger = Ledger().reserve("a", wanted(), quotas, NOW).settle("a", Spending(tokens=900), NOW)
    with pytest.raises(QuotaExceeded, match="tokens a month") as caught:
        ledger.reserve("b", wanted(), quotas, NOW + timedelta(days=1))
    assert caught.value.retry_after == 6 * 3_600
    assert ledger.reserve("b", wanted(), quotas, NOW + timedelta(days=2))


def test_a_ledger_remembers_so_many_days() -> None:
    ledger = Ledger()
    for day in range(REMEMBERED_DAYS + 5):
        now = NOW + timedelta(days=day)
        ledger = ledger.reserve("a", wanted(), Quotas(), now).settle("a", Spending(tokens=1), now)
    assert len(ledger.days) == REMEMBERED_DAYS
    assert min(ledger.days) == NOW.date() + timedelta(days=5)
    assert ledger.spent_in_month(date(2026, 5, 1)).tokens == 31
