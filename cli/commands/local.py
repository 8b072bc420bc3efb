"""What runs on this machine alone: the embedded deployment and its offline model."""

import os
import sys

import typer


def dev(context: typer.Context) -> None:
    """Run a deployment on this machine, with no account elsewhere. `swarmstar dev --help` says more."""
    _become("local.dev", "swarmstar dev", context.args)


def models(context: typer.Context) -> None:
    """The offline model: `list` what there is, `fetch` one, or show the `path` of its file."""
    _become("local.models", "swarmstar models", context.args)


def _become(module: str, called: str, arguments: list[str]) -> None:
    """Let the module take this process over, so that signals and the exit code are its own.

    Neither it nor what it starts looks for modules in the folder it is called in: that holds anybody's files.
    """
    sys.stdout.flush()
    environment = os.environ | {"PYTHONSAFEPATH": "1", "SWARMSTAR_CALLED": called}
    command = [sys.executable, "-m", module, *arguments]
    os.execve(sys.executable, command, environment)  # noqa: S606 - our own interpreter and module
