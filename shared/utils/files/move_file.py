"""`files.move_file`: move or rename a file or a folder."""

from pydantic import Field

from shared.utils.util import Arguments, Done, Drafted, Util
from shared.utils.workbench import Workbench


class MoveArguments(Arguments):
    """From where to where."""

    path: str = Field(min_length=1, max_length=512, description="The path of a file or a folder.")
    to: str = Field(min_length=1, max_length=512, description="Its new path.")


async def _move(bench: Workbench, arguments: MoveArguments) -> Drafted:
    entry = await bench.files.move(arguments.path, arguments.to)
    return Drafted(Done(said=f"moved {arguments.path} to {arguments.to}"), entry)


UTIL = Util(
    id="files.move_file",
    description="Move or rename a file, or a folder with all that is in it.",
    arguments=MoveArguments,
    result=Done,
    effect="drafts",
    call=_move,
)
