"""Where the database is and who asks for it."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from shared.adapters.azure_client import check_endpoint, check_key, is_loopback, open_identity
from shared.adapters.cosmos import emulator, schema
from shared.errors import InvalidInput

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.cosmos.aio import CosmosClient

#: The service ends an operation after five seconds; what takes longer than this is a lost connection.
READ_TIMEOUT = 15
CONNECT_TIMEOUT = 5
#: A throttled request is sent again so often and for so many seconds at most; then its caller is told when to come.
THROTTLE_RETRIES = 9
THROTTLE_SECONDS = 10
#: A request whose connection could not be made, or was cut, is sent again so often.
CONNECTION_RETRIES = 2


@dataclass(frozen=True, slots=True)
class CosmosAccess:
    """An account's endpoint, with its key or as an identity; raises `InvalidInput` for what is unsafe."""

    endpoint: str
    #: Without a key the identity of this environment asks, which is how it is deployed.
    key: SecretStr | None = None
    #: Of the managed identity, where there are several.
    client_id: str | None = None
    #: Whether the endpoint is an emulator on this machine.
    emulator: bool = False
    database: str = schema.DATABASE
    container: str = schema.CONTAINER

    def __post_init__(self) -> None:
        check_endpoint(self.endpoint, "Cosmos DB")
        check_key(self.key, "Cosmos DB")
        if self.emulator and not is_loopback(self.endpoint):
            raise InvalidInput("a Cosmos DB emulator runs on this machine; another endpoint is an account")

    @property
    def options(self) -> dict[str, Any]:
        """How the client behaves."""
        return {
            "connection_timeout": CONNECT_TIMEOUT,
            "read_timeout": READ_TIMEOUT,
            "retry_total": CONNECTION_RETRIES,
            "retry_backoff_max": 1,
            "retry_backoff_factor": 0.2,
            "retry_throttle_total": THROTTLE_RETRIES,
            "retry_throttle_backoff_max": THROTTLE_SECONDS,
            "enable_compact_utf8_item_writes": True,
            **(emulator.CLIENT_OPTIONS if self.emulator else {}),
        }

    async def open_client(self, stack: AsyncExitStack) -> "CosmosClient":
        """A client that the stack closes."""
        from azure.cosmos.aio import CosmosClient

        client = CosmosClient(self.endpoint, await self._credential(stack), **self.options)
        stack.push_async_callback(client.close)  # also where entering it fails half way
        await client.__aenter__()
        return client

    async def _credential(self, stack: AsyncExitStack) -> "str | AsyncTokenCredential":
        if self.key is not None:
            return self.key.get_secret_value()
        return await open_identity(stack, self.client_id)
