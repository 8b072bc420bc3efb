"""The files a swarm produced."""

from pathlib import Path
from typing import Annotated

import typer

from cli.api import DEFAULT_URL, Api
from cli.options import Json, SwarmId, Url, connect
from cli.output import emit, say
from cli.save_artifact import Saved, save
from cli.text import first_words, size
from cli.wire import ArtifactList, ArtifactView


def artifacts(
    swarm_id: SwarmId,
    folder: Annotated[
        Path | None, typer.Option("--save", metavar="FOLDER", help="Write them there; nothing is overwritten.")
    ] = None,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """List the files a swarm produced, or save them."""
    if folder is not None and folder.exists() and not folder.is_dir():
        raise typer.BadParameter(f"{folder} is a file, not a folder", param_hint="--save")
    with connect(url) as api:
        found = api.artifacts(swarm_id)
        saved = {} if folder is None else save_all(api, swarm_id, found, folder)
    if json:
        emit(_with_paths(found, saved))
        return
    for artifact in found.items:
        say(_line(artifact, saved.get(artifact.artifact_id)))
    if not found.items:
        say("It has produced no files.")


def save_all(api: Api, swarm_id: str, found: ArtifactList, folder: Path) -> dict[str, Saved]:
    """Write every artifact under `folder`; where each lies, by its id."""
    return {
        artifact.artifact_id: save(folder, artifact.name, api.artifact_content(swarm_id, artifact.artifact_id))
        for artifact in found.items
    }


def _with_paths(found: ArtifactList, saved: dict[str, Saved]) -> ArtifactList:
    if not saved:
        return found
    items = [item.model_dump() | {"saved": str(saved[item.artifact_id].path)} for item in found.items]
    return ArtifactList.model_validate({"items": items})


def _line(artifact: ArtifactView, saved: Saved | None) -> str:
    name = first_words(artifact.name, 60)
    if saved is None:
        return f"{name:<32}  {size(artifact.size):>10}  {first_words(artifact.description, 80)}".rstrip()
    return f"{name} -> {saved.path}" if saved.renamed else str(saved.path)
