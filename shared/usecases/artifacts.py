"""What the nodes of a swarm produced."""

from shared.blobs import BlobRef
from shared.swarm.swarm import Artifact
from shared.tenancy import TenantContext
from shared.usecases.app import App


async def list_artifacts(
    app: App, tenant: TenantContext, swarm_id: str, limit: int, cursor: str | None
) -> tuple[list[Artifact], str | None]:
    """A swarm's artifacts without their content, in the order of the nodes that made them, and where it goes on."""
    space, _ = await app.swarm(tenant, swarm_id)
    items, after = await app.artifacts.page(space, limit=limit, cursor=cursor)
    return [artifact.model_copy(update={"content": None}) for artifact in items], after


async def read_artifact(app: App, tenant: TenantContext, swarm_id: str, artifact_id: str) -> tuple[Artifact, bytes]:
    """An artifact and its content; raises `NotFound`."""
    space, _ = await app.swarm(tenant, swarm_id)
    artifact = (await app.artifacts.get(space, artifact_id)).doc
    if artifact.content is not None:
        return artifact, artifact.content.encode()
    return artifact, await app.blobs.read(space, BlobRef(sha256=artifact.sha256, size=artifact.size))
