"""Error replies as problem documents (RFC 9457)."""

import json
from http import HTTPStatus

from aiohttp import web


def problem(status: HTTPStatus, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    """A reply of type application/problem+json. `detail` is for the caller to read."""
    document = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    return web.Response(
        status=status.value,
        body=json.dumps(document).encode(),
        content_type="application/problem+json",
        headers=headers,
    )
