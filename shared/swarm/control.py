"""The control document of a swarm: what its user asked of it, as a whole and branch by branch, while it runs."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.errors import Conflict

#: Branches that are paused or cancelled at once. Every model call reads the document twice, so it stays small.
MAX_BRANCHES = 64
#: Resumed branches that are remembered, so that their signals can be repeated.
_REMEMBERED = 16


class Command(StrEnum):
    """What the nodes of a swarm or of a branch shall do."""

    RUN = "run"
    PAUSE = "pause"
    CANCEL = "cancel"


class BranchControl(BaseModel):
    """What was asked of one node and all below it."""

    model_config = ConfigDict(frozen=True)

    command: Command
    changed: datetime
    #: The number of its latest pause among all of the swarm's branches, which names the event that ends it; 0 if none.
    pause: int = 0


def is_below(node_id: str, top: str) -> bool:
    """Return whether a node is `top` or lies below it."""
    return node_id == top or node_id.startswith(top + ".")


class Control(BaseModel):
    """What the nodes of a swarm shall do. Read before and after every model call.

    Cancel outweighs pause, wherever in the tree either was said. A cancelled branch stays so. Pausing throws no paid
    work away.
    """

    model_config = ConfigDict(frozen=True)

    command: Command = Command.RUN
    #: When the user last changed it as a whole; the sweep repeats its signals for a while.
    changed: datetime | None = None
    #: How often the swarm was paused; names the event that ends a pause.
    pauses: int = 0
    #: Since when it is paused, and the seconds of the pauses that are over: wall time stands still meanwhile.
    paused_since: datetime | None = None
    paused: float = 0.0
    #: Branches that are paused or cancelled, by the id of the node on top.
    subtrees: dict[str, BranchControl] = {}
    #: Branches that were resumed, or cancelled with one above them: the latest few.
    resumed: dict[str, BranchControl] = {}
    #: How often a branch was paused.
    branch_pauses: int = 0

    def pause(self, now: datetime) -> "Control":
        """Paused from now on, if it is not already. Raises `Conflict` once it was cancelled."""
        self._check_not_cancelled()
        if self.command is Command.PAUSE:
            return self._with(changed=now)
        return self._with(command=Command.PAUSE, changed=now, pauses=self.pauses + 1, paused_since=now)

    def run(self, now: datetime) -> "Control":
        """Running from now on; branches that are paused stay so. Raises `Conflict` once it was cancelled."""
        self._check_not_cancelled()
        return self._with(command=Command.RUN, changed=now, paused_since=None, paused=self.stood(now))

    def cancel(self, now: datetime) -> "Control":
        """Cancelled for good."""
        return self._with(command=Command.CANCEL, changed=now)

    def pause_branch(self, top: str, now: datetime) -> "Control":
        """With a branch paused. Raises `Conflict` once it was cancelled, or if there are too many."""
        self._check_not_cancelled(top)
        if top in self.subtrees:
            return self
        number = self.branch_pauses + 1
        branch = BranchControl(command=Command.PAUSE, changed=now, pause=number)
        resumed = {other: one for other, one in self.resumed.items() if other != top}
        return self._with(subtrees=self._one_more(top, branch), resumed=resumed, branch_pauses=number)

    def resume_branch(self, top: str, now: datetime) -> "Control":
        """With a branch's own pause ended. Raises `Conflict` once it was cancelled, or if it is paused from above."""
        self._check_not_cancelled(top)
        if top not in self.subtrees:
            if self.of(top) is Command.PAUSE:
                raise Conflict(f"node {top} is paused with {self._paused_above(top)}: resume that")
            return self
        left = {other: branch for other, branch in self.subtrees.items() if other != top}
        ended = self.subtrees[top].model_copy(update={"command": Command.RUN, "changed": now})
        return self._with(subtrees=left, resumed=self._remembering({top: ended}))

    def cancel_branch(self, top: str, now: datetime) -> "Control":
        """With a branch cancelled for good, and what was asked of parts of it forgotten.

        Raises `Conflict` if there are too many.
        """
        if self.of(top) is Command.CANCEL:
            return self
        below = {other: one for other, one in self.subtrees.items() if other != top and is_below(other, top)}
        known = self.subtrees.get(top) or self.resumed.get(top)
        branch = BranchControl(command=Command.CANCEL, changed=now, pause=known.pause if known else 0)
        left = self._with(subtrees={other: one for other, one in self.subtrees.items() if other not in below})
        ended = {other: one.model_copy(update={"changed": now}) for other, one in below.items() if one.pause}
        return left._with(subtrees=left._one_more(top, branch), resumed=self._remembering(ended))

    def of(self, node_id: str) -> Command:
        """What a node shall do."""
        said = {self.command, *(branch.command for _, branch in self._above(self.subtrees, node_id))}
        return next((command for command in (Command.CANCEL, Command.PAUSE) if command in said), Command.RUN)

    def stood(self, now: datetime) -> float:
        """Return the seconds that the swarm as a whole was paused until now."""
        since = 0.0 if self.paused_since is None else (now - self.paused_since).total_seconds()
        return self.paused + max(0.0, since)

    def pausing(self, node_id: str) -> tuple[int, ...]:
        """Return the numbers of the pauses of branches that hold a node now."""
        above = self._above(self.subtrees, node_id)
        return tuple(branch.pause for _, branch in above if branch.command is Command.PAUSE)

    def paused_before(self, node_id: str) -> tuple[int, ...]:
        """Return the numbers of the pauses of branches that a node may have found, those that are over included."""
        numbers = {branch.pause for _, branch in self._above({**self.resumed, **self.subtrees}, node_id)}
        return tuple(sorted(numbers - {0}))

    @property
    def cancelled(self) -> tuple[str, ...]:
        """The ids of the nodes on top of cancelled branches."""
        return tuple(top for top, branch in self.subtrees.items() if branch.command is Command.CANCEL)

    def _with(self, **changes: Any) -> "Control":
        return self.model_copy(update=changes)

    def _one_more(self, top: str, branch: BranchControl) -> dict[str, BranchControl]:
        if top not in self.subtrees and len(self.subtrees) >= MAX_BRANCHES:
            raise Conflict(
                f"{MAX_BRANCHES} branches of this swarm are paused or cancelled: resume one, or cancel one higher up, "
                "which takes in those below it"
            )
        return {**self.subtrees, top: branch}

    def _remembering(self, ended: dict[str, BranchControl]) -> dict[str, BranchControl]:
        latest = sorted({**self.resumed, **ended}.items(), key=lambda item: item[1].changed)
        return dict(latest[-_REMEMBERED:])

    def _check_not_cancelled(self, top: str | None = None) -> None:
        if self.command is Command.CANCEL:
            raise Conflict("the swarm is being cancelled")
        if top is not None and self.of(top) is Command.CANCEL:
            raise Conflict(f"node {top} is being cancelled, or was")

    def _paused_above(self, node_id: str) -> str:
        tops = [top for top, branch in self._above(self.subtrees, node_id) if branch.command is Command.PAUSE]
        return f"node {tops[0]}" if tops else "the whole swarm"

    @staticmethod
    def _above(branches: dict[str, BranchControl], node_id: str) -> Iterator[tuple[str, BranchControl]]:
        return ((top, branch) for top, branch in branches.items() if is_below(node_id, top))


RUNNING = Control()
