"""Text that is no text, wherever a request has room: half surrogates, bytes that are no UTF-8, nesting without end."""

import asyncio
import re
from urllib.parse import urlsplit

import pytest
from e2e_client import Deployment

import function_app  # noqa: F401 - it fills the table of endpoints
from functions._endpoints import ENDPOINTS, Endpoint

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: Half a surrogate as UTF-8 would write it, and a byte that begins nothing.
HALF = b"\xed\xa0\x80"
ODD = b"a\xff" + HALF
DEEP = b'{"directive":' + b"[" * 50_000
KNOWN = b"0123456789abcdef"


async def status(deployment: Deployment, method: str, path: bytes, headers: dict[str, bytes], body: bytes) -> int:
    """The status of a request whose bytes no client would send."""
    where = urlsplit(deployment.url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    given = {"host": b"127.0.0.1", "connection": b"close", "content-length": str(len(body)).encode(), **headers}
    lines = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in given.items())
    writer.write(method.encode() + b" /" + path + b" HTTP/1.1\r\n" + lines + b"\r\n" + body)
    async with asyncio.timeout(20):
        first = await reader.readline()
    writer.close()
    return int(first.split()[1])


def address(route: Endpoint, value: bytes = KNOWN) -> bytes:
    return re.sub(rb"\{\w+\}", lambda _: value, route.path.encode())


@pytest.mark.parametrize("name", sorted(ENDPOINTS))
async def test_no_odd_text_is_a_fault_of_the_server(local: Deployment, name: str) -> None:
    route = ENDPOINTS[name]
    path, known = address(route), {"x-api-key": local.key.encode()} if local.key else {}
    typed = known | {"content-type": b"application/json", "idempotency-key": b"k", "if-match": b"*"}
    tries: dict[str, tuple[bytes, dict[str, bytes], bytes]] = {
        "bearer": (path, {"authorization": b"Bearer " + ODD}, b""),
        "bearer of three parts": (path, {"authorization": b"Bearer " + ODD + b"." + HALF + b".x"}, b""),
        "key": (path, {"x-api-key": ODD}, b""),
        "idempotency key": (path, typed | {"idempotency-key": ODD}, b"{}"),
        "condition": (path, typed | {"if-match": b'"' + ODD + b'"'}, b"{}"),
        "media type": (path, typed | {"content-type": b"application/json; charset=" + ODD}, b"{}"),
        "query": (path + b"?cursor=%ED%A0%80&query=%ED%A0%80&limit=%FF", typed, b"{}"),
        "ids": (address(route, b"%ED%A0%80"), typed, b"{}"),
        "bytes": (path, typed, b'{"directive": "' + ODD + b'"}'),
        "half a surrogate": (path, typed, b'{"directive": "\\ud800", "name": "\\udfff", "\\ud800": 1}'),
        "nesting": (path, typed, DEEP),
        "headers of a hook": (
            path,
            typed | {"webhook-id": ODD, "webhook-signature": ODD, "x-hub-signature-256": ODD},
            b"",
        ),
    }
    answers = {what: await status(local, route.method, *given) for what, given in tries.items()}
    assert {what: answer for what, answer in answers.items() if answer >= 500} == {}
    if route.scope is not None:
        assert {answers.pop(what) for what in ("bearer", "bearer of three parts", "key")} == {401}
        assert 401 not in answers.values()
