"""Starting, watching, steering and listing swarms."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.api import DEFAULT_URL, Api
from cli.context import MAX_DOCUMENT, MAX_DOCUMENTS, MAX_DOCUMENTS_BYTES, read_context
from cli.failures import COMPLETED, INTERRUPTED, NOT_COMPLETED
from cli.follow import PATIENCE, Follower
from cli.options import Json, NodeId, Patience, SwarmId, Url, connect, limits_of
from cli.output import emit, remark, say
from cli.text import clean, day_and_clock, first_words, size
from cli.views import SIGNS, choose, made_by
from cli.wire import Document, SwarmView
from shared.errors import InvalidInput

_A_FILE = (
    f"A file it may read: text of at most {size(MAX_DOCUMENT)}, {MAX_DOCUMENTS} files of {size(MAX_DOCUMENTS_BYTES)} "
    "in all."
)
Directive = Annotated[str, typer.Argument(help="What the swarm shall achieve.")]
Context = Annotated[list[Path] | None, typer.Option("--context", "-c", metavar="FILE", help=_A_FILE)]
Limit = Annotated[
    list[str] | None, typer.Option("--limit", "-l", metavar="NAME=NUMBER", help="A bound, such as nodes=50.")
]
Watch = Annotated[bool, typer.Option("--watch/--no-watch", help="Stay and show the tree until it has ended.")]


def run(
    directive: Directive,
    context: Context = None,
    limit: Limit = None,
    watch: Watch = True,
    patience: Patience = PATIENCE,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Start a swarm on a directive and watch it."""
    if not directive.strip():
        raise typer.BadParameter("it is empty", param_hint="DIRECTIVE")
    limits = limits_of(limit)
    documents = read_context(context or [])
    with connect(url) as api:
        swarm = api.create_swarm(directive, documents, limits)
        if watch:
            _follow(api, swarm.swarm_id, patience, json)
        elif json:
            emit(swarm)
        else:
            say(f"swarm {swarm.swarm_id} runs. Watch it: swarmstar watch {swarm.swarm_id}")


def watch(swarm_id: SwarmId, patience: Patience = PATIENCE, url: Url = DEFAULT_URL, json: Json = False) -> None:
    """Show a swarm's tree until the swarm has ended. Ctrl-C leaves the swarm running."""
    with connect(url) as api:
        _follow(api, swarm_id, patience, json)


def _follow(api: Api, swarm_id: str, patience: float, as_json: bool) -> None:
    """Exit with how the swarm ended."""
    try:
        swarm, _ = Follower(api, swarm_id, choose(as_json), patience).run()
    except KeyboardInterrupt:
        remark(f"The swarm goes on. Come back: swarmstar watch {swarm_id}   End it: swarmstar cancel {swarm_id}")
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(COMPLETED if swarm.is_completed else NOT_COMPLETED)


def cancel(swarm_id: SwarmId, node: NodeId = None, url: Url = DEFAULT_URL, json: Json = False) -> None:
    """End a swarm, or one branch of it, before it is done."""
    _control(swarm_id, node, "cancel", "is being cancelled", url, json)


def pause(swarm_id: SwarmId, node: NodeId = None, url: Url = DEFAULT_URL, json: Json = False) -> None:
    """Let a swarm, or one branch of it, rest; what it has done is kept."""
    what = swarm_id if node is None else f"{swarm_id} --node {node}"
    _control(swarm_id, node, "pause", f"pauses. Go on with it: swarmstar resume {what}", url, json)


def resume(swarm_id: SwarmId, node: NodeId = None, url: Url = DEFAULT_URL, json: Json = False) -> None:
    """Go on with a swarm, or one branch of it, that was paused."""
    _control(swarm_id, node, "resume", "goes on", url, json)


def delete(
    swarm_id: SwarmId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether you mean it.")] = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Delete a swarm with everything in it: its tree, its memory, its files."""
    with connect(url) as api:
        if not yes:
            _confirm(api.swarm(swarm_id))
        api.delete_swarm(swarm_id)
    say(f"Deleted {clean(swarm_id)}.")


def _confirm(swarm: SwarmView) -> None:
    """Ask on a terminal; elsewhere nobody can answer."""
    if not sys.stdin.isatty():
        raise InvalidInput("there is no terminal to ask on whether you mean it: give --yes")
    typer.confirm(f"Delete {clean(swarm.swarm_id)}, {first_words(swarm.directive, 60)}?", abort=True, err=True)


def _control(swarm_id: str, node_id: str | None, command: str, said: str, url: str, as_json: bool) -> None:
    with connect(url) as api:
        if node_id is None:
            told: Document = api.control(swarm_id, command)
        else:
            told = api.control_branch(swarm_id, node_id, command)
    if as_json:
        emit(told)
    else:
        what = f"swarm {swarm_id}" if node_id is None else f"node {node_id} of swarm {swarm_id}, with all below it,"
        say(f"{what} {said}")


def list_swarms(
    limit: Annotated[int, typer.Option(min=1, max=200, help="Swarms of one page.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Where the page starts, from the page before.")] = None,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """List your swarms."""
    with connect(url) as api:
        page = api.swarms(limit, cursor)
    if json:
        emit(page)
        return
    for swarm in page.items:
        say(_line(swarm))
    if not page.items:
        say('No swarms yet. Start one: swarmstar run "…"')
    if page.cursor:
        say(f"There are more: swarmstar list --cursor {page.cursor}")


def _line(swarm: SwarmView) -> str:
    sign, _ = SIGNS.get(swarm.shown, ("·", ""))
    started, by = day_and_clock(swarm.created), made_by(swarm)
    line = f"{sign} {swarm.swarm_id}  {started}  {clean(swarm.shown):<10}  {first_words(swarm.directive, 70)}"
    return f"{line}  ({by})" if by else line
