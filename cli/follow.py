"""Following a swarm to its end, through restarts of the host."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cli.api import EVENTS, MAX_WAIT, Api
from cli.failures import CliError, Problem, Unreachable
from cli.tree import LiveTree
from cli.views import View
from cli.wire import EventPage, EventView, QuestionView, SwarmView

#: Seconds a host may be away before following gives up.
PATIENCE = 120.0
#: Seconds between two tries while it is away.
_PAUSE = 1.0
#: Seconds between two requests for events when there were none, should a server not hold them back.
_BREATH = 0.2
#: Seconds an ended tree may take to show in the swarm's own document.
_CLOSING = 15.0
_ASKING = frozenset({"blocking", "user_communication"})

T = TypeVar("T")


@dataclass(slots=True)
class Follower:
    """Reads a swarm's events into a tree and shows them."""

    api: Api
    swarm_id: str
    view: View
    patience: float = PATIENCE
    #: Seconds the server holds a request for events back.
    wait: int = MAX_WAIT - 5

    def run(self) -> tuple[SwarmView, LiveTree]:
        """Show the swarm until it has ended; raises `Unreachable` when the host stays away."""
        tree = LiveTree()
        with self.view:
            self.view.begin(self._steady(lambda: self.api.swarm(self.swarm_id)))
            for page in pages(self.events, self.wait):
                self._take(page, tree)
                if not page.items and not page.ended:  # as it is while the swarm is paused
                    self.view.stand(self._steady(lambda: self.api.swarm(self.swarm_id)))
            swarm = self._ended()
            self.view.end(swarm)
        return swarm, tree

    def events(self, after: int, wait: int) -> EventPage:
        return self._steady(lambda: self.api.events(self.swarm_id, after, wait))

    def _take(self, page: EventPage, tree: LiveTree) -> None:
        for event in page.items:
            tree.apply(event)
            self.view.event(event)
        self.view.redraw(tree)
        self.view.ask(self._open_questions(page.items, tree))

    def _open_questions(self, events: Sequence[EventView], tree: LiveTree) -> list[QuestionView]:
        if not tree.is_blocked and not any(event.operation in _ASKING for event in events):
            return []
        questions = self._steady(lambda: self.api.questions(self.swarm_id))
        return [question for question in questions.items if question.is_open]

    def _ended(self) -> SwarmView:
        """The swarm's document; it is closed a moment after its root."""
        deadline = time.monotonic() + _CLOSING
        while (swarm := self._steady(lambda: self.api.swarm(self.swarm_id))).is_running:
            if time.monotonic() > deadline:
                raise CliError(f"All nodes of {self.swarm_id} have ended, but the swarm is not closed yet.")
            time.sleep(0.2)
        return swarm

    def _steady(self, read: Callable[[], T]) -> T:
        """What `read` returns, asked again while the host is away."""
        first_failure: float | None = None
        while True:
            try:
                answer = read()
            except (Unreachable, Problem) as error:
                first_failure = first_failure or time.monotonic()
                left = first_failure + self.patience - time.monotonic()
                if left <= 0 or (isinstance(error, Problem) and not error.passes):
                    raise
                self.view.away(f"{error} Trying again for {left:.0f} s.")
                asked = error.retry_after if isinstance(error, Problem) else None
                time.sleep(min(asked or _PAUSE, left))
            else:
                if first_failure is not None:
                    self.view.away(None)
                return answer


def pages(read: Callable[[int, int], EventPage], wait: int, after: int = 0) -> Iterator[EventPage]:
    """The pages of a history after a frame; with `wait` until the swarm has ended, else until there is no more."""
    while True:
        page = read(after, wait)
        yield page
        after = page.items[-1].frame if page.items else after
        # A page of long events ends early: that it is short does not say that there is no more.
        if (page.ended and len(page.items) < EVENTS) or (not page.items and not wait):
            return
        if not page.items:
            time.sleep(_BREATH)
