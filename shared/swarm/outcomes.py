"""What performing an action returns: data, never an exception. Only activities turn it into state."""

from pydantic import BaseModel, ConfigDict


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class SubDirective(_Value):
    """A directive for a child. Without an action, a router searches the action space for one."""

    directive: str
    action_id: str | None = None
    #: A manager's continuation: the same directive, and what is still missing.
    continuation: bool = False
    missing: str | None = None


class ArtifactDraft(_Value):
    """Something a node produced that the user will want: a file with a name."""

    name: str
    media_type: str
    content: str
    description: str = ""


class MemoryDraft(_Value):
    """Something to remember, and the folder of the memory space it belongs into."""

    folder_id: str
    name: str
    description: str
    content: str
    type: str = "text"


class Question(_Value):
    """What only the user knows, and what the node assumes if nobody answers in time."""

    question: str
    assumption: str


class Spawn(_Value):
    """Carry on through children, which run in parallel."""

    children: tuple[SubDirective, ...]


class Terminate(_Value):
    """The directive is done, or as done as it gets; `report` is for whoever gave it."""

    report: str
    complete: bool = True
    artifacts: tuple[ArtifactDraft, ...] = ()
    memories: tuple[MemoryDraft, ...] = ()


class Blocking(_Value):
    """The node needs answers before it can act again. Only an action that `may_block` may return it."""

    questions: tuple[Question, ...]


class Fail(_Value):
    """The directive cannot be done by this action; `reason` becomes the report its manager reviews."""

    reason: str


Outcome = Spawn | Terminate | Blocking | Fail
