"""`/api/health` for probes, and `/api/v1/health`: what the app runs on."""

from typing import Literal
from urllib.parse import urlsplit

import azure.durable_functions as df
from pydantic import BaseModel

from functions._endpoints import Call, Endpoint, endpoint
from shared.tenancy import Scope

bp = df.Blueprint()


class Alive(BaseModel):
    """What anybody may know of the deployment."""

    status: Literal["ok"] = "ok"


class ModelHealth(BaseModel):
    """The model that is configured."""

    name: str
    base_url_host: str
    offline: bool


class Health(BaseModel):
    """What a signed-in user may know of the deployment."""

    status: Literal["ok"] = "ok"
    model: ModelHealth
    spaces: str


@endpoint(bp, Endpoint("GET", "api/health", public=True, reply=Alive))
async def alive(call: Call) -> Alive:
    """Say that the app is up."""
    del call
    return Alive()


@endpoint(bp, Endpoint("GET", "api/v1/health", scope=Scope.READ, reply=Health))
async def health(call: Call) -> Health:
    """Say what the app runs on."""
    settings = call.services.settings
    host = urlsplit(settings.model_base_url).hostname or ""
    model = ModelHealth(name=settings.model, base_url_host=host, offline=settings.model_offline)
    return Health(model=model, spaces=str(settings.spaces_dir) if settings.store == "sqlite" else "")
