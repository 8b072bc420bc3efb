"""The table of endpoints: each route declares its right, its input, its output and its errors, once.

What a route declares is both what is enforced and what the OpenAPI document says. A handler gets a `Call`, calls one
function and returns a model.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, Generic

import azure.durable_functions as df
import azure.functions as func
from pydantic import BaseModel
from typing_extensions import TypeVar

from functions._requests import NoBody, NoQuery, parse_body, parse_query, read_content
from functions._responses import Reply, failure, respond, unquoted
from functions._runtime import DurableRuntime
from functions._structure import MAX_TOKENS
from functions._tenant import tenant_of
from shared import bootstrap
from shared.errors import (
    ConditionMissing,
    Conflict,
    Forbidden,
    Full,
    InvalidInput,
    NotFound,
    QuotaExceeded,
    SwarmStarError,
    Unauthenticated,
)
from shared.runtime import Runtime
from shared.services import Services
from shared.tenancy import Scope, TenantContext
from shared.usecases.idempotency import Answer, Once, fingerprint, new_id

#: Bytes that a body may have unless its route says otherwise.
MAX_BODY = 65_536

B = TypeVar("B", bound=BaseModel, default=NoBody)
Q = TypeVar("Q", bound=BaseModel, default=NoQuery)
Handler = Callable[[Any], Awaitable[Reply | BaseModel]]
H = TypeVar("H", bound=Handler)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route as it is declared. Raises `ValueError` unless it names a scope, or says why it needs none."""

    method: str
    path: str
    _: KW_ONLY
    scope: Scope | None = None
    #: Anybody may call it.
    public: bool = False
    #: How a caller without a user proves who they are, where the handler checks that; empty for every other route.
    proof: str = ""
    body: type[BaseModel] | None = None
    #: The media type of a body that is no model; `*/*` for any, and for none.
    content: str | None = None
    max_body: int = MAX_BODY
    #: Strings, lists, objects and commas that a JSON body may have.
    max_tokens: int = MAX_TOKENS
    query: type[BaseModel] = NoQuery
    reply: type[BaseModel] | None = None
    #: The media type of the reply; empty for one without content.
    media_type: str = "application/json"
    status: int = 200
    #: Another status with the same reply, which a handler may choose.
    other_status: int | None = None
    #: Statuses of errors besides those that every route of its kind has.
    errors: tuple[int, ...] = ()
    #: Whether it may stay until something happens; such requests have a bound of their own.
    waits: bool = False
    #: Whether it signals orchestrations.
    durable: bool = False
    #: Whether it takes an `Idempotency-Key`, whether its reply has an `ETag`, and whether it wants an `If-Match`.
    idempotent: bool = False
    versioned: bool = False
    conditional: bool = False
    #: From the handler: the function's name, and the first line of its docstring.
    name: str = ""
    summary: str = ""

    def __post_init__(self) -> None:
        if [self.scope is not None, self.public, bool(self.proof)].count(True) != 1:
            raise ValueError(f"{self.method} {self.path} must name a scope, or say that it is public or what proves it")


#: Every endpoint by the name of its function, filled as the blueprints are imported.
ENDPOINTS: dict[str, Endpoint] = {}


def _fresh_seed() -> bytes:
    return secrets.token_bytes(32)


@dataclass(frozen=True, slots=True)
class Call(Generic[B, Q]):
    """One request that was let in, with its input checked."""

    services: Services
    path: Mapping[str, str]
    body: B
    #: The body of a route that reads one that is no model.
    content: bytes
    query: Q
    #: The id for what the request makes: the same one when it is repeated under an idempotency key.
    fresh_id: str
    #: The version in `If-Match`; None for `*` and where the route does not ask for one.
    if_match: str | None = None
    #: On a route with a proof of its own: the headers, by their names in lower case.
    headers: Mapping[str, str] = field(default_factory=dict)
    #: 256 bits for a secret that the request makes: fresh ones, or under an idempotency key always the same.
    seed: Callable[[], bytes] = _fresh_seed
    _tenant: TenantContext | None = None
    _runtime: Runtime | None = None

    @property
    def tenant(self) -> TenantContext:
        """The user; a public route has none."""
        if self._tenant is None:
            raise Unauthenticated("this needs a user")
        return self._tenant

    @property
    def runtime(self) -> Runtime:
        """The way to the orchestrations, on a route that is declared `durable`."""
        if self._runtime is None:
            raise RuntimeError("the route must be declared durable to signal orchestrations")
        return self._runtime


def endpoint(bp: df.Blueprint, route: Endpoint) -> Callable[[H], H]:
    """Register a handler under a route of the blueprint, and in the table."""

    def register(handler: H) -> H:
        summary = (handler.__doc__ or "").strip().partition("\n")[0]
        declared = replace(route, name=handler.__name__, summary=summary)
        if ENDPOINTS.setdefault(declared.name, declared).path != declared.path:
            raise ValueError(f"two endpoints are called {declared.name}")
        _bind(bp, declared, handler)
        return handler

    return register


def _bind(bp: df.Blueprint, declared: Endpoint, handler: Handler) -> None:
    """Hand the worker a function whose parameters are its bindings."""

    async def serve(req: func.HttpRequest) -> func.HttpResponse:
        return await _serve(declared, handler, req, None)

    async def serve_durable(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
        return await _serve(declared, handler, req, DurableRuntime(client))

    chosen: Any = serve_durable if declared.durable else serve
    chosen.__name__ = chosen.__qualname__ = declared.name
    chosen.__module__, chosen.__doc__ = handler.__module__, handler.__doc__
    if declared.durable:
        chosen = bp.durable_client_input(client_name="client")(chosen)
    bp.route(declared.path, methods=[declared.method])(chosen)


async def _serve(
    declared: Endpoint, handler: Handler, req: func.HttpRequest, runtime: Runtime | None
) -> func.HttpResponse:
    """Answer one request; the binding edge is the one place that catches every error."""
    try:
        tenant = await _admit(declared, req)
        if tenant is None or declared.waits:
            return await _answer(declared, handler, req, tenant, runtime)
        async with bootstrap.services().requests.take(tenant.user_id):
            return await _answer(declared, handler, req, tenant, runtime)
    except Exception as error:  # noqa: BLE001  the edge: whatever it is, the caller gets a problem document
        return failure(error)


async def _answer(
    declared: Endpoint, handler: Handler, req: func.HttpRequest, tenant: TenantContext | None, runtime: Runtime | None
) -> func.HttpResponse:
    """Answer a request of somebody who was let in."""
    call = await _call(declared, req, tenant, runtime)
    key = req.headers.get("idempotency-key") if declared.idempotent else None
    if key is None or tenant is None:
        return respond(await handler(call), declared.status)
    what = " ".join((declared.name, *call.path.values()))
    once = Once(call.services, tenant, what, key, await fingerprint(req.get_body() or b""))
    return await _once(declared, handler, call, once)


async def _admit(declared: Endpoint, req: func.HttpRequest) -> TenantContext | None:
    """The user, who has the right that the route asks for and has not asked too often."""
    if declared.scope is None:
        return None
    tenant = await tenant_of(req)
    if tenant.requests_a_minute is not None:
        bootstrap.services().rates.admit(tenant.user_id, tenant.requests_a_minute)
    tenant.require(declared.scope)
    return tenant


async def _call(
    declared: Endpoint, req: func.HttpRequest, tenant: TenantContext | None, runtime: Runtime | None
) -> Call[Any, Any]:
    query = parse_query(req, declared.query)
    content = b"" if declared.content is None else read_content(req, declared.content, declared.max_body)
    body = NoBody() if declared.body is None else await _body(declared, declared.body, req)
    version = _if_match(req) if declared.conditional else None
    headers = {name.lower(): value for name, value in req.headers.items()} if declared.proof else {}
    path, services = dict(req.route_params), bootstrap.services()
    return Call(services, path, body, content, query, new_id(), version, headers, _tenant=tenant, _runtime=runtime)


async def _body(declared: Endpoint, model: type[BaseModel], req: func.HttpRequest) -> BaseModel:
    """The body as a model; a large one is read beside the event loop."""

    def read() -> BaseModel:
        return parse_body(req, model, declared.max_body, declared.max_tokens)

    return await asyncio.to_thread(read) if len(req.get_body() or b"") > MAX_BODY else read()


def _if_match(req: func.HttpRequest) -> str | None:
    given = req.headers.get("if-match", "").strip()
    if not given:
        raise ConditionMissing("send the ETag of what you read as If-Match, or `*` for whichever it is")
    return None if given == "*" else unquoted(given)


async def _once(declared: Endpoint, handler: Handler, call: Call[Any, Any], once: Once) -> func.HttpResponse:
    """Answer as the first request with the same idempotency key was answered, or be the first."""
    begun = await once.begin()
    if isinstance(begun, Answer):
        return _again(begun)
    try:
        response = respond(await handler(replace(call, fresh_id=begun, seed=once.seed)), declared.status)
    except SwarmStarError as error:
        refused = isinstance(error, InvalidInput | Forbidden | NotFound | QuotaExceeded | Full)
        with suppress(Conflict):  # a repetition has taken over
            await (once.forget() if refused else once.release())
        raise
    kept = {name: value for name, value in response.headers.items() if name.lower() != "content-type"}
    await once.end(Answer(status=response.status_code, headers=kept, body=response.get_body().decode()))
    return response


def _again(answer: Answer) -> func.HttpResponse:
    return func.HttpResponse(
        answer.body, status_code=answer.status, mimetype="application/json", headers=answer.headers
    )
