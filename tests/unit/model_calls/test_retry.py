"""The short waits between attempts at one call."""

import pytest

from shared.errors import ModelError, ModelUnavailable
from shared.llm.port import Completion, CompletionRequest, Message
from shared.model_calls.retry import complete_with_short_waits

REQUEST = CompletionRequest((Message(role="user", content="?"),), "m")
ANSWER = Completion("text", "m", "stop", 1, 1)


class Flaky:
    """A model that fails with each of the given errors in turn, and then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def complete(self, request: CompletionRequest) -> Completion:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return ANSWER

    async def close(self) -> None:
        pass


class Clock:
    """Sleeps in no time, and remembers for how long it should have been."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def busy(seconds: float) -> ModelUnavailable:
    return ModelUnavailable("busy", retry_after=seconds)


@pytest.mark.parametrize(
    ("errors", "slept"),
    [([], []), ([busy(2)], [2]), ([busy(4), busy(6)], [4, 6])],
)
async def test_waits_as_long_as_it_is_told(errors: list[Exception], slept: list[float]) -> None:
    model, clock = Flaky(*errors), Clock()
    assert await complete_with_short_waits(model, REQUEST, sleep=clock.sleep, jitter=lambda: 0.0) == ANSWER
    assert clock.slept == slept


@pytest.mark.parametrize(
    ("errors", "calls"),
    [([busy(11)], 1), ([busy(6), busy(5)], 2), ([busy(1), busy(1), busy(1)], 3)],
)
async def test_gives_up_when_it_would_take_long(errors: list[Exception], calls: int) -> None:
    model, clock = Flaky(*errors), Clock()
    with pytest.raises(ModelUnavailable):
        await complete_with_short_waits(model, REQUEST, sleep=clock.sleep, jitter=lambda: 0.0)
    assert model.calls == calls
    assert sum(clock.slept) <= 10


async def test_jitter_only_lengthens_a_wait() -> None:
    clock = Clock()
    await complete_with_short_waits(Flaky(busy(4)), REQUEST, sleep=clock.sleep, jitter=lambda: 1.0)
    assert clock.slept == [5.0]


async def test_what_cannot_be_mended_is_not_tried_again() -> None:
    model = Flaky(ModelError("no"))
    with pytest.raises(ModelError):
        await complete_with_short_waits(model, REQUEST)
    assert model.calls == 1
