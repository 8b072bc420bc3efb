"""`files.write_file`: make a text file, replace one, or add to its end."""

from pydantic import Field

from shared.utils.util import Arguments, Done, Drafted, Util
from shared.utils.workbench import Workbench


class WriteArguments(Arguments):
    """A path and a text."""

    path: str = Field(min_length=1, max_length=512, description="A relative path such as pkg/templates/list.html.")
    text: str = Field(max_length=1_000_000, description="The text, exactly as it is to lie in the file.")
    append: bool = Field(
        default=False, description="Add the text to the end of the file; write a long file in several such parts."
    )


async def _write(bench: Workbench, arguments: WriteArguments) -> Drafted:
    write = bench.files.append if arguments.append else bench.files.write
    entry = await write(arguments.path, arguments.text)
    size = entry.changes[0].after.size if entry.changes and entry.changes[0].after else 0
    return Drafted(Done(said=f"{arguments.path} now has {size} bytes"), entry)


UTIL = Util(
    id="files.write_file",
    description="Write a whole text file of any kind, or append to one. Folders are made as needed.",
    arguments=WriteArguments,
    result=Done,
    effect="drafts",
    call=_write,
)
