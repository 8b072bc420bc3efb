"""Calls to a model endpoint as a managed identity, with the token endpoint that Azure Functions offers an app."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from local.scripted import ScriptedModel
from shared import bootstrap
from shared.adapters.identity_token import REFRESH_BEFORE, IdentityToken
from shared.adapters.openai import OpenAIChatModel
from shared.config import Settings
from shared.errors import InvalidInput, ModelUnavailable
from shared.llm.port import CompletionRequest, Message

SCOPE = "https://models.test/.default"
HEADER = "the-header-only-this-app-knows"


@dataclass
class TokenEndpoint:
    """Gives `token-1`, `token-2`, ... for so many seconds each; or refuses."""

    lifetime: float = 3_600
    status: int = 200
    asked: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append({**request.query, "header": request.headers.get("X-IDENTITY-HEADER", "")})
        await asyncio.sleep(0.02)  # time for others to ask too
        if self.status != 200:
            return web.json_response({"statusCode": self.status, "message": "no such identity"}, status=self.status)
        number = len(self.asked)
        return web.json_response(
            {
                "access_token": f"token-{number}",
                "expires_on": str(int(time.time() + self.lifetime)),
                "resource": request.query["resource"],
                "token_type": "Bearer",
            }
        )


@pytest.fixture
async def tokens(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TokenEndpoint]:
    endpoint = TokenEndpoint()
    application = web.Application()
    application.router.add_get("/msi/token", endpoint.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{runner.addresses[0][1]}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", HEADER)
    yield endpoint
    await runner.cleanup()


@pytest.fixture
async def server() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel() as running:
        yield running


@asynccontextmanager
async def identity(url: str) -> AsyncIterator[IdentityToken]:
    token = IdentityToken(url, SCOPE, "our-client-id")
    try:
        yield token
    finally:
        await token.close()


@asynccontextmanager
async def calling(url: str) -> AsyncIterator[OpenAIChatModel]:
    async with identity(url) as token:
        model = OpenAIChatModel(url, token)
        try:
            yield model
        finally:
            await model.close()


REQUEST = CompletionRequest((Message(role="user", content="hello"),), "some-model")


async def test_calls_bear_the_token_of_the_named_identity(server: ScriptedModel, tokens: TokenEndpoint) -> None:
    async with calling(server.base_url) as model:
        await model.complete(REQUEST)
        await model.complete(REQUEST)

    assert [call.headers["authorization"] for call in server.calls] == ["Bearer token-1"] * 2
    (asked,) = tokens.asked
    assert asked["resource"] == SCOPE.removesuffix("/.default")
    assert asked["client_id"] == "our-client-id"
    assert asked["header"] == HEADER


async def test_many_first_calls_ask_for_one_token(server: ScriptedModel, tokens: TokenEndpoint) -> None:
    async with calling(server.base_url) as model:
        await asyncio.gather(*(model.complete(REQUEST) for _ in range(50)))

    assert len(server.calls) == 50
    assert len(tokens.asked) == 1


async def test_a_token_is_replaced_before_its_end(tokens: TokenEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    async with identity("http://127.0.0.1:9/v1") as token:
        assert await token() == "token-1"
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() + tokens.lifetime - REFRESH_BEFORE + 1)
        assert await token() == "token-2"
        assert await token() == "token-2"


async def test_no_token_is_for_later_and_tells_nothing(server: ScriptedModel, tokens: TokenEndpoint) -> None:
    tokens.status = 400
    async with calling(server.base_url) as model:
        with pytest.raises(ModelUnavailable, match="managed identity") as told:
            await model.complete(REQUEST)
        assert HEADER not in str(told.value)
        assert not server.calls

        tokens.status = 200
        await model.complete(REQUEST)
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    "url", ["http://ours.openai.azure.com/openai/v1", "https://api.openai.com/v1", "https://openai.azure.com.test/v1"]
)
def test_a_token_goes_to_azure_alone_and_never_in_clear(url: str) -> None:
    with pytest.raises(InvalidInput):
        IdentityToken(url, SCOPE)


def test_a_token_may_go_to_azure() -> None:
    assert IdentityToken("https://ours.openai.azure.com/openai/v1", SCOPE)


async def test_the_app_calls_as_its_identity_where_that_is_set(
    server: ScriptedModel, tokens: TokenEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWARMSTAR_MODEL_BASE_URL", server.base_url)
    monkeypatch.setenv("SWARMSTAR_MODEL_IDENTITY", "true")
    monkeypatch.setenv("SWARMSTAR_MODEL_API_KEY", "")
    monkeypatch.setenv("SWARMSTAR_AZURE_CLIENT_ID", "the-apps")
    key = bootstrap.model_key(Settings())

    assert isinstance(key, IdentityToken)
    assert await key() == "token-1"
    assert tokens.asked[0]["client_id"] == "the-apps"
    assert tokens.asked[0]["resource"] == "https://cognitiveservices.azure.com"
    await key.close()
