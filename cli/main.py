"""The `swarmstar` command: its subcommands, and how their failures are told."""

import sys
from io import TextIOWrapper
from typing import Any

import typer

from cli.commands import actions, artifacts, hooks, local, looking, memory, questions, schedules, swarms
from cli.failures import ERROR, USAGE, CliError
from cli.output import remark
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

app.command()(swarms.run)
app.command()(swarms.watch)
app.command()(looking.tree)
app.command()(looking.node)
app.command()(looking.events)
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
app.command(**_HANDED_ON)(local.dev)
app.command(**_HANDED_ON)(local.models)


def run() -> None:
    """Run the command line; a failure is one line on stderr and an exit code."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without the sign shows a question mark
    try:
        app()
    except InvalidInput as error:
        remark(f"error: {error}")
        sys.exit(USAGE)
    except CliError as error:
        remark(f"error: {error}")
        sys.exit(ERROR)


if __name__ == "__main__":
    run()
