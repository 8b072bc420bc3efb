"""Looking into a swarm's memory, and adding to it."""

from pathlib import Path
from typing import Annotated

import typer

from cli.api import DEFAULT_URL, Api
from cli.context import MAX_MEMORY, read_file
from cli.failures import CliError, Problem
from cli.options import Json, SwarmId, Url, connect
from cli.output import emit, remark, say
from cli.text import clean, first_words, size
from cli.wire import MemoryDetail, MemoryList, MemoryView
from shared.types import check_item_id

app = typer.Typer(help="Look into a swarm's memory, and add to it.", no_args_is_help=True)

BAD_REQUEST = 400
#: Folders of one kind that an error names at most.
_MOST_FOLDERS = 20

MemoryId = Annotated[str, typer.Argument(metavar="MEMORY", help="Its id, as `swarmstar memory list` shows it.")]


@app.command("list")
def list_memory(
    swarm_id: SwarmId,
    folder_id: Annotated[str | None, typer.Argument(metavar="[FOLDER]", help="A folder's id; else the top.")] = None,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """List what lies in a folder."""
    with connect(url) as api:
        found = api.memory(swarm_id, folder_id)
    _show(found, json, "Nothing lies there.")


@app.command()
def search(
    swarm_id: SwarmId,
    words: Annotated[list[str], typer.Argument(metavar="WORD...", help="Words of its name or description.")],
    folder_id: Annotated[str | None, typer.Option("--folder", metavar="FOLDER", help="Only below this folder.")] = None,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Find memories whose name or description has all the words."""
    if not (query := " ".join(words).strip()):
        raise typer.BadParameter("it is empty", param_hint="WORD")
    with connect(url) as api:
        found = api.memory(swarm_id, folder_id, query)
    _show(found, json, "Nothing was found.")
    if not found.complete:
        remark("Not everything was looked at: name a folder further down with --folder.")


@app.command()
def show(swarm_id: SwarmId, memory_id: MemoryId, url: Url = DEFAULT_URL, json: Json = False) -> None:
    """Show one memory with its content."""
    with connect(url) as api:
        found = api.memory_detail(swarm_id, memory_id)
        if json:
            emit(found)
            return
        content = found.content
        if content is None and not found.is_folder:
            content = api.memory_content(swarm_id, memory_id).decode("utf-8", "replace")
    for line in _detail_lines(found, content):
        say(line)


@app.command()
def add(
    swarm_id: SwarmId,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    text: Annotated[str | None, typer.Argument(metavar="[TEXT]", help="What is to be remembered.")] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", metavar="FILE", help=f"A file of text instead, of at most {size(MAX_MEMORY)}."),
    ] = None,
    description: Annotated[str, typer.Option(help="What it holds, for whoever searches.")] = "",
    kind: Annotated[
        str, typer.Option("--type", help="text, markdown, code, json, csv, conversation, document.")
    ] = "text",
    folder_id: Annotated[str | None, typer.Option("--folder", metavar="FOLDER", help="Where it is filed.")] = None,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Hand something over to a swarm while it runs."""
    if (text is None) == (file is None):
        raise typer.BadParameter("give either a text or --file", param_hint="TEXT")
    new = {"name": name, "description": description, "type": kind, "content": text or _text(file)}
    with connect(url) as api:
        added = _add(api, swarm_id, new, folder_id)
    if json:
        emit(added)
    else:
        say(f"Added {added.memory_id} to {' / '.join(added.path[:-1])}. Nodes that act from now on find it.")


@app.command()
def remove(swarm_id: SwarmId, memory_id: MemoryId, url: Url = DEFAULT_URL) -> None:
    """Remove what you added."""
    with connect(url) as api:
        api.remove_memory(swarm_id, memory_id)
    say(f"Removed {memory_id}.")


def _add(api: Api, swarm_id: str, new: dict[str, str], folder_id: str | None) -> MemoryDetail:
    """Add it; if that is refused and its folder is not there, the error names those that are."""
    if folder_id is None:
        return api.add_memory(swarm_id, new)
    try:
        return api.add_memory(swarm_id, new | {"folder_id": check_item_id(folder_id, "folder id")})
    except Problem as error:
        there = _folders(api, swarm_id) if error.status == BAD_REQUEST else []
        if not there or folder_id in there:
            raise
        raise CliError(f"There is no folder {folder_id}; there are: {', '.join(map(clean, there))}.") from error


def _folders(api: Api, swarm_id: str) -> list[str]:
    """The ids of the folders at the top and of those right below them; nothing where that cannot be told."""
    try:
        top = [entry.memory_id for entry in api.memory(swarm_id).items if entry.is_folder][:_MOST_FOLDERS]
        below = [entry.memory_id for one in top for entry in api.memory(swarm_id, one).items if entry.is_folder]
    except CliError:
        return []
    return list(dict.fromkeys([*top, *below]))[: 2 * _MOST_FOLDERS]


def _text(file: Path | None) -> str:
    if file is None:
        raise typer.BadParameter("it is empty", param_hint="TEXT")
    try:
        return read_file(file, MAX_MEMORY).decode("utf-8")
    except UnicodeDecodeError as error:
        raise CliError(f"{file} is not UTF-8 text.") from error


def _show(found: MemoryList, as_json: bool, nothing: str) -> None:
    if as_json:
        emit(found)
        return
    for entry in found.items:
        say(_line(entry))
    if not found.items:
        say(nothing)


def _line(entry: MemoryView) -> str:
    name = first_words(entry.name, 40) + ("/" if entry.is_folder else "")
    return f"{clean(entry.memory_id):<26}  {name:<42}  {first_words(entry.description, 80)}".rstrip()


def _detail_lines(found: MemoryDetail, content: str | None) -> list[str]:
    about = [found.type or found.kind, *([] if found.size is None else [size(found.size)])]
    by = ["added by you"] if found.own else [f"left by node {found.node_id}"] if found.node_id else []
    lines = [
        f"{found.memory_id}  {' / '.join(first_words(name, 80) for name in found.path)}",
        f"  {', '.join(about + by)}",
        *([f"  {first_words(found.description, 400)}"] if found.description else []),
    ]
    return lines if content is None else [*lines, "", content]
