"""What the worker finds in `function_app.py`, and what importing it costs."""

import json
import re
import subprocess
import sys

import pytest

from local.host.indexing import Function
from shared.runtime import names
from tests.unit.functions.bound_calls import ROOT, functions

ORCHESTRATIONS = {names.RUN_SWARM, names.RUN_NODE}
ACTIVITIES = {names.BEGIN_SWARM, names.ADVANCE_NODE, names.FAIL_NODE, names.FINISH_SWARM}

#: Modules that the Functions and Durable SDKs and pydantic bring are not counted.
BASE = "import azure.functions, azure.durable_functions, pydantic_settings"
#: Ours and what they need of the standard library; more of them make every cold start slower.
MOST_MODULES = 250


def test_durable_names_are_the_constants() -> None:
    constants = {value for name, value in vars(names).items() if name.isupper()}
    assert constants == ORCHESTRATIONS | ACTIVITIES
    assert {one.durable_name for one in functions("orchestrationTrigger").values()} == ORCHESTRATIONS
    assert {one.durable_name for one in functions("activityTrigger").values()} == ACTIVITIES


def test_activities_are_async_and_orchestrators_are_not() -> None:
    assert all(one.is_async for one in functions("activityTrigger").values())
    assert not any(one.is_async for one in functions("orchestrationTrigger").values())


def test_the_sweep_runs_twice_a_minute_schedules_once_and_the_purge_daily() -> None:
    timers = functions("timerTrigger")
    told = {name: one.trigger.properties["schedule"] for name, one in timers.items()}
    assert told == {"sweep": "*/30 * * * * *", "start_due": "0 * * * * *", "purge_history": "0 30 3 * * *"}
    assert not any(one.trigger.properties.get("runOnStartup") for one in timers.values())


def test_every_route_is_below_the_version_and_says_its_methods() -> None:
    routes = [(one.trigger.properties["route"], one.trigger.properties["methods"]) for one in http()]
    unversioned = {"/", "api/health", "api/openapi.json", "api/docs", "hooks/{hook_id}"}
    assert {route for route, _ in routes if not route.startswith("api/v1/")} == unversioned
    assert all(methods and set(methods) <= {"GET", "POST", "PUT", "PATCH", "DELETE"} for _, methods in routes)
    pairs = [(re.sub(r"\{\w+\}", "{}", route), method) for route, methods in routes for method in methods]
    assert len(set(pairs)) == len(pairs)


def test_what_signals_has_a_durable_client() -> None:
    signalling = {one.name for one in http() if any(binding.type == "durableClient" for binding in one.bindings)}
    assert {"create_swarm", "cancel_swarm", "resume_swarm", "answer_question"} <= signalling
    assert not [one.name for one in http() if one.name in signalling and one.trigger.properties["methods"] == ["GET"]]


def http() -> list[Function]:
    return list(functions("httpTrigger").values())


def imported(code: str) -> dict[str, list[str]]:
    """What a fresh interpreter has loaded after some code, and which parts of the app are built."""
    tell = (
        "import json, sys\n"
        "from shared import bootstrap\n"
        "built = [n for n, p in vars(bootstrap).items() if hasattr(p, 'cache_info') and p.cache_info().currsize]\n"
        "print(json.dumps({'modules': sorted(sys.modules), 'built': built}))"
    )
    ran = subprocess.run([sys.executable, "-c", f"{code}\n{tell}"], cwd=ROOT, capture_output=True, check=True)
    return dict(json.loads(ran.stdout))


@pytest.fixture(scope="module")
def app_modules() -> set[str]:
    found = imported("import function_app")
    assert found["built"] == []
    return set(found["modules"])


def test_importing_the_app_builds_nothing_and_loads_no_client(app_modules: set[str]) -> None:
    heavy = ("openai", "httpx", "httpx2", "xllamacpp", "uvloop", "jwt", "cryptography", "local", "cli", "pytest")
    assert not [name for name in app_modules if name.split(".")[0] in heavy]


def test_importing_the_app_loads_few_modules(app_modules: set[str]) -> None:
    base = subprocess.run(
        [sys.executable, "-c", f"{BASE}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"],
        capture_output=True,
        check=True,
    )
    ours = app_modules - set(json.loads(base.stdout))
    assert "aiohttp" not in ours  # the Durable SDK's own
    assert len(ours) <= MOST_MODULES, sorted(ours)


def test_the_model_layers_need_no_azure() -> None:
    found = imported("import shared.usecases.create_swarm, shared.orchestration.run_swarm")["modules"]
    assert not [name for name in found if name.split(".")[0] in {"azure", "aiohttp", "openai", "httpx", "functions"}]
