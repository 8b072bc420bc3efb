"""HTTP triggers: finds the function of a request, calls it and turns what it returns into a reply."""

import asyncio
import time
import uuid
from collections.abc import Iterable
from http import HTTPStatus

from aiohttp import web
from azure.functions import meta
from multidict import CIMultiDict

from local.host.body import Bodies, BodyTooLarge
from local.host.indexing import IndexingError
from local.host.invoke import Invoker
from local.host.logs import log, milliseconds
from local.host.problems import problem
from local.host.routes import Route, RouteError, compile_route, ordered
from local.host.settings import expand


class HttpTriggers:
    """All HTTP functions of an app under the route prefix."""

    def __init__(self, invokers: Iterable[Invoker], prefix: str, bodies: Bodies) -> None:
        self._bodies = bodies
        self._routes: dict[Route, list[Invoker]] = {}
        for invoker in invokers:
            self._routes.setdefault(_route(invoker, prefix), []).append(invoker)
        self._ordered = ordered(self._routes)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve a request, or reply with a problem document."""
        path = request.rel_url.raw_path.lstrip("/")
        allowed: set[str] = set()
        for route in self._ordered:
            values = route.match(path)
            if values is None:
                continue
            for invoker in self._routes[route]:
                methods = invoker.function.trigger.properties.get("methods")
                if not methods or request.method in methods:
                    return await self._serve(invoker, request, values)
                allowed.update(methods)
        if allowed:
            allow = {"Allow": ", ".join(sorted(allowed))}
            return problem(HTTPStatus.METHOD_NOT_ALLOWED, f"{request.method} is not served here.", allow)
        return problem(HTTPStatus.NOT_FOUND, "There is nothing at this address.")

    async def _serve(self, invoker: Invoker, request: web.BaseRequest, values: dict[str, str]) -> web.StreamResponse:
        started, invocation_id = time.monotonic(), str(uuid.uuid4())
        name = invoker.function.name
        try:
            async with self._bodies.of(request) as body:
                # A task of its own: what one request leaves in context variables is not for the next on the connection.
                call = asyncio.ensure_future(invoker(_datum(request, values, body), invocation_id))
                response = _response(await call)
        except BodyTooLarge as error:
            return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error))
        except Exception:  # noqa: BLE001  the edge of the app: a caller gets no traceback, the log does
            log.exception("%s failed, invocation %s", name, invocation_id)
            detail = f"The function failed. The host's log has it under invocation {invocation_id}."
            return problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)
        log.info("%s %s %d, %s", request.method, name, response.status, milliseconds(started))
        return response


def _route(invoker: Invoker, prefix: str) -> Route:
    name = invoker.function.name
    template = expand(invoker.function.trigger.properties.get("route", name))
    try:
        return compile_route(f"{prefix}/{template}")
    except RouteError as error:
        raise IndexingError(f"function {name!r}: {error}") from None


def _datum(request: web.BaseRequest, values: dict[str, str], body: bytes) -> meta.Datum:
    url = f"{request.scheme}://{request.host}{request.rel_url.raw_path_qs}"
    return meta.Datum(
        {
            "method": _text(request.method),
            "url": _text(url),
            "headers": _texts((name, ", ".join(request.headers.getall(name))) for name in request.headers),
            "query": _texts((name, ",".join(request.query.getall(name))) for name in request.query),
            "params": _texts(values.items()),
            "body": meta.Datum(body, "bytes"),
        },
        "http",
    )


def _text(value: str) -> meta.Datum:
    return meta.Datum(value, "string")


def _texts(pairs: Iterable[tuple[str, str]]) -> dict[str, meta.Datum]:
    return {name: _text(value) for name, value in pairs}


def _response(datum: meta.Datum | None) -> web.Response:
    if datum is None:
        return web.Response(status=HTTPStatus.NO_CONTENT)
    if datum.type == "string":
        return web.Response(text=datum.value)
    value = datum.value
    headers = CIMultiDict((name, part.value) for name, part in value["headers"].items())
    # The reply's own length is what counts; a copied one may not fit.
    headers.popall("Content-Length", None)
    for cookie in value["cookies"] or ():
        for morsel in cookie.values():
            headers.add("Set-Cookie", morsel.OutputString())
    return web.Response(status=int(value["status_code"].value), headers=headers, body=value["body"].value)
