"""The declaration at the end of every util's file: its entry in the util space, its schemas, and its function."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import InvalidInput, NotFound, SwarmStarError
from shared.llm.port import Tool
from shared.spaces.metadata import SwarmUtilMetadata
from shared.swarm.outcomes import MemoryDraft
from shared.utils.folders import FOLDERS
from shared.utils.workbench import Workbench
from shared.workspace.model import DraftEntry

#: What calling a util does: `pure` computes, `reads` looks at what the swarm has, `drafts` changes the node's draft or
#: what is filed with it, `outside` changes something that the swarm does not hold.
Effect = Literal["pure", "reads", "drafts", "outside"]

_FOLDER_IDS = frozenset(entry.id for entry in FOLDERS)
#: Faults of arguments that an answer names.
_SHOWN_FAULTS = 5


class UtilError(SwarmStarError):
    """The util could not do what was asked; the message tells the model what to do instead."""


class Arguments(BaseModel):
    """Base of every util's arguments."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Result(BaseModel):
    """Base of every util's result."""

    model_config = ConfigDict(frozen=True)

    def text(self) -> str:
        """Return what a model reads of it."""
        return self.model_dump_json()


class Done(Result):
    """A result that is one sentence."""

    said: str

    def text(self) -> str:
        """Return the sentence."""
        return self.said


@dataclass(frozen=True, slots=True)
class Drafted:
    """A result with what it changes, which holds once it is journalled."""

    result: Result
    #: Changes of the draft.
    entry: DraftEntry | None = None
    #: What is filed in memory when the node ends.
    memory: MemoryDraft | None = None


A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True, kw_only=True)
class Util(Generic[A]):
    """One util, checked when its file is imported; raises `ValueError`, which says how to mend it."""

    #: `folder.name`: the name of its file below the folder's package. Models know it by `name` alone.
    id: str
    #: What a model reads when it decides which to call, and how.
    description: str
    arguments: type[A]
    result: type[Result]
    effect: Effect
    #: Raises `UtilError` or `InvalidInput` for what a model can mend, and `Unavailable` for what is better done later.
    call: Callable[[Workbench, A], Awaitable[Result | Drafted]]

    def __post_init__(self) -> None:
        folder_id, _, name = self.id.partition(".")
        if folder_id not in _FOLDER_IDS or not name.isidentifier():
            raise ValueError(f"{self.id}: use the id folder.name with a folder of shared/utils/folders.py")

    @property
    def name(self) -> str:
        """What a model calls it."""
        return self.id.partition(".")[2]

    @property
    def tool(self) -> Tool:
        """Its definition for the model port."""
        return Tool(self.name, self.description, arguments_schema(self.arguments))

    @property
    def metadata(self) -> SwarmUtilMetadata:
        """Its entry in the util space."""
        return SwarmUtilMetadata(
            id=self.id, name=self.name, description=self.description, parent_id=self.id.partition(".")[0]
        )

    def parse(self, values: dict[str, Any]) -> A:
        """Check arguments; raises `UtilError` that names what is wrong with them."""
        try:
            return self.arguments.model_validate(values)
        except ValidationError as error:
            raise UtilError(faults_of(self.name, error)) from None

    async def run(self, bench: Workbench, values: dict[str, Any]) -> Drafted:
        """Check the arguments and call it; raises `UtilError` for what a model can mend."""
        try:
            result = await self.call(bench, self.parse(values))
        except (InvalidInput, NotFound) as error:
            raise UtilError(str(error)) from None
        return result if isinstance(result, Drafted) else Drafted(result)


def arguments_schema(arguments: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of arguments as models are told it: without titles."""
    schema = arguments.model_json_schema()
    return {key: _untitled(value) for key, value in schema.items() if key not in {"title", "description"}}


def _untitled(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _untitled(inner) for key, inner in value.items() if not (key == "title" and isinstance(inner, str))
        }
    return value


def faults_of(name: str, error: ValidationError) -> str:
    """Say what is wrong with a tool's arguments, in words that a model can act on."""
    told = [
        f"{'.'.join(map(str, fault['loc'])) or 'arguments'}: {fault['msg']}" for fault in error.errors()[:_SHOWN_FAULTS]
    ]
    return f"the arguments of {name} are not right: {'; '.join(told)}"
