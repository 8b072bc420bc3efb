"""Retention: the durable host forgets what ended long ago. What a swarm did is in its space and stays there."""

import logging
from datetime import datetime, timedelta

from shared.runtime import Histories
from shared.services import Services

_log = logging.getLogger("swarmstar.retention")

#: Days that the newest slice holds, which is what a daily timer finds, and how many slices there are. Each is twice
#: as long as the one after it, so that they reach back eleven years: what is older is nearly all gone already.
_DAY = timedelta(days=1)
_SLICES = 12
#: A slice that takes the host too long is halved, until it is this short.
_SHORTEST = timedelta(minutes=1)
#: Time after which no further slice is begun; the rest is for the next day.
_TICK = timedelta(minutes=15)

_Slice = tuple[datetime, datetime]


async def purge_history(services: Services, histories: Histories) -> int:
    """Remove what the durable host keeps of old orchestrations that have ended, oldest first; how many there were.

    A swarm may outlive the window: the results of those of its orchestrations that have ended are in the history of
    the one that waited for them. An ended swarm whose orchestration is started again finds in the store that it ended.
    Raises `TimeoutError` if the host cannot even purge a minute's worth.
    """
    now = services.now()
    left = _slices(now - timedelta(days=services.settings.history_days))
    removed = 0
    while left and services.now() - now < _TICK:
        since, until = left.pop()
        try:
            removed += await histories.purge(since, until)
        except TimeoutError:
            left += _halves(since, until)
    _log.info("%d ended orchestrations were purged; %d slices of time are left", removed, len(left))
    return removed


def _slices(edge: datetime) -> list[_Slice]:
    """The times before the edge, the newest first."""
    slices = []
    for number in range(_SLICES):
        since = edge - _DAY * 2**number
        slices.append((since, edge))
        edge = since
    return slices


def _halves(since: datetime, until: datetime) -> list[_Slice]:
    """Two slices of a slice, the newer first."""
    if until - since <= _SHORTEST:
        raise TimeoutError(f"the host could not purge what was created from {since} to {until}")
    middle = since + (until - since) / 2
    return [(middle, until), (since, middle)]
