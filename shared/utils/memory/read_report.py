"""`memory.read_report`: read the whole report of another node."""

from pydantic import Field

from shared.errors import Conflict, NotFound
from shared.llm.prompting import clip
from shared.utils.util import Arguments, Done, Util, UtilError
from shared.utils.workbench import Workbench


class ReportArguments(Arguments):
    """A node."""

    node_id: str = Field(
        min_length=1, max_length=64, description="The node's id, such as 0.2.1, as shown with its report."
    )


async def _read(bench: Workbench, arguments: ReportArguments) -> Done:
    try:
        report = await bench.reports.read(arguments.node_id)
    except (NotFound, Conflict) as error:
        raise UtilError(str(error)) from None
    return Done(said=clip(report, bench.shown_tokens))


UTIL = Util(
    id="memory.read_report",
    description="Read the whole report that another node of this swarm left when it ended.",
    arguments=ReportArguments,
    result=Done,
    effect="reads",
    call=_read,
)
