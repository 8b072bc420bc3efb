"""The `swarmstar` command: its subcommands, and how their failures are told."""

import sys
from importlib.metadata import version
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cli.api import DEFAULT_URL
from cli.commands import (
    actions,
    archives,
    artifacts,
    hooks,
    inspect,
    keys,
    local,
    memory,
    questions,
    schedules,
    swarms,
    usage,
)
from cli.failures import ERROR, USAGE, CliError
from cli.output import remark, say
from shared.errors import InvalidInput

app = typer.Typer(
    name="swarmstar",
    help="Start swarms on a directive, watch them work, answer their questions, take their results.\n\n"
    "Exit codes: 0 completed, 1 error, 2 wrong usage, 3 the swarm ended without completing its directive.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

#: Options of a command whose arguments go to another program as they are.
_HANDED_ON: dict[str, Any] = {
    "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True},
    "add_help_option": False,
}


def _say_version(wanted: bool) -> None:
    if wanted:
        say(f"swarmstar {version('swarmstar')}")
        raise typer.Exit()


@app.callback()
def before(
    context: typer.Context,
    url: Annotated[
        str, typer.Option(envvar="SWARMSTAR_URL", help="Where the deployment answers.", show_default=DEFAULT_URL)
    ] = DEFAULT_URL,
    json: Annotated[bool, typer.Option("--json", help="JSON instead of text.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """What is said before a command holds for it, unless it says otherwise itself."""
    context.default_map = _everywhere(context.command, {"url": url, "json": json})


def _everywhere(command: object, said: dict[str, Any]) -> dict[str, Any]:
    """The same defaults for each command below a group."""
    if not isinstance(command, TyperGroup):
        return said
    return {name: _everywhere(below, said) for name, below in command.commands.items()}


app.command()(swarms.run)
app.command()(swarms.watch)
app.command()(inspect.tree)
app.command()(inspect.node)
app.command()(inspect.events)
app.command()(questions.questions)
app.command()(questions.answer)
app.command()(artifacts.artifacts)
app.add_typer(memory.app, name="memory")
app.command()(actions.actions)
app.add_typer(schedules.app, name="schedules")
app.add_typer(hooks.app, name="hooks")
app.command()(swarms.cancel)
app.command()(swarms.pause)
app.command()(swarms.resume)
app.command("list")(swarms.list_swarms)
app.command()(swarms.delete)
app.command()(archives.export)
app.command("import")(archives.import_file)
app.command()(usage.usage)
app.command()(usage.quotas)
app.add_typer(keys.app, name="keys")
app.command(**_HANDED_ON)(local.dev)
app.command(**_HANDED_ON)(local.models)


def run() -> None:
    """Run the command line; a failure is one line on stderr and an exit code."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without the sign shows a question mark
    try:
        app(prog_name="swarmstar")
    except InvalidInput as error:
        remark(f"error: {error}")
        sys.exit(USAGE)
    except CliError as error:
        remark(f"error: {error}")
        sys.exit(ERROR)


if __name__ == "__main__":
    run()
