"""`model.ask_model`: put one question to a model that sees nothing else."""

from pydantic import Field

from shared.errors import ModelError
from shared.llm.prompting import clip
from shared.utils.util import Arguments, Done, Util, UtilError
from shared.utils.workbench import Workbench


class AskArguments(Arguments):
    """A question with everything that answering it takes."""

    question: str = Field(
        min_length=1,
        max_length=50_000,
        description="The question, with all the text it is about: nothing else is seen.",
    )


async def _ask(bench: Workbench, arguments: AskArguments) -> Done:
    try:
        answer = await bench.ask_model(arguments.question)
    except ModelError as error:
        raise UtilError(f"the model gave no usable answer: {error}") from None
    return Done(said=clip(answer, bench.shown_tokens))


UTIL = Util(
    id="model.ask_model",
    description="Ask a model one question about a text that you put into the question: a summary, a judgement.",
    arguments=AskArguments,
    result=Done,
    effect="pure",
    call=_ask,
)
