"""`python -m local.models`: fetch, list, locate and serve the offline models."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.private_files import set_private_umask
from local.models.cache import cached
from local.models.fetch import fetch as fetch_model
from local.models.progress import Bar, PlainLines
from local.models.server import CONTEXT, SLOTS, OfflineModel
from local.models.table import MODELS, ModelFile, find
from shared.errors import SwarmStarError

app = typer.Typer(help="The offline models.", no_args_is_help=True, add_completion=False)
console = Console(stderr=True)

Name = Annotated[str | None, typer.Argument(help="A name from `list`; the default model if left out.")]


@app.command()
def fetch(name: Name = None) -> None:
    """Bring a model into the cache, and print where it is."""
    typer.echo(str(fetch_shown(find(name), console)))


@app.command("list")
def list_models() -> None:
    """Show the models that can run offline, and which of them are here."""
    table = Table("name", "model", "MB", "licence", "context", "here")
    for model in MODELS:
        name = f"{model.name} (default)" if model.default else model.name
        here = "yes" if cached(model) else "no"
        table.add_row(name, model.display, f"{model.size / 1e6:.0f}", model.licence, f"{model.context:,}", here)
    Console().print(table)


@app.command()
def path(context: typer.Context, name: str) -> None:
    """Print where a model's file is; the exit code is 1 if it is not in the cache."""
    found = cached(find(name))
    if found is None:
        called = context.parent.command_path if context.parent else "python -m local.models"
        console.print(f"{name} is not in the cache; `{called} fetch {name}` brings it")
        raise typer.Exit(1)
    typer.echo(str(found))


@app.command()
def serve(
    name: Name = None,
    slots: Annotated[int, typer.Option(min=1, max=16, help="Answers written at the same time.")] = SLOTS,
    context: Annotated[int, typer.Option(min=256, help="Tokens of a question and its answer.")] = CONTEXT,
) -> None:
    """Serve a model on loopback until interrupted, fetching it first if need be."""
    model = find(name)
    with OfflineModel(model, fetch_shown(model, console), slots=slots, context=context) as served:
        console.print(served.banner(), markup=False, highlight=False)
        typer.echo(f"OPENAI_BASE_URL={served.base_url}")
        typer.echo(f"OPENAI_API_KEY={served.api_key}")
        typer.echo(f"SWARMSTAR_MODEL={served.model}")
        with suppress(KeyboardInterrupt):
            served.wait()


def fetch_shown(model: ModelFile, console: Console) -> Path:
    """Fetch with a progress bar on a terminal, and plain lines elsewhere."""
    if not console.is_terminal:
        return asyncio.run(fetch_model(model, progress=PlainLines(console)))
    with Bar(console) as bar:
        return asyncio.run(fetch_model(model, progress=bar))


def main() -> None:
    """Run a command; what goes wrong is one message, not a traceback."""
    set_private_umask()
    try:
        app(prog_name=os.environ.pop("SWARMSTAR_CALLED", None))
    except (SwarmStarError, OSError) as error:
        console.print(f"error: {error}", markup=False, highlight=False)
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
