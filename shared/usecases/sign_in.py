"""Who a credential is of. Deny by default: what is not proven is nobody."""

from contextlib import suppress

from shared.errors import Conflict, Forbidden, Unauthenticated
from shared.store.catalog import ApiKeys, Users
from shared.tenancy import Scope, TenantContext
from shared.tenancy.api_keys import looks_like_key, matches, parse, prove
from shared.tenancy.context import ADMINISTRATOR
from shared.tenancy.identity import Identity, Tokens
from shared.tenancy.quotas import Quotas
from shared.tenancy.users import User
from shared.usecases.app import App

#: The most characters a credential may have.
MAX_CREDENTIAL = 16_384
_MAX_NAME = 120


async def by_credential(app: App, tokens: Tokens | None, presented: str) -> TenantContext:
    """The user of an API key or of a token; raises `Unauthenticated` and `Forbidden`."""
    if not 0 < len(presented) <= MAX_CREDENTIAL:
        raise Unauthenticated("the credential is not valid")
    configured = _configured(app, presented)
    if configured is not None:
        return configured
    if looks_like_key(presented):
        return await _by_api_key(app, presented)
    if tokens is None:
        raise Unauthenticated("the credential is not valid")
    return await by_identity(app, await tokens.identify(presented))


def _configured(app: App, presented: str) -> TenantContext | None:
    """The user of a key whose hash is a setting: the local user's, and the administrator's."""
    local, admin = app.settings.local_key_sha256, app.settings.admin_key_sha256
    if local and app.settings.local_user and matches(presented, local):
        return TenantContext(app.settings.local_user)
    if admin and matches(presented, admin):
        return TenantContext(ADMINISTRATOR, frozenset({Scope.ADMIN}), Quotas().requests_a_minute)
    return None


async def _by_api_key(app: App, presented: str) -> TenantContext:
    prefix, secret = parse(presented)
    now = app.now()
    held = await ApiKeys(app.store).find(prefix)
    key = prove(None if held is None else held.doc, secret, now)
    user = _checked(await Users(app.store).find(key.user_id))
    used = key.used(now)
    if held is not None and used is not None:
        with suppress(Conflict):  # another request noted the same hour, or the key was revoked this moment
            await ApiKeys(app.store).replace(used, held.etag)
    return TenantContext(key.user_id, key.scopes, user.quotas.requests_a_minute)


async def by_identity(app: App, identity: Identity) -> TenantContext:
    """The user whom Entra ID has vouched for; who comes for the first time is made a user."""
    user = await Users(app.store).find(identity.user_id)
    if user is None:
        name = identity.name[:_MAX_NAME] or identity.user_id
        user = await ensure_user(app, User(user_id=identity.user_id, name=name, created=app.now()))
    _checked(user)
    return TenantContext(user.user_id, requests_a_minute=user.quotas.requests_a_minute)


async def acting_for(app: App, user_id: str) -> TenantContext | None:
    """The context of a user for whom something is to start by itself; None for one whom no credential would let in."""
    user = await Users(app.store).find(user_id)
    if user is None:
        return TenantContext(user_id) if user_id == app.settings.local_user else None
    return None if user.disabled else TenantContext(user_id, requests_a_minute=user.quotas.requests_a_minute)


async def ensure_user(app: App, user: User) -> User:
    """Add a user unless there is one of that id; returns the one there is."""
    with suppress(Conflict):
        await Users(app.store).create(user)
        return user
    return (await Users(app.store).get(user.user_id)).doc


def _checked(user: User | None) -> User:
    if user is None:
        raise Unauthenticated("the API key is not valid")
    if user.disabled:
        raise Forbidden("this user was disabled by the administrator")
    return user
