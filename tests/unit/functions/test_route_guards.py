"""Every route lets in the deployment's user alone, and tells anybody else so in a problem document."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import azure.functions as func
import pytest

from functions._responses import problems
from local.host.indexing import Function
from shared.config import Settings
from tests.unit.functions.bound_calls import bootstrapped, call, functions, request

ROUTES = [
    pytest.param(function, method, id=f"{method} {function.trigger.properties['route']}")
    for function in functions("httpTrigger").values()
    for method in function.trigger.properties["methods"]
]
each_route = pytest.mark.parametrize(("function", "method"), ROUTES)

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
    path = function.trigger.properties["route"]
    answer = await call(function, request(function, method))
    if "{swarm_id}" in path:
        expected = 400 if path.endswith("/answer") else 404  # the body comes first
        refused(answer, expected)
    else:
        assert answer.status_code == (400 if method == "POST" else 200)


@pytest.mark.usefixtures("nobody")
async def test_a_route_that_asks_for_no_user_would_be_found() -> None:
    @problems
    async def unguarded(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse("everything")

    answer = await unguarded(func.HttpRequest("GET", "http://127.0.0.1/", body=b""))
    with pytest.raises(ValueError, match="Expecting value"):
        refused(answer, 401)
