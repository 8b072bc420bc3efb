"""A deployment to test: the one at `BASE_URL` (with `API_KEY`), or an embedded host that is started here.

The scripted model runs in this process. A deployment at `BASE_URL` can use it too: configure it for
`http://<this machine>:$MODEL_PORT/v1` and set `MODEL_PORT`; without that, tests that need it are skipped.
"""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from e2e_client import Deployment, Swarms
from e2e_script import Switchboard

from local.scripted import ScriptedModel

ROOT = Path(__file__).parents[2]
BASE_URL = os.environ.get("BASE_URL", "").rstrip("/")
MODEL_PORT = int(os.environ.get("MODEL_PORT", "0"))


@pytest.fixture(scope="session")
def loop_bound() -> None:
    """Every test of this folder shares one event loop, which the scripted model lives on."""


@pytest.fixture(scope="session")
async def scripted_model() -> AsyncIterator[ScriptedModel]:
    """The scripted model, with a switchboard as its rule."""
    async with ScriptedModel(Switchboard(), port=MODEL_PORT) as model:
        yield model
