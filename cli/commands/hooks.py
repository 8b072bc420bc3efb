"""Addresses at which other systems start swarms."""

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.api import DEFAULT_URL, Api
from cli.commands.swarms import Context, Directive, Limit
from cli.context import MAX_PAYLOAD, read_context, read_file
from cli.options import Json, Url, connect, limits_of
from cli.output import emit, remark, say
from cli.text import clean, day_and_clock, first_words, size
from cli.views import limits_line
from cli.wire import HookView
from shared.hooks.signing import Verification, sign

app = typer.Typer(help="Addresses at which other systems start swarms.", no_args_is_help=True)

HookId = Annotated[str, typer.Argument(metavar="HOOK", help="The hook's id, as `swarmstar hooks list` shows it.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the hook is called.")],
    directive: Directive,
    verification: Annotated[
        Verification, typer.Option(help="How deliveries prove themselves.")
    ] = Verification.STANDARD,
    context: Context = None,
    limit: Limit = None,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Make a hook; its secret is shown this once."""
    swarm = {"directive": directive, "context": read_context(context or []), "limits": limits_of(limit)}
    with connect(url) as api:
        hook = api.create_hook({"name": name, "verification": verification.value, "swarm": swarm})
        if json:
            emit(hook)
        else:
            _say_secret(api, hook)


@app.command("list")
def list_hooks(url: Url = DEFAULT_URL, json: Json = False) -> None:
    """List your hooks."""
    with connect(url) as api:
        found = api.hooks()
    if json:
        emit(found)
        return
    for hook in found.items:
        say(f"{hook.hook_id}  {_state(hook):<6}  {clean(hook.verification):<8}  {first_words(hook.name, 50)}")
    if not found.items:
        say('No hooks yet. Make one: swarmstar hooks create NAME "…"')


@app.command()
def show(hook_id: HookId, url: Url = DEFAULT_URL, json: Json = False) -> None:
    """Show a hook, what it starts, and what came to it lately."""
    with connect(url) as api:
        hook = api.hook(hook_id)
    if json:
        emit(hook)
        return
    for line in _lines(api, hook):
        say(line)


@app.command()
def pause(hook_id: HookId, url: Url = DEFAULT_URL, json: Json = False) -> None:
    """Take no deliveries until it is resumed."""
    _enable(hook_id, False, url, json)


@app.command()
def resume(hook_id: HookId, url: Url = DEFAULT_URL, json: Json = False) -> None:
    """Take deliveries again."""
    _enable(hook_id, True, url, json)


@app.command()
def rotate(hook_id: HookId, url: Url = DEFAULT_URL, json: Json = False) -> None:
    """Make a new secret; the present one stays good for a day, or until this is done again."""
    with connect(url) as api:
        hook = api.rotate_hook(hook_id)
        if json:
            emit(hook)
        else:
            _say_secret(api, hook)


@app.command()
def delete(hook_id: HookId, url: Url = DEFAULT_URL) -> None:
    """Delete a hook; the swarms that it started stay."""
    with connect(url) as api:
        api.delete_hook(hook_id)
    say(f"Deleted {clean(hook_id)}.")


@app.command()
def send(
    hook_id: HookId,
    secret: Annotated[
        str,
        typer.Option(envvar="SWARMSTAR_HOOK_SECRET", help="Its secret; better in the variable than in the command."),
    ],
    payload: Annotated[str, typer.Argument(metavar="[PAYLOAD]", help="What is delivered.")] = "",
    file: Annotated[Path | None, typer.Option("--file", "-f", metavar="FILE", help="A file instead.")] = None,
    delivery_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="The delivery's id; the same one starts nothing new.")
    ] = None,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Sign a delivery and send it, as the other system would."""
    body = payload.encode() if file is None else read_file(file, MAX_PAYLOAD)
    named = delivery_id or uuid.uuid4().hex
    with connect(url) as api:
        way = Verification(api.hook(hook_id).verification)
        try:
            headers = sign(way, secret, body, named, datetime.now(UTC))
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--secret") from None
        delivered = api.deliver(hook_id, headers, body)
    if json:
        emit(delivered)
    else:
        say(f"swarm {delivered.swarm_id} runs. Watch it: swarmstar watch {delivered.swarm_id}")


def _enable(hook_id: str, enabled: bool, url: str, as_json: bool) -> None:
    with connect(url) as api:
        hook = api.change_hook(hook_id, {"enabled": enabled})
    if as_json:
        emit(hook)
    else:
        say(f"hook {hook.hook_id} {'takes deliveries' if enabled else 'is paused'}.")


def _say_secret(api: Api, hook: HookView) -> None:
    say(f"hook {hook.hook_id}: {first_words(hook.name, 80)}")
    say(f"  address  {api.url}{hook.path}")
    say(f"  secret   {hook.secret}")
    if hook.previous_until is not None:
        say(f"The secret before it is good until {day_and_clock(hook.previous_until)}.")
    remark("The secret is shown this once: keep it where the other system has its own.")


def _state(hook: HookView) -> str:
    return "on" if hook.enabled else "paused"


def _lines(api: Api, hook: HookView) -> list[str]:
    started, refused = hook.last_started, hook.last_refused
    return [
        f"hook {hook.hook_id}: {first_words(hook.name, 80)}",
        f"  {api.url}{hook.path}  {clean(hook.verification)}, {_state(hook)}",
        f"  starts: {first_words(hook.directive, 400)}",
        *(f"  with {first_words(doc.name, 60)}, {size(doc.size)}" for doc in hook.context),
        *([f"  {limits_line(hook.limits)}"] if hook.limits else []),
        *([] if started is None else [f"  started {started.swarm_id} at {day_and_clock(started.at)}"]),
        *([] if refused is None else [f"  refused at {day_and_clock(refused.at)}: {first_words(refused.reason, 200)}"]),
        *([] if started is None and refused is None else ["  Starts and refusals are noted once a minute at most."]),
    ]
