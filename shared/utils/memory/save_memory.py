"""`memory.save_memory`: file a fact that later nodes need; it is filed when the node ends."""

from pydantic import Field

from shared.swarm.outcomes import MemoryDraft
from shared.utils.util import Arguments, Done, Drafted, Util, UtilError
from shared.utils.workbench import Workbench

#: Facts that one node may file.
MAX_REMEMBERED = 20


class SaveArguments(Arguments):
    """A fact, and what it is found by."""

    name: str = Field(min_length=1, max_length=80, description="A short title.")
    description: str = Field(min_length=1, max_length=300, description="What the fact is about, for whoever searches.")
    content: str = Field(min_length=1, max_length=12_000, description="The fact itself.")


async def _save(bench: Workbench, arguments: SaveArguments) -> Drafted:
    if bench.remembered >= MAX_REMEMBERED:
        raise UtilError(f"a node files at most {MAX_REMEMBERED} memories: put more into a file of the workspace")
    draft = MemoryDraft(
        folder_id="references", name=arguments.name, description=arguments.description, content=arguments.content
    )
    return Drafted(Done(said=f"{arguments.name!r} is filed in memory when you finish"), memory=draft)


UTIL = Util(
    id="memory.save_memory",
    description="Remember a fact for later nodes. Use a file instead for anything the user should get.",
    arguments=SaveArguments,
    result=Done,
    effect="drafts",
    call=_save,
)
