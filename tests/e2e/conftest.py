"""A deployment to test: the one at `BASE_URL` (with `API_KEY`), or an embedded host that is started here.

The scripted model runs in this process. A deployment at `BASE_URL` can use it too: configure it for
`http://<this machine>:$MODEL_PORT/v1` and set `MODEL_PORT`; without that, tests that need it are skipped.
"""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from e2e_client import Deployment, Swarms
from e2e_script import Switchboard

from local.scripted import ScriptedModel

ROOT = Path(__file__).parents[2]
BASE_URL = os.environ.get("BASE_URL", "").rstrip("/")
MODEL_PORT = int(os.environ.get("MODEL_PORT", "0"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def switchboard() -> Switchboard:
    """Tells the calls of the swarms apart."""
    return Switchboard()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def model_url(switchboard: Switchboard) -> AsyncIterator[str]:
    """The scripted model, as a base URL."""
    async with ScriptedModel(switchboard, port=MODEL_PORT) as model:
        yield model.base_url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def deployment(model_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """The deployment under test."""
    if BASE_URL:
        async with aiohttp.ClientSession() as session:
            yield Deployment(session, BASE_URL, os.environ.get("API_KEY"))
    else:
        async with serving(tmp_path_factory.mktemp("host"), model_url) as started:
            yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def planning(model_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """A deployment whose plans name the actions themselves."""
    if BASE_URL:
        pytest.skip("BASE_URL is set, and how that deployment routes cannot be chosen here")
    async with serving(tmp_path_factory.mktemp("planning"), model_url, SWARMSTAR_ROUTING="planned") as started:
        yield started


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


@asynccontextmanager
async def serving(folder: Path, model_url: str, **more: str) -> AsyncIterator[Deployment]:
    """An embedded host as a process of its own, with everything it stores in `folder`."""
    management, log = secrets.token_urlsafe(24), folder / "host.log"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SWARMSTAR_", "OPENAI_"))}
    told = {
        "SWARMSTAR_MODEL_BASE_URL": model_url,
        "SWARMSTAR_MODEL_API_KEY": "not-a-secret",
        "SWARMSTAR_MODEL": "gpt-5-mini",
        "SWARMSTAR_LOCAL_USER": "local",
        "SWARMSTAR_SPACES_DIR": str(folder / "spaces"),
        "SWARMSTAR_HOST_KEY": management,
        "TASKHUB_NAME": "e2e",
    }
    options = ["--root", str(ROOT), "--port", "0", "--state", str(folder / "host.db")]
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "local.host", *options),
            cwd=ROOT,
            env=kept | told | more,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    try:
        url = await _address(process)
        async with aiohttp.ClientSession() as session:
            yield Deployment(session, url, None, folder / "spaces", management, log)
    finally:
        await _stop(process)
    said = log.read_text(encoding="utf-8", errors="replace")
    assert process.returncode == 0, said[-4_000:]
    assert "Traceback" not in said, said[max(0, said.index("Traceback") - 1_000) :][:6_000]


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        line = (await process.stdout.readline()).decode()
    assert line.startswith("Listening on http://"), f"the host said {line!r}"
    return line.split()[-1]


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(30):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
