"""Who a credential is of. Deny by default: what is not proven is nobody."""

from contextlib import suppress

from shared.errors import Conflict, Forbidden, Unauthenticated
from shared.services import Services
from shared.store.catalog import ApiKeys, Users
from shared.tenancy import Scope, TenantContext
from shared.tenancy.api_keys import looks_like_key, matches, parse, prove
from shared.tenancy.context import ADMINISTRATOR
from shared.tenancy.identity import Identity, Tokens
from shared.tenancy.quotas import Quotas
from shared.tenancy.users import User

#: The most characters a credential may have.
MAX_CREDENTIAL = 16_384
_MAX_NAME = 120


async def by_credential(services: Services, tokens: Tokens | None, presented: str) -> TenantContext:
    """The user of an API key or of a token; raises `Unauthenticated` and `Forbidden`."""
    if not 0 < len(presented) <= MAX_CREDENTIAL:
        raise Unauthenticated("the credential is not valid")
    configured = _configured(services, presented)
    if configured is not None:
        return configured
    if looks_like_key(presented):
        return await _by_api_key(services, presented)
    if tokens is None:
        raise Unauthenticated("the credential is not valid")
    return await by_identity(services, await tokens.identify(presented))


def _configured(services: Services, presented: str) -> TenantContext | None:
    """The user of a key whose hash is a setting: the local user's, and the administrator's."""
    local, admin = services.settings.local_key_sha256, services.settings.admin_key_sha256
    if local and services.settings.local_user and matches(presented, local):
        return TenantContext(services.settings.local_user)
    if admin and matches(presented, admin):
        return TenantContext(ADMINISTRATOR, frozenset({Scope.ADMIN}), Quotas().requests_a_minute)
    return None


async def _by_api_key(services: Services, presented: str) -> TenantContext:
    prefix, secret = parse(presented)
    now = services.now()
    held = await ApiKeys(services.store).find(prefix)
    key = prove(None if held is None else held.doc, secret, now)
    user = _checked(await Users(services.store).find(key.user_id))
    used = key.used(now)
    if held is not None and used is not None:
        with suppress(Conflict):  # another request noted the same hour, or the key was revoked this moment
            await ApiKeys(services.store).replace(used, held.etag)
    return TenantContext(key.user_id, key.scopes, user.quotas.requests_a_minute)


async def by_identity(services: Services, identity: Identity) -> TenantContext:
    """The user whom Entra ID has vouched for; who comes for the first time is made a user."""
    user = await Users(services.store).find(identity.user_id)
    if user is None:
        name = identity.name[:_MAX_NAME] or identity.user_id
        user = await ensure_user(services, User(user_id=identity.user_id, name=name, created=services.now()))
    _checked(user)
    return TenantContext(user.user_id, requests_a_minute=user.quotas.requests_a_minute)


async def acting_for(services: Services, user_id: str) -> TenantContext | None:
    """The context of a user for whom something is to start by itself; None for one whom no credential would let in."""
    user = await Users(services.store).find(user_id)
    if user is None:
        return TenantContext(user_id) if user_id == services.settings.local_user else None
    return None if user.disabled else TenantContext(user_id, requests_a_minute=user.quotas.requests_a_minute)


async def ensure_user(services: Services, user: User) -> User:
    """Add a user unless there is one of that id; returns the one there is."""
    with suppress(Conflict):
        await Users(services.store).create(user)
        return user
    return (await Users(services.store).get(user.user_id)).doc


def _checked(user: User | None) -> User:
    if user is None:
        raise Unauthenticated("the API key is not valid")
    if user.disabled:
        raise Forbidden("this user was disabled by the administrator")
    return user
