"""`files.delete_file`: delete a file or a folder."""

from pydantic import Field

from shared.utils.util import Arguments, Done, Drafted, Util
from shared.utils.workbench import Workbench


class DeleteArguments(Arguments):
    """What to delete."""

    path: str = Field(min_length=1, max_length=512, description="The path of a file or a folder.")


async def _delete(bench: Workbench, arguments: DeleteArguments) -> Drafted:
    entry = await bench.files.delete(arguments.path)
    return Drafted(Done(said=f"deleted {arguments.path}"), entry)


UTIL = Util(
    id="files.delete_file",
    description="Delete a file, or a folder with all that is in it.",
    arguments=DeleteArguments,
    result=Done,
    effect="drafts",
    call=_delete,
)
