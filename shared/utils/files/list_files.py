"""`files.list_files`: the files of the workspace, with their sizes."""

from pydantic import Field

from shared.utils.util import Arguments, Result, Util
from shared.utils.workbench import Workbench

#: Files that one result names.
MAX_LISTED = 400


class ListArguments(Arguments):
    """A folder and a pattern."""

    folder: str = Field(default="", max_length=512, description="Only files below this folder; empty for all.")
    pattern: str | None = Field(default=None, max_length=200, description="A glob such as *.py or tests/*.py.")


class Listing(Result):
    """Paths and sizes in bytes."""

    files: tuple[tuple[str, int], ...]
    total: int

    def text(self) -> str:
        """Return a line a file."""
        lines = [f"{path} ({size} bytes)" for path, size in self.files]
        if self.total > len(self.files):
            lines.append(f"and {self.total - len(self.files)} more: name a folder or a pattern")
        return "\n".join(lines) or "there are no such files"


async def _list(bench: Workbench, arguments: ListArguments) -> Listing:
    found = bench.files.files(arguments.folder, arguments.pattern)
    return Listing(files=tuple((path, content.size) for path, content in found[:MAX_LISTED]), total=len(found))


UTIL = Util(
    id="files.list_files",
    description="List the files of the workspace with their sizes.",
    arguments=ListArguments,
    result=Listing,
    effect="reads",
    call=_list,
)
