"""`/api/openapi.json` and `/api/docs`: what the API is, for machines and for people; and `/`, which points there."""

import json

import azure.durable_functions as df
from pydantic import BaseModel

from functions._docs_page import HEADERS, page
from functions._endpoints import Call, Endpoint, endpoint
from functions._openapi import document
from functions._responses import Reply

bp = df.Blueprint()


class Pointer(BaseModel):
    """Where what this deployment serves is found."""

    docs: str = "/api/docs"
    openapi: str = "/api/openapi.json"
    api: str = "/api/v1"


# Public: it is the same for everybody and tells only where the public pages are.
@endpoint(bp, Endpoint("GET", "/", public=True, reply=Pointer))
async def home(call: Call) -> Pointer:
    """Say where the documentation and the API are."""
    del call
    return Pointer()


@endpoint(bp, Endpoint("GET", "api/openapi.json", public=True))
async def openapi(call: Call) -> Reply:
    """The OpenAPI document."""
    del call
    return Reply(json.dumps(document()).encode())


@endpoint(bp, Endpoint("GET", "api/docs", public=True, media_type="text/html"))
async def docs(call: Call) -> Reply:
    """This page."""
    del call
    return Reply(page(document()).encode(), HEADERS, media_type="text/html")
