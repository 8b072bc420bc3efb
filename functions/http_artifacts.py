"""`/api/v1/swarms/{swarm_id}/artifacts`: what a swarm produced."""

import azure.durable_functions as df
from pydantic import BaseModel

from functions._endpoints import Call, Endpoint, endpoint
from functions._requests import NoBody, Paging
from functions._responses import Reply
from shared.swarm.swarm import Artifact
from shared.tenancy import Scope
from shared.usecases import artifacts

bp = df.Blueprint()

#: A model chose the content: a browser may neither run it nor guess at its type.
_GUARD = {"Content-Disposition": "attachment", "Content-Security-Policy": "sandbox; default-src 'none'"}


class ArtifactPage(BaseModel):
    """Some of a swarm's artifacts without their content, and the cursor that goes on."""

    items: list[Artifact]
    cursor: str | None


@endpoint(bp, Endpoint("GET", "api/v1/swarms/{swarm_id}/artifacts", scope=Scope.READ, query=Paging, reply=ArtifactPage))
async def list_artifacts(call: Call[NoBody, Paging]) -> ArtifactPage:
    """List what a swarm produced."""
    page, swarm_id = call.query, call.path["swarm_id"]
    items, cursor = await artifacts.list_artifacts(call.services, call.tenant, swarm_id, page.limit, page.cursor)
    return ArtifactPage(items=items, cursor=cursor)


@endpoint(
    bp, Endpoint("GET", "api/v1/swarms/{swarm_id}/artifacts/{artifact_id}/content", scope=Scope.READ, media_type="*/*")
)
async def read_artifact(call: Call) -> Reply:
    """Hand out an artifact's content."""
    swarm_id, artifact_id = call.path["swarm_id"], call.path["artifact_id"]
    artifact, content = await artifacts.read_artifact(call.services, call.tenant, swarm_id, artifact_id)
    return Reply(content, _GUARD, media_type=artifact.media_type)
