"""Questions to the user, and their answers."""

from typing import Annotated

import typer

from cli.api import DEFAULT_URL
from cli.options import Json, SwarmId, Url, connect
from cli.output import emit, say
from cli.text import clean, first_words
from cli.views import question_lines
from cli.wire import QuestionView

#: What a state means to the user, where its name does not say it.
_STATES = {
    "expired": "expired: nobody answered by the deadline",
    "cancelled": "cancelled: its node was cancelled before anybody answered",
}


def questions(swarm_id: SwarmId, url: Url = DEFAULT_URL, json: Json = False) -> None:
    """Show what a swarm asks you, and how to answer."""
    with connect(url) as api:
        asked = api.questions(swarm_id)
    if json:
        emit(asked)
        return
    if not asked.items:
        say("It has asked nothing.")
    for question in sorted(asked.items, key=lambda question: not question.is_open):
        for line in question_lines(swarm_id, question) if question.is_open else _closed(question):
            say(line)


def _closed(question: QuestionView) -> list[str]:
    said = f"answered: {first_words(question.answer, 200)}" if question.answer else _STATES.get(question.state)
    said = said or clean(question.state)
    return [f"Question of {question.node_id}: {first_words(question.question, 400)}", f"  {said}"]


def answer(
    swarm_id: SwarmId,
    question_id: Annotated[str, typer.Argument(metavar="QUESTION", help="The question's id.")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Your answer.")],
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Answer a question; the node that asked goes on with it."""
    if not text.strip():
        raise typer.BadParameter("it is empty", param_hint="TEXT")
    with connect(url) as api:
        question = api.answer(swarm_id, question_id, text)
        paused = not json and api.swarm(swarm_id).paused
    if json:
        emit(question)
    elif paused:
        say(f"Answered. Node {question.node_id} goes on with it once you resume it: swarmstar resume {swarm_id}")
    else:
        say(f"Answered. Node {question.node_id} goes on with it.")
