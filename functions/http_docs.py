"""`/api/openapi.json` and `/api/docs`: what the API is, for machines and for people."""

import json

import azure.durable_functions as df

from functions._docs_page import HEADERS, page
from functions._endpoints import Call, Endpoint, endpoint
from functions._openapi import document
from functions._responses import Reply

bp = df.Blueprint()


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
