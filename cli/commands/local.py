"""What runs on this machine alone: the embedded deployment and its offline model."""

import os
import sys

import typer


def dev(context: typer.Context) -> None:
    """Run a deployment on this machine, with no account and no key. `swarmstar dev --help` says more."""
    _become("local.dev", context.args)


def models(context: typer.Context) -> None:
    """The offline model: `list` what there is, `fetch` one, or show the `path` of its file."""
    _become("local.models", context.args)


def _become(module: str, arguments: list[str]) -> None:
    """Let the module take this process over, so that signals and the exit code are its own."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 - our own interpreter and module
