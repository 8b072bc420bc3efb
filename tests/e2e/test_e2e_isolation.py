"""Nobody sees or changes what is another's: every route of the OpenAPI document, with every wrong credential."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from e2e_client import Answer, Deployment, Run, Swarms
from e2e_script import Script, Switchboard
from e2e_tenants import Tenant, Tenants, public

from shared.errors import InvalidInput
from shared.types import SpaceKey

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.isolation]

#: A body that a route takes, for each that reads one. A new route must be added here, or the walk fails.
BODIES: dict[str, Any] = {
    "create_swarm": {"directive": "Spend"},
    "answer_question": {"answer": "Red"},
    "create_key": {"name": "stolen"},
    "create_user": {"name": "Mallory"},
    "change_user": {"disabled": True},
    "create_user_key": {"name": "stolen"},
    "import_swarm": b"no archive",
    "create_schedule": {"name": "stolen", "cron": "* * * * *", "swarm": {"directive": "Spend"}},
    "change_schedule": {"enabled": False},
    "create_hook": {"name": "stolen", "swarm": {"directive": "Spend"}},
    "change_hook": {"enabled": False},
    "deliver": b"no delivery",
    "add_memory": {"name": "Tea", "content": "Mallory likes tea."},
}
#: What is the same for every user, though it has an id in its path.
SHARED = {"get_action"}
#: What a swarm that runs does not hand out yet.
TOLD_LATER = {"export_swarm"}


@dataclass(frozen=True)
class Route:
    """One operation of the document."""

    method: str
    path: str
    operation: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.operation["operationId"])

    @property
    def public(self) -> bool:
        return not self.operation["security"]

    @property
    def admin(self) -> bool:
        return self.path.startswith("admin/")

    @property
    def owned(self) -> bool:
        """Whether it is about one thing of one user."""
        return bool(self.ids) and self.name not in SHARED

    @property
    def ids(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)

    async def call(self, deployment: Deployment, ids: dict[str, str]) -> Answer:
        """Call it in a way that works for who may, on things with these ids."""
        options: dict[str, Any] = {"headers": {"If-Match": "*"}}
        if "requestBody" in self.operation:
            body = BODIES[self.name]
            (kind,) = self.operation["requestBody"]["content"]
            options["headers"]["Content-Type"] = kind
            options |= {"data": body} if isinstance(body, bytes) else {"json": body}
        return await deployment.call(self.method, self.path.format(**ids), **options)


@dataclass(frozen=True)
class World:
    """Ada has a swarm with something of every kind; Bob has nothing."""

    tenants: Tenants
    ada: Tenant
    bob: Tenant
    run: Run
    routes: list[Route]
    ids: dict[str, str]

    def private(self) -> Iterator[Route]:
        """The routes to what belongs to one user."""
        return (route for route in self.routes if not route.public and not route.admin)

    async def seen(self) -> list[Any]:
        """Everything of Ada's that can be read, with her own key."""
        reading = [route for route in self.private() if route.method == "GET" and route.name != "health"]
        answers = {route.name: await route.call(self.ada.deployment, self.ids) for route in reading}
        told = {name: answer for name, answer in answers.items() if name not in TOLD_LATER}
        assert {answer.status for answer in told.values()} == {200}
        for answer in told.values():
            if isinstance(answer.body, dict):
                answer.body.pop("at", None)  # when it was asked
        return [answer.body for answer in told.values()]


async def document(tenants: Tenants) -> list[Route]:
    _, found = await public(tenants, "openapi.json")
    return [
        Route(method.upper(), path.removeprefix("/api/v1/"), one)
        for path, operations in json.loads(found)["paths"].items()
        for method, one in operations.items()
    ]


async def a_hook(tenant: Tenant) -> str:
    made = await tenant.deployment.call("POST", "hooks", json={"name": "builds", "swarm": {"directive": "Paint"}})
    assert made.status == 201, made
    return str(made.body["hook_id"])


async def a_schedule(tenant: Tenant) -> str:
    new = {"name": "yearly", "cron": "0 0 1 1 *", "swarm": {"directive": "Paint"}}
    made = await tenant.deployment.call("POST", "schedules", json=new)
    assert made.status == 201, made
    return str(made.body["schedule_id"])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(tenants: Tenants, switchboard: Switchboard) -> AsyncIterator[World]:
    ada, bob = await tenants.user("Ada"), await tenants.user("Bob")
    started = Swarms(ada.deployment, switchboard)
    run = await started("Paint", Script({"Paint": ["Write one.md.", "Ask which colour."]}))
    question = await run.question()
    await run.until(lambda event: event.operation == "terminate")
    (artifact,) = (await run.get("/artifacts"))["items"]
    added = await run.post("/memory", {"name": "Tea", "content": "Ada likes tea."})
    assert added.status == 201, added
    ids = {
        "swarm_id": run.swarm_id,
        "node_id": "0.0",
        "question_id": question["question_id"],
        "artifact_id": artifact["artifact_id"],
        "memory_id": added.body["memory_id"],
        "action_id": "writing.write_document",
        "key_id": ada.key_id,
        "user_id": ada.user_id,
        "hook_id": await a_hook(ada),
        "schedule_id": await a_schedule(ada),
    }
    yield World(tenants, ada, bob, run, await document(tenants), ids)
    await run.post("/cancel")
    await run.ended()


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def nothing_changes(world: World) -> AsyncIterator[None]:
    before = await world.seen()
    yield
    assert await world.seen() == before


async def test_the_walk_knows_every_id_and_body(world: World) -> None:
    assert len(world.routes) >= 25
    assert {name for route in world.routes for name in route.ids} == world.ids.keys()
    assert {route.name for route in world.routes if "requestBody" in route.operation} == BODIES.keys()


async def test_another_users_things_are_not_there(world: World) -> None:
    walked = 0
    for route in world.private():
        if route.owned:
            answer = await route.call(world.bob.deployment, world.ids)
            assert answer.status == 404, (route, answer)
            assert answer.type == "application/problem+json"
            walked += 1
    assert walked >= 12


async def test_lists_show_nothing_of_another_user(world: World) -> None:
    for route in world.private():
        if not route.ids and route.method == "GET":
            answer = await route.call(world.bob.deployment, world.ids)
            assert answer.status == 200, (route, answer)
            for name in ("swarm_id", "key_id", "user_id", "hook_id", "schedule_id"):
                assert world.ids[name] not in str(answer.body), route


async def test_what_is_not_there_and_what_is_anothers_read_the_same(world: World) -> None:
    unknown = dict.fromkeys(world.ids, "0123456789abcdef")
    for route in world.private():
        if route.owned and route.method == "GET":
            theirs = await route.call(world.bob.deployment, world.ids)
            nothing = await route.call(world.bob.deployment, unknown)
            assert (theirs.status, theirs.body["title"]) == (nothing.status, nothing.body["title"])
            told, expected = str(theirs.body["detail"]), str(nothing.body["detail"])
            for name in route.ids:
                told, expected = told.replace(world.ids[name], ""), expected.replace(unknown[name], "")
            assert told == expected, route


async def test_without_a_credential_everything_is_closed(world: World) -> None:
    prefix = world.ada.key_id
    wrong = [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {world.ada.deployment.key}"},
        {"Authorization": f"Bearer {prefix}"},
        {"Authorization": f"Bearer {prefix}.{'x' * 43}"},
        {"x-api-key": f"{prefix}.{'x' * 43}"},
        {"Authorization": f"Bearer {world.ada.deployment.key}", "x-api-key": str(world.ada.deployment.key)},
        {"x-ms-client-principal": "eyJjbGFpbXMiOltdfQ==", "x-ms-client-principal-id": world.ada.user_id},
        {"Authorization": f"Bearer {'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.'}"},
    ]
    for route in world.routes:
        for headers in wrong if not route.public else ():
            path = route.path.format(**world.ids)
            answer = await world.tenants.nobody.call(route.method, path, headers=headers)
            assert answer.status == 401, (route, headers, answer)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_only_the_administrator_manages_users(world: World) -> None:
    for route in world.routes:
        if route.admin:
            for tenant in (world.ada, world.bob):
                assert (await route.call(tenant.deployment, world.ids)).status == 403, route


async def test_the_administrator_sees_no_swarm(world: World) -> None:
    for route in world.private():
        answer = await route.call(world.tenants.admin, world.ids)
        assert answer.status == 403, (route, answer)


async def test_a_key_to_read_changes_nothing(world: World) -> None:
    reader = await world.tenants.with_key(world.bob.user_id, ("read",))
    for route in world.private():
        answer = await route.call(reader.deployment, world.ids)
        if route.method != "GET":
            assert answer.status == 403, (route, answer)
        else:
            assert answer.status == (404 if route.owned else 200), (route, answer)


async def test_no_answer_shows_the_way_to_the_hosts_own_routes(world: World) -> None:
    for body in await world.seen():
        assert "runtime/webhooks" not in str(body)


@pytest.mark.parametrize("names", [("a_b", "c"), ("a", "b_c"), ("a_b", "c_d"), ("", "a"), ("A", "b")])
async def test_ids_that_could_collide_cannot_be(names: tuple[str, str]) -> None:
    with pytest.raises(InvalidInput):
        SpaceKey(*names)
