"""Creates and removes the container where no infrastructure does: on one's own machine and in the tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from shared.adapters.azure_client import AzureClient
from shared.adapters.cosmos import schema
from shared.adapters.cosmos.access import CosmosAccess
from shared.adapters.cosmos.failures import explain

if TYPE_CHECKING:
    from azure.cosmos.aio import CosmosClient

_SECONDS = 60.0


async def provision(access: CosmosAccess) -> None:
    """Create the database and the container unless they are there; needs a key, no identity may do this."""
    from azure.cosmos import PartitionKey

    async with _account(access) as account:
        database = await account.create_database_if_not_exists(access.database)
        await database.create_container_if_not_exists(
            access.container,
            PartitionKey(schema.PARTITION_KEY_PATH, version=schema.PARTITION_KEY_VERSION),
            indexing_policy=schema.INDEXING_POLICY,
            default_ttl=schema.DEFAULT_TTL,
        )


async def remove(access: CosmosAccess) -> None:
    """Delete the container with everything in it, as a test does with its own."""
    async with _account(access) as account:
        await account.get_database_client(access.database).delete_container(access.container)


@asynccontextmanager
async def _account(access: CosmosAccess) -> "AsyncIterator[CosmosClient]":
    client = AzureClient(access.open_client, explain, name="store")
    try:
        async with client.use(_SECONDS) as account:
            yield account
    finally:
        await client.close()
