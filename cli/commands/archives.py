"""Swarms as files: taken out of a deployment, and into one."""

from pathlib import Path
from typing import Annotated

import typer

from cli.api import DEFAULT_URL, MAX_ARCHIVE, Api
from cli.context import read_file
from cli.failures import CliError
from cli.options import Json, SwarmId, Url, connect
from cli.output import emit, say
from cli.private_files import open_private
from cli.text import clean, size
from shared.types import check_scope_id


def export(
    swarm_id: SwarmId,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where it is written, SWARM.zip if left out.")
    ] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Write a swarm that has ended to a file; nothing is overwritten."""
    target = file or Path(f"{check_scope_id(swarm_id, 'swarm id')}.zip")
    with connect(url) as api:
        amount = _write(api, swarm_id, target)
    say(f"{target}  {size(amount)}")


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `swarmstar export` wrote.")],
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Store the swarm of a file under a new id; nothing of it runs again."""
    archive = read_file(file, MAX_ARCHIVE)
    with connect(url) as api:
        swarm = api.import_swarm(archive)
    if json:
        emit(swarm)
    else:
        say(f"swarm {clean(swarm.swarm_id)} is here. Look into it: swarmstar tree {clean(swarm.swarm_id)}")


def _write(api: Api, swarm_id: str, target: Path) -> int:
    """Write the archive to a file that is not there yet; one that breaks off leaves none."""
    try:
        with open(target, "xb", opener=open_private) as file:
            try:
                return api.export_swarm(swarm_id, file)
            except BaseException:
                target.unlink(missing_ok=True)
                raise
    except FileExistsError as error:
        raise CliError(f"{target} is there already and is not overwritten.") from error
    except OSError as error:
        raise CliError(f"{target} cannot be written: {error.strerror}") from error
