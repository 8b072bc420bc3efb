"""`/api/v1/health`: whether the app is up, and what it runs on."""

from urllib.parse import urlsplit

import azure.durable_functions as df
import azure.functions as func
from pydantic import BaseModel

from functions._responses import problems, reply
from functions._tenant import tenant_of
from shared import bootstrap

bp = df.Blueprint()


class ModelHealth(BaseModel):
    """The model that is configured."""

    name: str
    base_url_host: str
    offline: bool


class Health(BaseModel):
    """What a signed-in user may know of the deployment."""

    status: str
    model: ModelHealth
    spaces: str


@bp.route("api/v1/health", methods=["GET"])
@problems
async def health(req: func.HttpRequest) -> func.HttpResponse:
    """Say that the app is up."""
    tenant_of(req)
    settings = bootstrap.settings()
    host = urlsplit(settings.model_base_url).hostname or ""
    model = ModelHealth(name=settings.model, base_url_host=host, offline=settings.model_offline)
    return reply(Health(status="ok", model=model, spaces=str(settings.spaces_dir)))
