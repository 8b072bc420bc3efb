"""`files.edit_file`: replace a piece of a text file."""

from pydantic import Field

from shared.utils.util import Arguments, Done, Drafted, Util
from shared.utils.workbench import Workbench


class EditArguments(Arguments):
    """What to replace by what."""

    path: str = Field(min_length=1, max_length=512, description="The file's path.")
    old: str = Field(
        min_length=1, max_length=200_000, description="The text to replace, exactly as it stands in the file."
    )
    new: str = Field(max_length=200_000, description="What comes in its place; empty to remove it.")
    occurrences: int = Field(default=1, ge=1, le=1_000, description="How often the text is there; all are replaced.")


async def _edit(bench: Workbench, arguments: EditArguments) -> Drafted:
    entry = await bench.files.edit(arguments.path, arguments.old, arguments.new, arguments.occurrences)
    times = "" if arguments.occurrences == 1 else f" {arguments.occurrences} times"
    return Drafted(Done(said=f"replaced{times} in {arguments.path}"), entry)


UTIL = Util(
    id="files.edit_file",
    description="Change a text file by replacing an exact piece of its text. The rest of the file stays as it is.",
    arguments=EditArguments,
    result=Done,
    effect="drafts",
    call=_edit,
)
