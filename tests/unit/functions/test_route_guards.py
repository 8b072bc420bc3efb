"""Every route lets in the deployment's user alone, and tells anybody else so in a problem document."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func
import pytest

from functions._endpoints import ENDPOINTS, Call, Endpoint, endpoint
from functions._responses import NOTHING, Reply
from local.host.indexing import Function
from local.host.settings import HostSettings
from shared.config import Settings
from shared.tenancy import Scope
from tests.unit.functions.bound_calls import bootstrapped, call, functions, request

ROUTES = [
    pytest.param(function, method, id=f"{method} {function.trigger.properties['route']}")
    for function in functions("httpTrigger").values()
    for method in function.trigger.properties["methods"]
]
#: What anybody may call. A route that is added here tells something to the whole world.
PUBLIC = {"/", "api/health", "api/openapi.json", "api/docs"}
#: Where another system calls that is no user, and proves itself to the handler.
PROVEN = {"hooks/{hook_id}"}
GUARDED = [
    route
    for route in ROUTES
    if route.values[0].trigger.properties["route"] not in PUBLIC | PROVEN  # type: ignore[union-attr]
]
each_route = pytest.mark.parametrize(("function", "method"), GUARDED)

FOREIGN = (
    "http://swarm.example",
    "http://127.0.0.1.swarm.example",
    "http://localhost.swarm.example:7071",
    "http://10.0.0.1:7071",
    "http://[::2]:7071",
    "https://evil.example:7071",
)
OWN = ("http://127.0.0.1:7071", "http://localhost:7071", "http://[::1]:7071", "http://LOCALHOST")


@pytest.fixture
def untouched(tmp_path: Path) -> Iterator[Path]:
    """Where nothing may be stored."""
    yield tmp_path / "spaces"
    assert not (tmp_path / "spaces").exists()


@pytest.fixture
async def nobody(monkeypatch: pytest.MonkeyPatch, untouched: Path) -> AsyncIterator[None]:
    """A deployment to which nobody can sign in."""
    async with bootstrapped(monkeypatch, Settings(local_user=None, spaces_dir=untouched)):
        yield


@pytest.fixture
async def somebody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[None]:
    """A deployment with its one user."""
    async with bootstrapped(monkeypatch, Settings(local_user="ada", spaces_dir=tmp_path)):
        yield


def refused(answer: func.HttpResponse, status: int) -> str:
    """Check that this is a problem document, and return what it says."""
    document = json.loads(answer.get_body())
    assert answer.status_code == document["status"] == status, document
    assert answer.mimetype == "application/problem+json"
    assert document.keys() == {"type", "title", "status", "detail"}
    return str(document["detail"])


def test_there_are_routes() -> None:
    assert len(ROUTES) >= 14


@each_route
@pytest.mark.usefixtures("nobody")
async def test_without_a_user_nobody_is_let_in(function: Function, method: str) -> None:
    assert refused(await call(function, request(function, method)), 401)


@each_route
@pytest.mark.usefixtures("somebody")
async def test_under_a_foreign_name_nobody_is_let_in(function: Function, method: str) -> None:
    for origin in FOREIGN:
        refused(await call(function, request(function, method, origin=origin)), 403)


@each_route
@pytest.mark.usefixtures("somebody")
async def test_a_page_of_another_site_is_not_let_in(function: Function, method: str) -> None:
    for site in ("cross-site", "same-site", "anything else"):
        for name in ("Sec-Fetch-Site", "sec-fetch-site"):
            refused(await call(function, request(function, method, headers={name: site})), 403)


@pytest.mark.usefixtures("nobody")
async def test_what_asks_for_no_user_is_closed_to_whoever_proves_nothing() -> None:
    proven = [one for one in functions("httpTrigger").values() if ENDPOINTS[one.name].proof]
    assert {one.trigger.properties["route"] for one in proven} == PROVEN
    for function in proven:
        for headers in ({}, {"authorization": "Bearer x"}, {"webhook-signature": "v1,AAAA"}):
            for body in (b"", b"{}", b"\xff"):
                refused(await call(function, request(function, "POST", headers=headers, body=body)), 401)


@pytest.mark.usefixtures("somebody")
async def test_the_user_is_let_in() -> None:
    health = functions("httpTrigger")["health"]
    for origin in OWN:
        assert (await call(health, request(health, "GET", origin=origin))).status_code == 200
    for site in ("none", "same-origin"):
        headers = {"Sec-Fetch-Site": site}
        assert (await call(health, request(health, "GET", headers=headers))).status_code == 200


@each_route
@pytest.mark.usefixtures("somebody")
async def test_what_is_not_there_is_a_problem_document_too(function: Function, method: str) -> None:
    declared = ENDPOINTS[function.name]
    answer = await call(function, request(function, method))
    if declared.scope is Scope.ADMIN:
        refused(answer, 403)
    elif declared.body is not None or declared.content is not None:
        refused(answer, 415)  # the body comes first, and there is none
    elif "{" in declared.path:
        refused(answer, 404)
    else:
        assert answer.status_code == 200


def test_every_route_declares_what_it_asks_for() -> None:
    for function in functions("httpTrigger").values():
        declared = ENDPOINTS[function.name]
        assert declared.path == function.trigger.properties["route"]
        assert [declared.method] == function.trigger.properties["methods"]
        assert (declared.scope is None) == (declared.path in PUBLIC | PROVEN), declared.path


def test_only_what_looks_is_let_in_to_read() -> None:
    assert {one.method for one in ENDPOINTS.values() if one.scope is Scope.READ} == {"GET"}
    for one in ENDPOINTS.values():
        assert (one.scope is Scope.ADMIN) == one.path.startswith("api/v1/admin/")


def test_a_route_that_declares_nothing_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="must name a scope"):
        Endpoint("GET", "api/v1/everything")
    with pytest.raises(ValueError, match="must name a scope"):
        Endpoint("GET", "api/v1/everything", scope=Scope.READ, public=True)
    with pytest.raises(ValueError, match="must name a scope"):
        Endpoint("GET", "api/v1/everything", public=True, proof="none is needed")


def test_no_route_declares_a_body_that_the_host_would_refuse() -> None:
    assert max(one.max_body for one in ENDPOINTS.values()) <= HostSettings().body_limit


def test_two_routes_cannot_share_a_name() -> None:
    async def health(call: Call) -> Reply:
        return NOTHING

    with pytest.raises(ValueError, match="two endpoints are called health"):
        endpoint(df.Blueprint(), Endpoint("GET", "api/v1/other", public=True))(health)


def test_a_route_beside_the_table_would_be_found() -> None:
    app = func.FunctionApp()

    @app.route("api/v1/unguarded", methods=["GET"])
    async def unguarded(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse("everything")

    (found,) = app.get_functions()
    assert found.get_function_name() not in ENDPOINTS


@pytest.mark.usefixtures("nobody")
async def test_what_is_public_tells_no_secret() -> None:
    for function in functions("httpTrigger").values():
        if function.trigger.properties["route"] in PUBLIC:
            answer = await call(function, request(function, "GET"))
            assert answer.status_code == 200
            assert b"sk-" not in answer.get_body()


async def test_a_local_user_is_nobody_on_azure(monkeypatch: pytest.MonkeyPatch, untouched: Path) -> None:
    health = functions("httpTrigger")["health"]
    settings = Settings(local_user="ada", spaces_dir=untouched, azure_site="a-site")
    async with bootstrapped(monkeypatch, settings):
        refused(await call(health, request(health, "GET")), 401)
