"""`files.read_file`: read a text file by lines."""

from pydantic import Field

from shared.llm.prompting import estimate_tokens
from shared.utils.util import Arguments, Result, Util
from shared.utils.workbench import Workbench


class ReadArguments(Arguments):
    """A file and a range of lines."""

    path: str = Field(min_length=1, max_length=512, description="The file's path.")
    first: int = Field(default=1, ge=1, description="The first line, counted from 1.")
    last: int | None = Field(default=None, ge=1, description="The last line; leave out for the end of the file.")


class Lines(Result):
    """Some lines of a file."""

    path: str
    first: int
    lines: tuple[str, ...]
    #: Lines of the whole file.
    total: int

    def text(self) -> str:
        """Return the lines under a head that says where they lie."""
        last = self.first + len(self.lines) - 1
        if not self.lines:
            return f"{self.path} has {self.total} lines; there is nothing from line {self.first} on"
        more = f"; read on from line {last + 1}" if last < self.total else ""
        return "\n".join([f"{self.path}, lines {self.first} to {last} of {self.total}{more}:", *self.lines])


async def _read(bench: Workbench, arguments: ReadArguments) -> Lines:
    found = await bench.files.read(arguments.path, arguments.first, arguments.last)
    shown: list[str] = []
    room = bench.shown_tokens
    for line in found.lines:
        room -= estimate_tokens(line)
        if room < 0 and shown:
            break
        shown.append(line)
    return Lines(path=found.path, first=found.first, lines=tuple(shown), total=found.total)


UTIL = Util(
    id="files.read_file",
    description="Read a text file of the workspace, whole or some lines of it.",
    arguments=ReadArguments,
    result=Lines,
    effect="reads",
    call=_read,
)
