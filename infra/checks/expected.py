"""What the code expects of its deployment, read from the code itself."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from shared.adapters import azure_blob
from shared.adapters.cosmos import schema as cosmos
from shared.config import Settings

#: Settings that a deployment must leave alone, and why.
LOCAL_ONLY: Final = {
    "SWARMSTAR_LOCAL_USER": "names the one user of one's own machine; on Azure users have keys or tokens",
    "SWARMSTAR_LOCAL_KEY_SHA256": "that user's key",
    "SWARMSTAR_SPACES_DIR": "files of the SQLite store",
    "SWARMSTAR_COSMOS_KEY": "a key, where the deployment signs in as its identity; the account refuses keys",
    "SWARMSTAR_COSMOS_EMULATOR": "the emulator on loopback",
    "SWARMSTAR_BLOB_KEY": "a key, where the deployment signs in as its identity; the account refuses keys",
    "SWARMSTAR_MODEL_OFFLINE": "the embedded model",
}
#: Settings whose default is right on Azure too; `extraSettings` of the template changes them.
DEFAULTED: Final = {
    "SWARMSTAR_ENTRA_PERMISSION": "the name that docs/deploy.md has the app registration use",
    "SWARMSTAR_ENTRA_AUTHORITY": "sovereign clouds alone have another",
    "SWARMSTAR_EASY_AUTH": "the platform's sign-in is not part of the template",
    "SWARMSTAR_MODEL_IDENTITY_SCOPE": "sovereign clouds alone have another",
    "SWARMSTAR_MODEL_TIMEOUT": "tuning",
    "SWARMSTAR_MODEL_PROFILE": "the table of models says it",
    "SWARMSTAR_MODEL_WINDOW": "the table of models says it",
    "SWARMSTAR_MODEL_MAX_OUTPUT": "the table of models says it",
    "SWARMSTAR_MODEL_REASONS": "the table of models says it",
    "SWARMSTAR_MODEL_EFFORT": "the table of models says it",
    "SWARMSTAR_MODEL_THINKING": "the table of models says it",
    "SWARMSTAR_MODEL_TOOLS": "the table of models says it",
    "SWARMSTAR_MODEL_STRUCTURED": "the table of models says it",
    "SWARMSTAR_MODEL_PRICE_INPUT": "the table of models says it",
    "SWARMSTAR_MODEL_PRICE_CACHED": "the table of models says it",
    "SWARMSTAR_MODEL_PRICE_OUTPUT": "the table of models says it",
    "SWARMSTAR_PROMPT_TOKENS": "tuning",
    "SWARMSTAR_OUTPUT_TOKENS": "tuning",
    "SWARMSTAR_USER_CALLS": "tuning",
    "SWARMSTAR_ALL_CALLS": "tuning",
    "SWARMSTAR_ROUTING": "tuning",
    "SWARMSTAR_CHECK_PLANS": "tuning",
    "SWARMSTAR_FAN_OUT": "tuning",
    "SWARMSTAR_CLAIM_SECONDS": "tuning",
    "SWARMSTAR_SWEEP_AFTER": "tuning",
    "SWARMSTAR_HISTORY_DAYS": "tuning",
}
#: Settings that the host and its extensions read, not the app; host.json may name more.
PLATFORM: Final = {
    "AzureWebJobsStorage__credential": "the host's storage, by identity",
    "AzureWebJobsStorage__clientId": "the host's storage, by identity",
    "AzureWebJobsStorage__blobServiceUri": "leases and keys of the host",
    "AzureWebJobsStorage__queueServiceUri": "queues of the task hub",
    "AzureWebJobsStorage__tableServiceUri": "tables of the task hub",
    "AzureWebJobsDisableHomepage": "the host's own page would stand at `/`, before ours",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "telemetry",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "telemetry, by identity",
}
_PYTHONS: Final = re.compile(r"\((\d+), (\d+)\) <= v <= \((\d+), (\d+)\)")


@dataclass(frozen=True, slots=True)
class Expected:
    """The code's side of the contract."""

    #: What the app reads, by the variable's name; those the platform sets are apart.
    settings: frozenset[str]
    platform_set: frozenset[str]
    database: str
    container: str
    #: The container's `resource` as the adapter's own start-up makes it.
    container_body: dict[str, Any]
    blob_container: str
    #: Python versions that the code runs on, as in `3.12`.
    pythons: frozenset[str]
    model: str


def variable(name: str) -> str:
    """The environment variable of a field of `Settings`."""
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"SWARMSTAR_{name.upper()}"


def expected(root: Path) -> Expected:
    """Read the code and the Makefile, which says on what it runs."""
    names = {variable(name) for name in Settings.model_fields}
    match = _PYTHONS.search((root / "Makefile").read_text("utf-8"))
    if match is None:
        raise ValueError("the Makefile does not say which versions of Python it takes")
    major, low, _, high = (int(number) for number in match.groups())
    return Expected(
        settings=frozenset(name for name in names if name.startswith("SWARMSTAR_")),
        platform_set=frozenset(name for name in names if not name.startswith("SWARMSTAR_")),
        database=cosmos.DATABASE,
        container=cosmos.CONTAINER,
        container_body={
            "id": cosmos.CONTAINER,
            "partitionKey": {
                "paths": [cosmos.PARTITION_KEY_PATH],
                "kind": "Hash",
                "version": cosmos.PARTITION_KEY_VERSION,
            },
            "defaultTtl": cosmos.DEFAULT_TTL,
            "indexingPolicy": cosmos.INDEXING_POLICY,
        },
        blob_container=azure_blob.CONTAINER,
        pythons=frozenset(f"{major}.{minor}" for minor in range(low, high + 1)),
        model=str(Settings.model_fields["model"].default),
    )
