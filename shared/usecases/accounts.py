"""Users and their API keys: what the administrator may do, and what users do with their own keys."""

from datetime import datetime, timedelta
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from shared.errors import Conflict, Forbidden, Full, InvalidInput, NotFound, Stale
from shared.services import Services
from shared.store.catalog import ApiKeys, Users
from shared.store.documents import Held
from shared.store.roster import Roster
from shared.tenancy import Scope, TenantContext, api_keys
from shared.tenancy.api_keys import ApiKey
from shared.tenancy.quotas import Quotas
from shared.tenancy.scopes import USER_SCOPES
from shared.tenancy.users import User
from shared.types import Name, SpaceKey, check_scope_id
from shared.usecases.sign_in import ensure_user

#: Keys of one user, revoked ones that are still listed among them.
MAX_KEYS = 50
_ATTEMPTS = 3


class NewUser(BaseModel):
    """A user to be made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name = Field(description="For people; it need not be unique.")
    quotas: Quotas = Quotas()


class UserChange(BaseModel):
    """What to change of a user; what is left out stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name | None = None
    disabled: bool | None = Field(default=None, description="A disabled user is let in with no credential.")
    quotas: Quotas | None = None


def _each_once(scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    if len(set(scopes)) < len(scopes):
        raise ValueError("name each scope once")
    return scopes


class NewKey(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name = Field(description="What it is for.")
    scopes: tuple[Scope, ...] = Field(
        default=tuple(sorted(USER_SCOPES)),
        min_length=1,
        max_length=len(Scope),
        json_schema_extra={"uniqueItems": True},
        description="`read`, `write`, or both.",
    )
    expires_days: int | None = Field(default=None, ge=1, le=3_650, description="Days it is good for; null: no end.")

    _check_scopes = field_validator("scopes")(_each_once)


class KeyView(BaseModel):
    """A key as its user sees it."""

    model_config = ConfigDict(frozen=True)

    key_id: str = Field(description="The part of the key before the dot.")
    name: str
    scopes: tuple[Scope, ...]
    created: datetime
    expires: datetime | None
    revoked: datetime | None
    last_used: datetime | None = Field(description="To the hour.")

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        """What is shown of a stored key."""
        shown = key.model_dump(include={"name", "created", "expires", "revoked", "last_used"})
        return cls(key_id=key.prefix, scopes=tuple(sorted(key.scopes)), **shown)


class CreatedKey(KeyView):
    """A key that was just made."""

    key: str = Field(description="The key itself. It is shown this once and stored nowhere.")


async def create_user(services: Services, new: NewUser, user_id: str) -> User:
    """Add a user under an id of the server's choice; asked again with the same id, the one there is."""
    user = User(user_id=check_scope_id(user_id, "user_id"), name=new.name, created=services.now(), quotas=new.quotas)
    return await ensure_user(services, user)


async def get_user(services: Services, user_id: str) -> Held[User]:
    """One user and the etag; raises `NotFound`."""
    return await Users(services.store).get(check_scope_id(user_id, "user_id"))


async def list_users(services: Services, limit: int, cursor: str | None) -> tuple[list[User], str | None]:
    """Users, oldest first, and the cursor that goes on."""
    return await Users(services.store).page(limit, cursor)


async def change_user(services: Services, user_id: str, change: UserChange, etag: str | None) -> Held[User]:
    """Change a user; raises `Stale` unless `etag` is the present one. None takes whichever it is."""
    held = await get_user(services, user_id)
    if etag is not None and etag != held.etag:
        raise Stale("the user was changed meanwhile: read it again")
    user = held.doc.model_copy(update={name: value for name, value in change if value is not None})
    try:
        return Held(user, await Users(services.store).replace(user, held.etag))
    except Conflict:
        raise Stale("the user was changed meanwhile: read it again") from None


async def create_key(
    services: Services, tenant: TenantContext, new: NewKey, fresh_id: str | None = None, seed: bytes | None = None
) -> CreatedKey:
    """Make a key for the user of a context, with no more rights than that context has.

    With the id and the seed of an attempt that broke off, or still goes on, it is the same key.
    """
    scopes = frozenset(new.scopes)
    if not scopes <= tenant.scopes & USER_SCOPES:
        raise Forbidden("a key cannot have rights that this credential does not have")
    await ensure_user(services, User(user_id=tenant.user_id, name=tenant.user_id, created=services.now()))
    now = services.now()
    expires = None if new.expires_days is None else now + timedelta(days=new.expires_days)
    prefix, secret = api_keys.new_secret(fresh_id, seed)
    key = ApiKey(
        prefix=prefix,
        secret_sha256=api_keys.digest(secret),
        user_id=tenant.user_id,
        name=new.name,
        scopes=scopes,
        created=now,
        expires=expires,
    )
    key = await _keep_key(services, key)
    return CreatedKey(**KeyView.of(key).model_dump(), key=f"{prefix}.{secret}")


async def _keep_key(services: Services, key: ApiKey) -> ApiKey:
    """Store a key unless it is there; as it is then. Raises `Conflict` for one that was revoked, or that differs."""
    keys = ApiKeys(services.store)
    held = await keys.find(key.prefix)
    if held is None:
        await _make_room(services, key)
        await keys.create(key)
        return key
    if held.doc.user_id != key.user_id or held.doc.secret_sha256 != key.secret_sha256:
        raise Conflict("this id is another key's: ask again")
    if held.doc.revoked is not None:
        raise Conflict("the key was revoked before it was handed out: make another")
    return held.doc


async def list_keys(
    services: Services, tenant: TenantContext, limit: int, cursor: str | None
) -> tuple[list[KeyView], str | None]:
    """A user's keys, oldest first, and the cursor that goes on."""
    keys, after = await ApiKeys(services.store).page(tenant.user_id, limit, cursor)
    return [KeyView.of(key) for key in keys], after


async def revoke_key(services: Services, tenant: TenantContext, key_id: str) -> KeyView:
    """Make a key of this user's useless from now on; raises `NotFound` for anybody else's. Twice is no error."""
    for _ in range(_ATTEMPTS):
        held = await ApiKeys(services.store).find(key_id)
        if held is None or held.doc.user_id != tenant.user_id:
            raise NotFound(f"there is no key {key_id!r}")
        if held.doc.revoked is not None:
            return KeyView.of(held.doc)
        revoked = held.doc.model_copy(update={"revoked": services.now()})
        try:
            await ApiKeys(services.store).replace(revoked, held.etag)
        except Conflict:  # its use was noted this moment
            continue
        return KeyView.of(revoked)
    raise Conflict("the key keeps changing; try again")


async def user_context(services: Services, user_id: str) -> TenantContext:
    """The context in which the administrator manages a user's keys, and nothing else; raises `NotFound`."""
    return TenantContext((await get_user(services, user_id)).doc.user_id)


async def _make_room(services: Services, key: ApiKey) -> None:
    """Reserve a key's place, that of the oldest key which can no longer be used if need be; raises `InvalidInput`."""
    account, keys = SpaceKey.account(key.user_id), ApiKeys(services.store)
    roster = Roster(services.store, "keys", lambda account: keys.prefixes(account.user_id))
    for _ in range(_ATTEMPTS):
        try:
            return await roster.reserve(account, key.prefix, MAX_KEYS, services.now())
        except Full:
            stored, _ = await keys.page(key.user_id, MAX_KEYS, None)
        dead = next((one for one in stored if not one.usable(services.now())), None)
        if dead is None:
            break
        await keys.delete(dead)
        await roster.release(account, dead.prefix)
    raise InvalidInput(f"there are {MAX_KEYS} keys already: revoke one that is not needed")
