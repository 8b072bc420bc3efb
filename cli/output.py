"""Where output goes: stdout for answers, stderr for remarks, and never a byte a terminal would obey."""

import json
import sys

import typer
from pydantic import BaseModel
from rich.console import Console

from cli.text import clean


def say(text: str = "") -> None:
    """One plain line or more on stdout."""
    typer.echo(clean(text))


def remark(text: str) -> None:
    """A line beside the answer, on stderr."""
    typer.echo(clean(text), err=True)


def emit(document: BaseModel) -> None:
    """One JSON document on one line of stdout. Escapes keep it ASCII, whatever the terminal."""
    typer.echo(json.dumps(document.model_dump(mode="json"), separators=(",", ":")))


def is_terminal() -> bool:
    """Whether stdout is a terminal that can move its cursor."""
    return sys.stdout.isatty() and not Console().is_dumb_terminal
