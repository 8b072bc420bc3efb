"""Waits of nodes that are longer than one timer: a node that rests still looks for the user's word in between."""

from collections import OrderedDict
from datetime import datetime, timedelta

from shared.swarm.node import NodeRef
from shared.types import SpaceKey

#: Seconds that a node is left alone at most before it looks whether it was cancelled or paused.
LONGEST = 15.0
#: Nodes that are remembered; one that is forgotten comes back early, which costs a call that is refused again.
_MAX_NODES = 20_000


class Backoffs:
    """Until when nodes rest, as this process was told."""

    def __init__(self) -> None:
        self._until: OrderedDict[tuple[SpaceKey, str], datetime] = OrderedDict()

    def begin(self, ref: NodeRef, seconds: float, now: datetime) -> float:
        """Let a node rest; after how many seconds it is to be looked at."""
        key = (ref.space, ref.node_id)
        self._until.pop(key, None)
        if seconds > LONGEST:
            self._until[key] = now + timedelta(seconds=seconds)
            if len(self._until) > _MAX_NODES:
                self._until.popitem(last=False)
        return min(seconds, LONGEST)

    def left(self, ref: NodeRef, now: datetime) -> float:
        """After how many seconds a node is to be looked at again; 0 if it need not rest any more."""
        key = (ref.space, ref.node_id)
        until = self._until.get(key)
        if until is None:
            return 0.0
        if until <= now:
            del self._until[key]
            return 0.0
        return min((until - now).total_seconds(), LONGEST)
