"""How many requests a user may make: a token bucket for each user, in the memory of one process.

Several instances each count for themselves, so a user of N instances may make N times as many. It guards an instance
against a client that runs wild; what costs money is bounded by the ledger and the share of calls, which are exact.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

from shared.errors import QuotaExceeded

#: Users that are remembered. One who is forgotten starts over with a full bucket.
MAX_USERS = 10_000


class RequestRates:
    """Lets through a minute's worth of requests at once, and from then on as many a minute as the user may make."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds that never go back."""
        self._clock = clock
        #: What is left in each user's bucket, and when that was; the longest unused first.
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admit(self, user_id: str, a_minute: int) -> None:
        """Count one request; raises `QuotaExceeded` with the seconds until there is room for another."""
        now = self._clock()
        left, at = self._buckets.pop(user_id, (float(a_minute), now))
        left = min(float(a_minute), left + (now - at) * a_minute / 60)
        admitted = left >= 1
        self._buckets[user_id] = (left - 1 if admitted else left, now)
        if len(self._buckets) > MAX_USERS:
            self._buckets.popitem(last=False)
        if not admitted:
            raise QuotaExceeded(
                f"requests a minute: {a_minute} is the ceiling. Come back a little later.",
                retry_after=(1 - left) * 60 / a_minute,
            )
