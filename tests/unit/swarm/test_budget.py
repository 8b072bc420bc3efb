"""Leases: what is handed out never exceeds what there is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.swarm.budget import LEAST, READING, SMALLEST, Lease, Limits, least, shortage, spent, without_review
from shared.swarm.usage import Usage

leases = st.builds(
    Lease,
    nodes=st.integers(0, 10_000),
    calls=st.integers(0, 10_000),
    tokens=st.integers(0, 10**9),
    cost_usd=st.floats(0, 1_000),
)


@given(leases, st.integers(1, 32))
def test_equal_shares_are_never_more_than_the_whole(lease: Lease, parts: int) -> None:
    share = lease.share(parts)
    assert share.nodes * parts <= lease.nodes
    assert share.calls * parts <= lease.calls
    assert share.tokens * parts <= lease.tokens
    assert share.cost_usd * parts <= lease.cost_usd * (1 + 1e-9)


@given(leases)
def test_a_lease_covers_itself_and_what_is_less(lease: Lease) -> None:
    assert lease.covers(lease)
    assert lease.covers(lease.share(2))
    assert not lease.covers(lease + Lease(nodes=1))


@given(leases)
def test_an_overdrawn_share_is_nothing(lease: Lease) -> None:
    assert (Lease() - lease).share(3) == Lease()


def test_the_shortest_amount_is_named() -> None:
    assert Lease(nodes=3, calls=-1, tokens=9, cost_usd=1).shortest() == "model calls"


def test_spent_sums_tokens_read_and_written() -> None:
    used = spent(Usage(calls=2, input_tokens=30, output_tokens=12, cost_usd=0.5), nodes=3)
    assert used == Lease(nodes=3, calls=2, tokens=42, cost_usd=0.5)


PLENTY = Lease(nodes=10_000, calls=10_000, tokens=10**9)


@pytest.mark.parametrize(("amount", "name"), [("nodes", "nodes"), ("calls", "model calls"), ("tokens", "tokens")])
@pytest.mark.parametrize("parts", [1, 2, 5, 32])
def test_a_shortage_tells_what_would_have_been_enough(amount: str, name: str, parts: int) -> None:
    told = shortage(PLENTY.model_copy(update={amount: 1}), parts)
    assert told.what == name
    assert told.told.startswith(f"There were 1 {name} left")
    assert ("one child" if parts == 1 else f"{parts} children") in told.told
    needed = int(told.told.removesuffix(".").split()[-1])
    enough, short = (PLENTY.model_copy(update={amount: n}) for n in (needed, needed - 2))
    assert without_review(enough).share(parts).covers(SMALLEST)
    assert not without_review(short).share(parts).covers(SMALLEST)


def test_the_least_leaves_enough_for_one_child_and_its_review() -> None:
    planned = LEAST - Lease(nodes=1, calls=1, tokens=1_200)
    assert without_review(planned).covers(SMALLEST)
    assert not without_review(planned - Lease(calls=1)).covers(SMALLEST)
    assert not without_review(planned - Lease(nodes=1)).covers(SMALLEST)
    assert least(0) == {"nodes": 2, "calls": 6, "tokens": 3_900}
    assert least(2)["calls"] == 6 + 2 * READING.calls


@pytest.mark.parametrize("field", ["nodes", "depth", "rounds", "fan_out", "calls", "tokens", "wall_seconds"])
def test_limits_refuse_what_is_no_bound(field: str) -> None:
    with pytest.raises(ValidationError):
        Limits.model_validate({field: -1})
    with pytest.raises(ValidationError):
        Limits.model_validate({field: 10**12})
