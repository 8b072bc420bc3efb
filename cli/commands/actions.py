"""What nodes can do."""

from typing import Annotated

import typer

from cli.api import DEFAULT_URL
from cli.options import Json, Url, connect
from cli.output import emit, say
from cli.text import count, first_words
from cli.wire import ActionView


def actions(
    swarm_id: Annotated[
        str | None,
        typer.Argument(metavar="[SWARM]", help="A swarm, for what it made itself and how often each is used."),
    ] = None,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """List what nodes can do."""
    with connect(url) as api:
        found = api.actions(swarm_id)
    if json:
        emit(found)
        return
    for action in found.items:
        say(_line(action))
    if not found.items:
        say("There are no actions.")


def _line(action: ActionView) -> str:
    used = "" if action.used is None else f"{count(action.used, 'node'):>9}  "
    marks = [mark for mark, is_so in (("may ask you", action.may_block), ("made here", not action.built_in)) if is_so]
    told = f"  ({', '.join(marks)})" if marks else ""
    return f"{used}{first_words(action.action_id, 64):<40}  {first_words(action.description, 110)}{told}"
