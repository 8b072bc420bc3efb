"""What the nodes of a swarm produced."""

from shared.blobs import BlobRef
from shared.services import Services
from shared.swarm.swarm import Artifact
from shared.tenancy import TenantContext


async def list_artifacts(
    services: Services, tenant: TenantContext, swarm_id: str, limit: int, cursor: str | None
) -> tuple[list[Artifact], str | None]:
    """A swarm's artifacts without their content, in the order of the nodes that made them, and where it goes on."""
    space, _ = await services.swarm(tenant, swarm_id)
    items, after = await services.artifacts.page(space, limit=limit, cursor=cursor)
    return [artifact.model_copy(update={"content": None}) for artifact in items], after


async def read_artifact(
    services: Services, tenant: TenantContext, swarm_id: str, artifact_id: str
) -> tuple[Artifact, bytes]:
    """An artifact and its content; raises `NotFound`."""
    space, _ = await services.swarm(tenant, swarm_id)
    artifact = (await services.artifacts.get(space, artifact_id)).doc
    if artifact.content is not None:
        return artifact, artifact.content.encode()
    return artifact, await services.blobs.read(space, BlobRef(sha256=artifact.sha256, size=artifact.size))
