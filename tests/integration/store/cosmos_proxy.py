"""A server between the adapter and the database that lets some answers come to grief."""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import ClientSession, web


@dataclass(frozen=True)
class Answer:
    """Given instead of the database's."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Lost:
    """The database gets the request and its answer gets lost."""


@dataclass
class Proxy:
    """What it does to the next requests for documents, and which it has seen."""

    url: str
    faults: deque[Answer | Lost] = field(default_factory=deque)
    always: Answer | None = None
    seen: list[str] = field(default_factory=list)


@asynccontextmanager
async def proxy_to(target: str) -> AsyncIterator[Proxy]:
    """A proxy on a free port."""
    proxy = Proxy("")
    async with ClientSession(auto_decompress=False) as session:

        async def handle(request: web.Request) -> web.StreamResponse:
            fault: Answer | Lost | None = None
            if "/docs" in request.path:
                proxy.seen.append(request.method)
                fault = proxy.always or (proxy.faults.popleft() if proxy.faults else None)
            if isinstance(fault, Answer):
                return web.json_response(
                    {"message": "as the test wants it"}, status=fault.status, headers=fault.headers
                )
            body = await request.read()
            async with session.request(
                request.method, target + request.path_qs, headers=request.headers, data=body
            ) as answer:
                content = await answer.read()
                if isinstance(fault, Lost):
                    assert request.transport is not None
                    request.transport.abort()
                    return web.Response()
                kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
                return web.Response(status=answer.status, headers=kept, body=content)

        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield proxy
        finally:
            await runner.cleanup()


_HOP = {"connection", "content-length", "transfer-encoding", "keep-alive", "date"}
