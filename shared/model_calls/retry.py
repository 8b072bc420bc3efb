"""The model port's own retry: short waits are waited here, long ones are the caller's to come back after."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from shared.errors import ModelUnavailable
from shared.llm.port import ChatModel, Completion, CompletionRequest

#: Attempts at one call, the first included.
ATTEMPTS = 3
#: Seconds that one call may wait between its attempts, all waits together.
MAX_WAIT = 10.0
#: By how much a wait is stretched at most, so that calls refused together do not come back together.
STRETCH = 0.25


async def complete_with_short_waits(
    model: ChatModel,
    request: CompletionRequest,
    *,
    max_wait: float = MAX_WAIT,
    attempts: int = ATTEMPTS,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    jitter: Callable[[], float] = random.random,
) -> Completion:
    """Complete, trying again after the endpoint's `retry_after` while that stays within `max_wait` seconds in all.

    Raises the last `ModelUnavailable` when the wait would be longer or the attempts are used up. `jitter` gives
    numbers from 0 to 1.
    """
    waited = 0.0
    for attempt in range(1, attempts + 1):
        try:
            return await model.complete(request)
        except ModelUnavailable as error:
            wait = error.retry_after * (1 + STRETCH * jitter())
            if attempt == attempts or waited + wait > max_wait:
                raise
        waited += wait
        await sleep(wait)
    raise ValueError("at least one attempt is needed")
