"""How long to wait: what an endpoint asks for, or else an exponential backoff."""

import time

import pytest

from shared.adapters.openai.waits import MAX_WAIT, Backoff, asked_wait


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"retry-after": "7"}, "", 7),
        ({"retry-after": "1m30s"}, "", 90),
        ({"retry-after-ms": "1500", "retry-after": "9"}, "", 1.5),
        ({"x-ms-retry-after-ms": "250"}, "", 0.25),
        ({"x-ratelimit-reset-requests": "20ms"}, "", 0.02),
        ({"x-ratelimit-reset-tokens": "12"}, "", 12),
        ({"ratelimit-reset": "30"}, "", 30),
        ({"x-ratelimit-reset-requests": "3s", "x-ratelimit-reset-tokens": "9s"}, "", 9),
        (
            {
                "x-ratelimit-reset-requests": "3s",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-tokens": "9s",
                "x-ratelimit-remaining-tokens": "40",
            },
            "",
            3,
        ),
        ({}, "Rate limit reached. Please try again in 1m2.5s.", 62.5),
        ({}, "Please retry after 18 seconds", 18),
        ({}, "Please try again in 340ms.", 0.34),
        ({"retry-after": "86400"}, "", MAX_WAIT),
        ({"retry-after": "-1"}, "", 0),
    ],
)
def test_the_wait_that_is_asked_for(headers: dict[str, str], message: str, seconds: float) -> None:
    assert asked_wait(headers, message) == pytest.approx(seconds)


@pytest.mark.parametrize("factor", [1, 1_000])
def test_a_reset_may_be_a_time(factor: int) -> None:
    wait = asked_wait({"x-ratelimit-reset": str((time.time() + 50) * factor)})
    assert wait is not None
    assert 45 < wait <= 50


@pytest.mark.parametrize("headers", [{}, {"retry-after": "soon"}, {"retry-after": "nan"}, {"x-ratelimit-limit": "5"}])
def test_nothing_is_asked_for(headers: dict[str, str]) -> None:
    assert asked_wait(headers, "Too many requests, slow down") is None


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_backoff_doubles_when_it_was_waited_out_in_vain_up_to_its_bound() -> None:
    clock = Clock()
    backoff = Backoff(clock=clock, jitter=lambda: 0.5)
    waits = []
    for _ in range(9):
        waits.append(backoff.refused())
        clock.now += waits[-1]
    assert waits == [2, 4, 8, 16, 32, 64, 120, 120, 120]


def test_calls_refused_together_count_once_and_come_back_apart() -> None:
    spread = iter([0.0, 1.0])
    backoff = Backoff(clock=Clock(), jitter=lambda: next(spread))
    assert (backoff.refused(), backoff.refused()) == (1.5, 2.5)


def test_an_answer_ends_the_backoff_unless_its_call_began_before_the_refusal() -> None:
    clock = Clock()
    backoff = Backoff(clock=clock, jitter=lambda: 0.5)
    backoff.refused()
    backoff.answered(started=99.0)
    clock.now += 2
    assert backoff.refused() == 4
    backoff.answered(started=clock.now)
    assert backoff.refused() == 2
