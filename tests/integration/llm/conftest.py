"""A scripted endpoint whose rule a test sets, and a client on it."""

from collections.abc import AsyncIterator

import pytest

from local.scripted import ScriptedModel
from shared.adapters.openai import OpenAIChatModel

KEY = "sk-very-secret-0123456789"


@pytest.fixture
async def server() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel() as running:
        yield running


@pytest.fixture
async def model(server: ScriptedModel) -> AsyncIterator[OpenAIChatModel]:
    client = OpenAIChatModel(server.base_url, KEY)
    yield client
    await client.close()
