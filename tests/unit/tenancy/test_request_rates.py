"""The token bucket of requests."""

import pytest

from shared.errors import QuotaExceeded
from shared.tenancy import rates
from shared.tenancy.rates import RequestRates


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_worth_is_let_through_at_once_and_then_as_many_a_minute() -> None:
    clock = Seconds()
    bucket = RequestRates(clock)
    for _ in range(30):
        bucket.admit("u", 30)
    with pytest.raises(QuotaExceeded, match="requests a minute: 30") as caught:
        bucket.admit("u", 30)
    assert caught.value.retry_after == pytest.approx(2.0)
    clock.now += 1.9
    with pytest.raises(QuotaExceeded):
        bucket.admit("u", 30)
    clock.now += 0.1001
    bucket.admit("u", 30)
    with pytest.raises(QuotaExceeded):
        bucket.admit("u", 30)


def test_users_do_not_share_a_bucket() -> None:
    bucket = RequestRates(Seconds())
    bucket.admit("u", 1)
    bucket.admit("v", 1)
    with pytest.raises(QuotaExceeded):
        bucket.admit("u", 1)


def test_a_full_bucket_does_not_overflow() -> None:
    clock = Seconds()
    bucket = RequestRates(clock)
    bucket.admit("u", 2)
    clock.now += 3_600
    bucket.admit("u", 2)
    bucket.admit("u", 2)
    with pytest.raises(QuotaExceeded):
        bucket.admit("u", 2)


def test_the_users_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MAX_USERS", 2)
    bucket = RequestRates(Seconds())
    for user in "abc":
        bucket.admit(user, 1)
    bucket.admit("a", 1)  # forgotten meanwhile
    with pytest.raises(QuotaExceeded):
        bucket.admit("c", 1)
