"""Starting, watching, steering and listing swarms."""

from pathlib import Path
from typing import Annotated

import typer

from cli.api import DEFAULT_URL, Api
from cli.context import read_context, read_limits
from cli.failures import COMPLETED, INTERRUPTED, NOT_COMPLETED
from cli.follow import PATIENCE, Follower
from cli.options import Json, Patience, SwarmId, Url, connect
from cli.output import emit, remark, say
from cli.text import clean, day_and_clock, first_words
from cli.views import SIGNS, choose

Directive = Annotated[str, typer.Argument(help="What the swarm shall achieve.")]
Context = Annotated[list[Path] | None, typer.Option("--context", "-c", metavar="FILE", help="A file it may read.")]
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
    try:
        limits = read_limits(limit or [])
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--limit") from error
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


def cancel(swarm_id: SwarmId, url: Url = DEFAULT_URL, json: Json = False) -> None:
    """End a swarm before it is done."""
    _control(swarm_id, "cancel", "is being cancelled", url, json)


def pause(swarm_id: SwarmId, url: Url = DEFAULT_URL, json: Json = False) -> None:
    """Let a swarm rest; what it has done is kept."""
    _control(swarm_id, "pause", f"pauses. Go on with it: swarmstar resume {swarm_id}", url, json)


def resume(swarm_id: SwarmId, url: Url = DEFAULT_URL, json: Json = False) -> None:
    """Go on with a swarm that was paused."""
    _control(swarm_id, "resume", "goes on", url, json)


def _control(swarm_id: str, command: str, said: str, url: str, as_json: bool) -> None:
    with connect(url) as api:
        swarm = api.control(swarm_id, command)
    if as_json:
        emit(swarm)
    else:
        say(f"swarm {swarm.swarm_id} {said}")


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
        sign = SIGNS.get(swarm.status, ("·", ""))[0]
        started = day_and_clock(swarm.created)
        say(f"{sign} {swarm.swarm_id}  {started}  {clean(swarm.status):<10}  {first_words(swarm.directive, 70)}")
    if not page.items:
        say('No swarms yet. Start one: swarmstar run "…"')
    if page.cursor:
        say(f"There are more: swarmstar list --cursor {page.cursor}")
