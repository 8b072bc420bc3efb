"""Which adapters the settings choose. Nothing connects before it is used."""

import pytest
from pydantic import SecretStr, ValidationError

from shared import bootstrap
from shared.adapters.azure_blob import AzureBlobs
from shared.adapters.cosmos import CosmosStore
from shared.adapters.filesystem import FilesystemBlobs
from shared.adapters.sqlite import SqliteStore
from shared.config import Settings

COSMOS = {"cosmos_endpoint": "https://127.0.0.1:1", "cosmos_key": SecretStr("azhrZXk=")}
AZURE = {"blob_endpoint": "https://127.0.0.1:1/account", "blob_key": SecretStr("azhrZXk=")}


@pytest.mark.parametrize(
    ("chosen", "store", "blobs"),
    [
        ({}, SqliteStore, FilesystemBlobs),
        ({"store": "cosmos"}, CosmosStore, AzureBlobs),
        ({"store": "sqlite", "blobs": "azure"}, SqliteStore, AzureBlobs),
        ({"store": "cosmos", "blobs": "filesystem"}, CosmosStore, FilesystemBlobs),
    ],
)
async def test_documents_and_content_are_chosen_apart(chosen: dict[str, str], store: type, blobs: type) -> None:
    settings = Settings.model_validate({**COSMOS, **AZURE, **chosen})
    documents = bootstrap._store(settings)
    assert isinstance(documents, store)
    assert isinstance(bootstrap._blobs(settings), blobs)
    await documents.close()


def test_a_place_for_content_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"blobs\n.*'filesystem' or 'azure'"):
        Settings.model_validate({"blobs": "s3"})
