"""A workbench on real stores and, where it is asked for, the real sandbox."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.adapters.filesystem import FilesystemBlobs
from shared.adapters.sqlite import SqliteStore
from shared.errors import Conflict, NotFound
from shared.sandbox import Sandbox
from shared.testing.memory import FakeMemory
from shared.types import SpaceKey
from shared.utils.registry import util_of
from shared.utils.util import Drafted
from shared.utils.workbench import Workbench
from shared.workspace.model import EMPTY
from shared.workspace.workspace import Workspaces

SPACE = SpaceKey("ada", "work")


class Reports:
    """Reports of two nodes, one of which has not ended."""

    async def read(self, node_id: str) -> str:
        if node_id == "0.1":
            raise Conflict("node 0.1 has not ended: it has no report yet")
        if node_id != "0.0":
            raise NotFound(f"there is no node {node_id!r}")
        return "The tide is high at noon."


@dataclass
class Desk:
    """A node's workbench; what a util drafts is applied, as a loop does after it journalled it."""

    bench: Workbench

    async def call(self, util_id: str, **values: Any) -> str:
        """Call a util, and return what a model reads of its result."""
        return (await self.drafted(util_id, **values)).result.text()

    async def drafted(self, util_id: str, **values: Any) -> Drafted:
        drafted = await util_of(util_id).run(self.bench, values)
        if drafted.entry is not None:
            await self.bench.files.apply(drafted.entry)
        return drafted

    async def text(self, path: str) -> str:
        return (await self.bench.files.read_bytes(path)).decode()


async def make_desk(folder: Path, sandbox: Sandbox | None = None) -> tuple[Desk, SqliteStore]:
    """A desk on files below a folder, with an empty draft."""

    async def ask_model(question: str) -> str:
        return f"asked: {question}"

    store = SqliteStore(folder)
    workspace = Workspaces(store, FilesystemBlobs(folder)).of(SPACE)
    files = workspace.files(await workspace.draft(EMPTY))
    memory = FakeMemory(("tides.md", "High at noon."))
    return Desk(Workbench(SPACE, "0.2", files, sandbox, memory, Reports(), ask_model)), store
