"""The files a swarm produced."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from cli.api import DEFAULT_URL, Api
from cli.failures import CliError, Unreachable
from cli.options import Json, SwarmId, Url, connect
from cli.output import emit, remark, say
from cli.save_artifact import Saved, save
from cli.text import count, first_words, size
from cli.wire import ArtifactList, ArtifactView


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of artifacts, by their ids: where each lies, or why it was not saved."""

    saved: dict[str, Saved] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


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
        taken = Taken() if folder is None else save_all(api, swarm_id, found, folder)
    if json:
        emit(found if folder is None else _with_paths(found, taken))
    else:
        _show(found, taken)
    for reason in taken.failed.values():
        remark(f"error: {reason}")
    if taken.failed:
        raise CliError(f"{len(taken.failed)} of {count(len(found.items), 'file')} were not saved.")


def save_all(api: Api, swarm_id: str, found: ArtifactList, folder: Path) -> Taken:
    """Write every artifact under `folder`; one that cannot be had or saved does not keep the others from it.

    Raises `Unreachable` when the deployment is gone.
    """
    taken = Taken()
    for artifact in found.items:
        try:
            content = api.artifact_content(swarm_id, artifact.artifact_id)
            taken.saved[artifact.artifact_id] = save(folder, artifact.name, content)
        except Unreachable:
            raise
        except CliError as error:
            taken.failed[artifact.artifact_id] = f"{first_words(artifact.name)}: {error}"
    return taken


def _with_paths(found: ArtifactList, taken: Taken) -> ArtifactList:
    """The list with where each artifact lies, or why it does not."""
    items = [item.model_dump() | _standing(item.artifact_id, taken) for item in found.items]
    return ArtifactList.model_validate({"items": items})


def _standing(artifact_id: str, taken: Taken) -> dict[str, str | None]:
    if artifact_id in taken.failed:
        return {"saved": None, "error": taken.failed[artifact_id]}
    return {"saved": str(taken.saved[artifact_id].path)}


def _show(found: ArtifactList, taken: Taken) -> None:
    for artifact in found.items:
        if artifact.artifact_id not in taken.failed:
            say(_line(artifact, taken.saved.get(artifact.artifact_id)))
    if not found.items:
        say("It has produced no files.")


def _line(artifact: ArtifactView, saved: Saved | None) -> str:
    name = first_words(artifact.name, 60)
    if saved is None:
        return f"{name:<32}  {size(artifact.size):>10}  {first_words(artifact.description, 80)}".rstrip()
    return f"{name} -> {saved.path}" if saved.renamed else str(saved.path)
