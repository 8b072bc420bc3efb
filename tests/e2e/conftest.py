"""A deployment to test: the one at `BASE_URL` (with `API_KEY`), or an embedded host that is started here.

The scripted model runs in this process. A deployment at `BASE_URL` can use it too: configure it for
`http://<this machine>:$MODEL_PORT/v1` and set `MODEL_PORT`; without that, tests that need it are skipped.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator

import aiohttp
import pytest
import pytest_asyncio
from e2e_client import BASE_URL, MODEL_PORT, Deployment, Swarms
from e2e_host import serving
from e2e_script import Switchboard
from e2e_tenants import ADMIN_KEY, Tenants

from local.dev.stores import Store, kept_in
from local.scripted import ScriptedModel
from shared.tenancy.api_keys import digest


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def switchboard() -> Switchboard:
    """Tells the calls of the swarms apart."""
    return Switchboard()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def model_url(switchboard: Switchboard) -> AsyncIterator[str]:
    """The scripted model, as a base URL."""
    async with ScriptedModel(switchboard, port=MODEL_PORT) as model:
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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def tenants(
    model_url: str, store_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Tenants]:
    """A deployment of many users, which asks everybody for a key."""
    if BASE_URL:
        if "ADMIN_KEY" not in os.environ:
            pytest.skip("BASE_URL is set without ADMIN_KEY, so no users can be made there")
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
        pytest.skip("BASE_URL is set without MODEL_PORT, so the deployment does not use the scripted model")
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
