"""`/api/v1/swarms/{swarm_id}/artifacts`: what a swarm produced."""

import azure.durable_functions as df
import azure.functions as func
from pydantic import BaseModel

from functions._responses import problems, reply
from functions._tenant import tenant_of
from shared import bootstrap
from shared.swarm.swarm import Artifact
from shared.usecases import artifacts

bp = df.Blueprint()

#: A model chose the content: a browser may neither run it nor guess at its type.
_GUARD = {
    "Content-Disposition": "attachment",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}


class ArtifactPage(BaseModel):
    """A swarm's artifacts, without their content."""

    items: list[Artifact]


@bp.route("api/v1/swarms/{swarm_id}/artifacts", methods=["GET"])
@problems
async def list_artifacts(req: func.HttpRequest) -> func.HttpResponse:
    """List what a swarm produced."""
    items = await artifacts.list_artifacts(bootstrap.app(), tenant_of(req), req.route_params["swarm_id"])
    return reply(ArtifactPage(items=items))


@bp.route("api/v1/swarms/{swarm_id}/artifacts/{artifact_id}/content", methods=["GET"])
@problems
async def read_artifact(req: func.HttpRequest) -> func.HttpResponse:
    """Hand out an artifact's content."""
    swarm_id, artifact_id = req.route_params["swarm_id"], req.route_params["artifact_id"]
    artifact, content = await artifacts.read_artifact(bootstrap.app(), tenant_of(req), swarm_id, artifact_id)
    return func.HttpResponse(content, mimetype=artifact.media_type, headers=_GUARD)
