"""Settings -> the wired app: the one place that names adapters. Nothing is built before it is first needed."""

from functools import cache, partial

from shared.actions.folders import FOLDERS
from shared.actions.registry import ACTIONS
from shared.adapters.filesystem import FilesystemBlobs
from shared.adapters.openai import KeyProvider, OpenAIChatModel
from shared.adapters.sqlite import SqliteStore
from shared.blobs import Blobs
from shared.blobs.guarded import GuardedBlobs
from shared.config import Settings
from shared.llm.configured import configured_profile
from shared.llm.port import ChatModel
from shared.services import Services
from shared.spaces.space import BuiltinSpace
from shared.store import Store
from shared.store.tombstones import GuardedStore
from shared.tenancy.identity import Tokens


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings()


@cache
def store() -> GuardedStore:
    """The store of this process, in which nobody can bring a deleted swarm back."""
    return GuardedStore(_store(settings()))


def _store(chosen: Settings) -> Store:
    if chosen.store == "sqlite":
        return SqliteStore(chosen.spaces_dir)
    from shared.adapters.cosmos import CosmosAccess, CosmosStore  # not loaded where it is not used

    access = CosmosAccess(
        chosen.cosmos_endpoint, chosen.cosmos_key, chosen.azure_client_id, emulator=chosen.cosmos_emulator
    )
    return CosmosStore(access)


@cache
def blobs() -> Blobs:
    """The blobs of this process, guarded in the same way."""
    return GuardedBlobs(_blobs(settings()), store().deleted)


def _blobs(chosen: Settings) -> Blobs:
    if chosen.blobs_beside_store == "filesystem":
        return FilesystemBlobs(chosen.spaces_dir)
    from shared.adapters.azure_blob import AzureBlobs, BlobAccess  # not loaded where it is not used

    return AzureBlobs(BlobAccess(chosen.blob_endpoint, chosen.blob_key, chosen.azure_client_id))


@cache
def model() -> ChatModel:
    """The chat endpoint of this process."""
    chosen = settings()
    return OpenAIChatModel(
        chosen.model_base_url,
        model_key(chosen),
        keep_bounds=chosen.model_offline,
        profiles=partial(configured_profile, chosen),
    )


def model_key(chosen: Settings) -> str | KeyProvider:
    """What the app shows the model endpoint: its key, or the token of its identity; raises `InvalidInput`."""
    if not chosen.model_identity:
        return chosen.api_key
    from shared.adapters.identity_token import IdentityToken  # not loaded where it is not used

    return IdentityToken(chosen.model_base_url, chosen.model_identity_scope, chosen.azure_client_id)


@cache
def action_space() -> BuiltinSpace:
    """The actions that ship with the app, as a tree."""
    return BuiltinSpace((*FOLDERS, *(action.metadata for action in ACTIONS.values())))


@cache
def services() -> Services:
    """Return what activities and use cases of this process work with."""
    return Services(store(), blobs(), settings(), action_space(), connect_model=model)


@cache
def tokens() -> Tokens | None:
    """What checks bearer tokens; None where no tenant is configured."""
    chosen = settings()
    if not chosen.entra_tenants:
        return None
    from shared.adapters.entra import EntraTokens  # not loaded where it is not used

    return EntraTokens(chosen.entra_tenants, chosen.entra_audiences, chosen.entra_permission, chosen.entra_authority)
