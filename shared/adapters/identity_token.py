"""The token by which a managed identity calls a model endpoint: a `KeyProvider` for the OpenAI adapter."""

import asyncio
import time
from urllib.parse import urlsplit

from shared.adapters.azure_client import AzureClient, check_endpoint, is_loopback, open_identity
from shared.errors import InvalidInput, ModelUnavailable, Unavailable

#: Seconds before its end at which a token is replaced: a call under way must not outlive it.
REFRESH_BEFORE = 300.0
#: Seconds that asking for a token may take, and after which a call that got none may come again.
ASK_SECONDS = 30.0
RETRY_AFTER = 5.0
#: Where a token may go: the model services and gateways of Azure and its sovereign clouds. Whoever else got it could
#: use it there.
AZURE_HOSTS = (".azure.com", ".azure-api.net", ".azure.us", ".azure.cn")


class IdentityToken:
    """Gives the current token of an identity; one is asked for at a time, however many calls wait for it."""

    def __init__(self, endpoint: str, scope: str, client_id: str | None = None) -> None:
        """Raise `InvalidInput` for an `endpoint` to which the token would travel in clear, or that is not Azure's."""
        check_endpoint(endpoint, "model")
        if not is_loopback(endpoint) and not (urlsplit(endpoint).hostname or "").endswith(AZURE_HOSTS):
            raise InvalidInput("the app's identity is for an endpoint of Azure; another one needs a model key")
        self._scope = scope
        self._credential = AzureClient(lambda stack: open_identity(stack, client_id), _explain, name="identity")
        self._token, self._expires = "", 0.0
        self._asking = asyncio.Lock()

    async def __call__(self) -> str:
        """The token; raises `ModelUnavailable` where this environment gives none."""
        if (token := self._fresh()) is not None:
            return token
        async with self._asking:
            return self._fresh() or await self._ask()

    async def close(self) -> None:
        """Let go of connections."""
        await self._credential.close()

    def _fresh(self) -> str | None:
        return self._token if self._expires - time.time() > REFRESH_BEFORE else None

    async def _ask(self) -> str:
        try:
            async with self._credential.use(ASK_SECONDS) as credential:
                given = await credential.get_token(self._scope)
        except Unavailable as error:
            raise ModelUnavailable(str(error), retry_after=error.retry_after) from error
        self._token, self._expires = given.token, given.expires_on
        return self._token


def _explain(_error: Exception) -> Unavailable:
    told = "this deployment got no token for the model endpoint: check its managed identity"
    return Unavailable(told, retry_after=RETRY_AFTER)
