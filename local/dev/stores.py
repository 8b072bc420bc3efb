"""Where a deployment on this machine keeps its state: files, or the emulators of Cosmos DB and Blob Storage."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import StrEnum

from pydantic import SecretStr

from local.emulators import Emulator, blob_emulator, cosmos_emulator
from shared.errors import InvalidInput


class Store(StrEnum):
    """Where state is kept."""

    SQLITE = "sqlite"
    COSMOS = "cosmos"


def kept_in(store: Store) -> AbstractContextManager[dict[str, str]]:
    """The app's settings for a store; what the emulators hold is gone when the context ends."""
    return _emulated() if store is Store.COSMOS else nullcontext({})


def _documents() -> AbstractContextManager[Emulator]:
    """The emulator of this machine that COSMOS_ENDPOINT and COSMOS_KEY name, or one that is started here."""
    from shared.adapters.azure_client import is_loopback

    endpoint = os.environ.get("COSMOS_ENDPOINT")
    if not endpoint:
        return cosmos_emulator()
    if not is_loopback(endpoint):
        raise InvalidInput("COSMOS_ENDPOINT must be an emulator on this machine; an account is for a deployment")
    return nullcontext(Emulator(endpoint, os.environ.get("COSMOS_KEY", "")))


@contextmanager
def _emulated() -> Iterator[dict[str, str]]:
    from shared.adapters import azure_blob, cosmos  # not loaded where state lies in files
    from shared.adapters.cosmos.provision import provision

    with _documents() as documents, blob_emulator() as content:
        asyncio.run(provision(cosmos.CosmosAccess(documents.endpoint, SecretStr(documents.key), emulator=True)))
        asyncio.run(azure_blob.provision(azure_blob.BlobAccess(content.endpoint, SecretStr(content.key))))
        yield {
            "SWARMSTAR_STORE": "cosmos",
            "SWARMSTAR_BLOBS": "azure",
            "SWARMSTAR_COSMOS_ENDPOINT": documents.endpoint,
            "SWARMSTAR_COSMOS_KEY": documents.key,
            "SWARMSTAR_COSMOS_EMULATOR": "1",
            "SWARMSTAR_BLOB_ENDPOINT": content.endpoint,
            "SWARMSTAR_BLOB_KEY": content.key,
        }
