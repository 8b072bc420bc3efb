"""`files.search_files`: find lines in the text files of the workspace."""

from pydantic import Field

from shared.utils.util import Arguments, Result, Util
from shared.utils.workbench import Workbench

MAX_FOUND = 100


class SearchArguments(Arguments):
    """What to look for, and where."""

    wanted: str = Field(min_length=1, max_length=500, description="A text, or a regular expression with is_regex.")
    is_regex: bool = False
    ignore_case: bool = False
    folder: str = Field(default="", max_length=512, description="Only files below this folder; empty for all.")
    pattern: str | None = Field(default=None, max_length=200, description="A glob of files such as *.py.")


class FoundLines(Result):
    """Lines that match, with their places."""

    lines: tuple[tuple[str, int, str], ...]

    def text(self) -> str:
        """Return a line each: path, number, text."""
        told = [f"{path}:{number}: {line}" for path, number, line in self.lines]
        if len(told) == MAX_FOUND:
            told.append(f"only the first {MAX_FOUND} are shown: search for something narrower")
        return "\n".join(told) or "no line matches"


async def _search(bench: Workbench, arguments: SearchArguments) -> FoundLines:
    found = await bench.files.search(
        arguments.wanted,
        is_regex=arguments.is_regex,
        ignore_case=arguments.ignore_case,
        under=arguments.folder,
        pattern=arguments.pattern,
        limit=MAX_FOUND,
    )
    return FoundLines(lines=tuple((one.path, one.line, one.text) for one in found))


UTIL = Util(
    id="files.search_files",
    description="Find the lines of the workspace's text files that hold a text or match a regular expression.",
    arguments=SearchArguments,
    result=FoundLines,
    effect="reads",
    call=_search,
)
