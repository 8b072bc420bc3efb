"""A deployment to test: the one at `BASE_URL`, or an embedded host that is started here.

`API_KEY` is a user's key there, `API_KEY_B` another user's, `ADMIN_KEY` the administrator's, who makes users.

The scripted model runs in this process. A deployment at `BASE_URL` can use it too: configure it for
`http://<this machine>:$MODEL_PORT/v1` and set `MODEL_PORT`; without that, tests that need it are skipped, and what is
left runs against any deployment with any model: `-m any_model`.

`THINKING=100-3000` has the scripted model spend 100 to 3,000 tokens on thinking before each answer.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import aiohttp
import pytest
import pytest_asyncio
from e2e_client import BASE_URL, MODEL_PORT, Deployment, Swarms
from e2e_host import serving
from e2e_script import Switchboard
from e2e_tenants import ADMIN_KEY, Tenants

from local.dev.stores import Store, kept_in
from local.scripted import ScriptedModel, thinking
from shared.tenancy.api_keys import digest

_HERE = Path(__file__).parent
#: Who takes one of these has the scripted model speak.
_SPEAKING = {"switchboard", "scripted", "swarms", "planning"}
#: Seconds a deployment may take to answer at first: one that was scaled to zero has to start.
_START = 60.0
#: `THINKING=100-3000`: the scripted model spends so many tokens on thinking before it answers.
THINKING = [int(number) for number in os.environ.get("THINKING", "").split("-") if number]
_NO_SCRIPT = "BASE_URL is set without MODEL_PORT, so the deployment does not use the scripted model"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers of this suite."""
    config.addinivalue_line("markers", "scripted: needs the scripted model; set by what fixtures a test takes")
    config.addinivalue_line("markers", "any_model: runs against any deployment, whatever its model")


def pytest_sessionstart() -> None:
    """End with one line where no deployment answers, in the place of one failure a test."""
    if BASE_URL and (wrong := _unreachable(BASE_URL)):
        pytest.exit(wrong, pytest.ExitCode.USAGE_ERROR)


def _unreachable(url: str) -> str:
    """Why no deployment can be tested there; empty if one can."""
    if not url.startswith(("http://", "https://")):
        return f"BASE_URL is {url}; it must begin with http:// or https://"
    try:
        with urlopen(f"{url}/api/health", timeout=_START):
            return ""
    except HTTPError as error:
        return f"{url}/api/health answers {error.code}: no deployment, or one that is not ready"
    except (OSError, ValueError, HTTPException) as error:
        return f"nothing answers at {url}: {getattr(error, 'reason', error)}"


def pytest_report_header() -> list[str]:
    """What is tested, and how a deployment elsewhere can use the scripted model."""
    if not BASE_URL:
        return [f"deployment: an embedded host that is started here, store {os.environ.get('STORE', 'sqlite')}"]
    if MODEL_PORT:
        return [f"deployment: {BASE_URL}, with the scripted model on port {MODEL_PORT} of this machine"]
    return [
        f"deployment: {BASE_URL}, with its own model; tests that need the scripted one are skipped",
        "  to run them as well, start it with SWARMSTAR_MODEL_BASE_URL=http://<this machine>:9999/v1,",
        "  SWARMSTAR_MODEL_API_KEY=any, SWARMSTAR_MODEL=gpt-5-mini, and set MODEL_PORT=9999 here",
    ]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the scripted model, and skip it where the deployment has another."""
    for item in items:
        if not isinstance(item, pytest.Function) or item.path.parent != _HERE or item.get_closest_marker("any_model"):
            continue
        if not _SPEAKING.isdisjoint(item.fixturenames):
            item.add_marker("scripted")
            if BASE_URL and not MODEL_PORT:
                item.add_marker(pytest.mark.skip(reason=_NO_SCRIPT))
        if BASE_URL and item.get_closest_marker("fuzz"):
            item.add_marker(pytest.mark.skip(reason="BASE_URL is set, and rubbish is sent to a host of its own alone"))


@pytest.fixture(scope="session")
def _switchboard() -> Switchboard:
    """What every deployment started here has, also where no test speaks through it."""
    return Switchboard()


@pytest.fixture(scope="session")
def switchboard(_switchboard: Switchboard) -> Switchboard:
    """Tells the calls of the swarms apart."""
    return _switchboard


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def model_url(_switchboard: Switchboard) -> AsyncIterator[str]:
    """The scripted model, as a base URL."""
    rule = thinking(_switchboard, *THINKING) if THINKING else _switchboard
    async with ScriptedModel(rule, port=MODEL_PORT) as model:
        yield model.base_url


@pytest.fixture(scope="session")
def store_settings() -> Iterator[dict[str, str]]:
    """Where the deployments started here keep their state: `STORE` is `sqlite` (the default) or `cosmos`."""
    with kept_in(Store(os.environ.get("STORE", "sqlite"))) as settings:
        yield settings


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def deployment(
    model_url: str, store_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Deployment]:
    """The deployment under test."""
    if BASE_URL:
        async with aiohttp.ClientSession() as session:
            yield Deployment(session, BASE_URL, os.environ.get("API_KEY"))
    else:
        async with serving(tmp_path_factory.mktemp("host"), model_url, **store_settings) as started:
            yield started
            assert await _idle(started) == []


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def planning(
    model_url: str, store_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Deployment]:
    """A deployment whose plans name the actions themselves."""
    if BASE_URL:
        pytest.skip("BASE_URL is set, and how that deployment routes cannot be chosen here")
    folder = tmp_path_factory.mktemp("planning")
    async with serving(folder, model_url, SWARMSTAR_ROUTING="planned", **store_settings) as started:
        yield started


@pytest.fixture(scope="session")
def tenants(everybody: Tenants) -> Tenants:
    """A deployment of many users, in which users can be made."""
    if BASE_URL and "ADMIN_KEY" not in os.environ:
        pytest.skip("BASE_URL is set without ADMIN_KEY, so no users can be made there")
    return everybody


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def everybody(
    model_url: str, store_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Tenants]:
    """A deployment that asks everybody for a key."""
    if BASE_URL:
        async with aiohttp.ClientSession() as session:
            yield Tenants(Deployment(session, BASE_URL))
    else:
        settings = {"SWARMSTAR_LOCAL_USER": "", "SWARMSTAR_ADMIN_KEY_SHA256": digest(ADMIN_KEY)} | store_settings
        async with serving(tmp_path_factory.mktemp("tenants"), model_url, **settings) as started:
            yield Tenants(started)


@pytest.fixture(scope="session")
def scripted(deployment: Deployment, switchboard: Switchboard) -> Callable[[], Swarms]:
    """Makes what starts swarms that the scripted model speaks to."""
    if BASE_URL and not MODEL_PORT:
        pytest.skip(_NO_SCRIPT)
    return lambda: Swarms(deployment, switchboard)


@pytest_asyncio.fixture(loop_scope="session")
async def swarms(scripted: Callable[[], Swarms]) -> AsyncIterator[Swarms]:
    """Starts swarms that the scripted model speaks to."""
    starter = scripted()
    yield starter
    await starter.stop()


@pytest.fixture
def local(deployment: Deployment) -> Deployment:
    """The deployment, if it is one that was started here: its durable instances and its disk can be looked at."""
    if deployment.management is None:
        pytest.skip("BASE_URL is set, and neither the durable instances nor the disk there can be seen from here")
    return deployment


async def _idle(deployment: Deployment) -> list[str]:
    """What still runs although every swarm of every test has ended; given a moment to come to its end."""
    for _ in range(100):
        if not (left := await deployment.running_instances()):
            return []
        await asyncio.sleep(0.1)
    return left
