"""What the adapters of Azure services share: credentials, and clients that open late and close in order."""

import asyncio
import base64
import ipaddress
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError
from pydantic import SecretStr

from shared.errors import InvalidInput, SwarmStarError, Unavailable

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

T = TypeVar("T")

#: They tell each request and answer on INFO, whose telemetry would cost more than the requests themselves.
_LOUD = ("azure.core.pipeline.policies.http_logging_policy", "azure.cosmos._cosmos_http_logging_policy")


def check_endpoint(url: str, what: str) -> None:
    """Raise `InvalidInput` for an address to which a key or a token would travel in clear."""
    parts = urlsplit(url)
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url))):
        raise InvalidInput(f"the {what} endpoint must begin with https:// (http:// is for this machine alone)")


def check_key(key: SecretStr | None, what: str) -> None:
    """Raise `InvalidInput`, without the key, for one that cannot be an account's."""
    try:
        if key is not None and not base64.b64decode(key.get_secret_value(), validate=True):
            raise ValueError("empty")
    except ValueError:
        raise InvalidInput(f"the {what} key is not one of an account: it must be base64") from None


def is_loopback(url: str) -> bool:
    """Whether an address is of this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def open_identity(stack: AsyncExitStack, client_id: str | None) -> "AsyncTokenCredential":
    """The managed identity with this client id, or without one whatever identity this environment has."""
    from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential

    if client_id is not None:
        return await stack.enter_async_context(ManagedIdentityCredential(client_id=client_id))
    return await stack.enter_async_context(DefaultAzureCredential())


class AzureClient(Generic[T]):
    """A client that is opened when it is first needed and shared by every call of one event loop.

    Whatever the vendor raises while it is in use comes out as one of the product's errors.
    """

    def __init__(
        self,
        open_client: Callable[[AsyncExitStack], Awaitable[T]],
        explain: Callable[[AzureError], SwarmStarError],
        *,
        name: str,
        open_seconds: float = 30.0,
    ) -> None:
        """`open_client` leaves on the stack what `close` must close; `explain` gives the error to raise."""
        self._open_client = open_client
        self._explain = explain
        self._name = name
        self._open_seconds = open_seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._client: T | None = None
        self._uses = 0
        self._idle = asyncio.Event()
        self._closed = False

    @asynccontextmanager
    async def use(self, seconds: float | None = None) -> AsyncIterator[T]:
        """The client, for at most so many seconds; raises `Unavailable` when it is closed or cannot be opened."""
        if self._closed:
            raise Unavailable(f"the {self._name} is closed")
        self._bind()
        self._uses += 1
        self._idle.clear()
        try:
            client = await self._opened()
            async with asyncio.timeout(seconds):
                yield client
        except AzureError as error:
            raise self._explain(error) from error
        except TimeoutError as error:
            raise Unavailable(f"the {self._name} does not answer", retry_after=5.0) from error
        finally:
            self._uses -= 1
            if self._uses == 0:
                self._idle.set()

    async def close(self) -> None:
        """Wait for every use to end, then let go of the connections."""
        self._closed = True
        if self._loop is not asyncio.get_running_loop():
            return  # it was never opened, or in a loop that is gone with its connections
        await self._idle.wait()
        self._client = None
        await self._stack.aclose()

    def _bind(self) -> None:
        """Belong to the running loop, for as long as it runs."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        if self._loop is not None and not self._loop.is_closed():
            raise RuntimeError(f"the {self._name} belongs to another event loop, which still runs")
        self._loop, self._opening, self._idle = loop, asyncio.Lock(), asyncio.Event()
        self._stack, self._client, self._uses = AsyncExitStack(), None, 0

    async def _opened(self) -> T:
        if self._client is None:
            async with self._opening:
                if self._client is None:
                    self._client = await self._open()
        return self._client

    async def _open(self) -> T:
        _quieten()
        async with AsyncExitStack() as stack, asyncio.timeout(self._open_seconds):
            client = await self._open_client(stack)
            self._stack = stack.pop_all()
        return client


def _quieten() -> None:
    """Have the vendor's clients log warnings and worse, unless somebody has chosen a level for them."""
    for logger in map(logging.getLogger, _LOUD):
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)


def header(error: AzureError, name: str) -> str | None:
    """A header of the answer that an error tells of."""
    response: Any = getattr(error, "response", None)
    value = None if response is None else response.headers.get(name)
    return None if value is None else str(value)
