"""The declaration at the end of every action's file: its entry in the action space and the function behind it."""

from dataclasses import dataclass, field
from typing import get_args, get_type_hints

from shared.actions.context import Perform
from shared.actions.folders import FOLDERS
from shared.spaces.metadata import ActionMetadata, TerminationPolicy
from shared.swarm.outcomes import Blocking

_FOLDER_IDS = frozenset(entry.id for entry in FOLDERS)


@dataclass(frozen=True, kw_only=True)
class Action:
    """One action, checked when its file is imported; raises `ValueError`, which says how to mend it."""

    #: `folder.name`: the name of its file below the folder's package.
    id: str
    #: What a model reads when it routes a directive or plans.
    name: str
    description: str
    perform: Perform
    policy: TerminationPolicy = "simple"
    #: Whether its nodes carry on through children and review their reports; such nodes count as depth.
    is_manager: bool = False
    #: Whether it may return `Blocking` and wait for the user; such nodes get an orchestration of their own.
    may_block: bool = False
    #: Whether the action space offers it. No directive is routed to one that is not; the node layer performs it.
    offered: bool = True
    #: Its entry in the action space.
    metadata: ActionMetadata = field(init=False)

    def __post_init__(self) -> None:
        folder_id, _, name = self.id.partition(".")
        if folder_id not in _FOLDER_IDS or not name:
            raise ValueError(
                f"{self.id}: there is no folder {folder_id!r}. An action's id is folder.name; "
                "declare the folder in shared/actions/folders.py"
            )
        if not self.description.strip():
            raise ValueError(f"{self.id}: describe what it does, for the model that chooses an action")
        self._check_blocking()
        metadata = ActionMetadata(
            id=self.id,
            name=self.name,
            description=self.description,
            parent_id=folder_id,
            termination_policy=self.policy,
            is_manager=self.is_manager,
            may_block=self.may_block,
        )
        object.__setattr__(self, "metadata", metadata)

    def _check_blocking(self) -> None:
        """Compare `may_block` with what `perform` is annotated to return, which mypy holds it to."""
        returned = get_type_hints(self.perform).get("return")
        outcomes = get_args(returned) or (returned,)
        if self.may_block and Blocking not in outcomes:
            raise ValueError(f"{self.id} sets may_block, and its perform returns no Blocking: leave may_block out")
        if not self.may_block and (returned is None or Blocking in outcomes):
            raise ValueError(
                f"{self.id}: its perform may return Blocking. Set may_block=True, or annotate what it does return, "
                "for example: -> Terminate | Fail"
            )
