"""Every sandbox that runs on this machine; the same suites run on each."""

from collections.abc import AsyncIterator

import pytest
from sandbox_adapters import ADAPTERS, open_sandbox

from shared.sandbox import Sandbox


@pytest.fixture(params=ADAPTERS)
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """A sandbox of its own."""
    opened = await open_sandbox(request.param)
    yield opened
    await opened.close()
