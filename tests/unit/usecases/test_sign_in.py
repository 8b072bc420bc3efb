"""Credentials: what lets whom in, what does not, and that neither the answer nor the work tells why."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import ValidationError

from shared import bootstrap
from shared.adapters.filesystem import FilesystemBlobs
from shared.adapters.sqlite import SqliteStore
from shared.config import Settings
from shared.errors import Conflict, Forbidden, InvalidInput, NotFound, Stale, Unauthenticated
from shared.services import Services
from shared.store import Category
from shared.store.catalog import ApiKeys
from shared.tenancy import Scope, TenantContext
from shared.tenancy.api_keys import digest, new_secret
from shared.tenancy.identity import Identity
from shared.tenancy.quotas import Quotas
from shared.types import SpaceKey
from shared.usecases import accounts
from shared.usecases.accounts import CreatedKey, NewKey, NewUser, UserChange
from shared.usecases.sign_in import by_credential, by_identity

ADMIN_KEY = "an administrator's key of this test"
READ = frozenset({Scope.READ})


@dataclass
class Time:
    """The present, as the test says."""

    now: datetime = field(default_factory=lambda: datetime(2026, 3, 1, 10, 20, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now


class CountingStore:
    """Counts what the store is asked for."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.calls.append(name)
        return getattr(self._store, name)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def services(tmp_path: Path, time: Time) -> AsyncIterator[Services]:
    store = SqliteStore(tmp_path)
    settings = Settings(admin_key_sha256=digest(ADMIN_KEY))
    yield Services(store, FilesystemBlobs(tmp_path), settings, bootstrap.action_space(), clock=time)
    await store.close()


async def key_of(services: Services, name: str = "Ada", **more: Any) -> CreatedKey:
    """A key of a new user."""
    user = await accounts.create_user(services, NewUser(name=name), f"u-{name.lower()}")
    return await accounts.create_key(services, TenantContext(user.user_id), NewKey(name="laptop", **more))


async def test_a_key_lets_its_user_in_with_its_rights(services: Services) -> None:
    made = await key_of(services, scopes=READ)
    tenant = await by_credential(services, None, made.key)
    assert (tenant.user_id, tenant.scopes, tenant.requests_a_minute) == ("u-ada", READ, Quotas().requests_a_minute)
    with pytest.raises(Forbidden):
        tenant.require(Scope.WRITE)


async def test_the_secret_is_stored_nowhere(services: Services, tmp_path: Path) -> None:
    made = await key_of(services)
    await by_credential(services, None, made.key)
    secret = made.key.split(".")[1].encode()
    assert not holding(tmp_path, secret)
    assert holding(tmp_path, digest(secret.decode()).encode())


def holding(folder: Path, content: bytes) -> list[Path]:
    """The files that hold some bytes."""
    return [path for path in folder.rglob("*") if path.is_file() and content in path.read_bytes()]


async def test_an_unknown_prefix_and_a_wrong_secret_cost_and_read_the_same(services: Services) -> None:
    made = await key_of(services)
    prefix, _ = made.key.split(".")
    other_prefix, other_secret = new_secret()
    told, asked = [], []
    for presented in (f"{prefix}.{other_secret}", f"{other_prefix}.{other_secret}"):
        store = CountingStore(services.store)  # type: ignore[arg-type]  # what the fixture made
        with pytest.raises(Unauthenticated) as raised:
            await by_credential(replace(services, store=store), None, presented)  # type: ignore[arg-type]  # counts for it
        told.append(str(raised.value))
        asked.append(store.calls)
    assert told[0] == told[1]
    assert asked[0] == asked[1] == ["get"]


@pytest.mark.parametrize(
    "presented", ["", "ss-", "ss-0123456789ab", "ss-0123456789ab.", "a.b.c", "x" * 20_000, "ss-\u00e9.\ud800", "\ud800"]
)
async def test_what_is_no_credential(services: Services, presented: str) -> None:
    with pytest.raises(Unauthenticated):
        await by_credential(services, None, presented)


async def test_a_key_ends_with_its_time(services: Services, time: Time) -> None:
    made = await key_of(services, expires_days=1)
    time.now += timedelta(hours=23, minutes=59)
    assert await by_credential(services, None, made.key)
    time.now += timedelta(minutes=1)
    with pytest.raises(Unauthenticated, match="expired"):
        await by_credential(services, None, made.key)


async def test_a_revoked_key_lets_nobody_in(services: Services) -> None:
    made = await key_of(services)
    tenant = await by_credential(services, None, made.key)
    for _ in range(2):
        assert (await accounts.revoke_key(services, tenant, made.key_id)).revoked
    with pytest.raises(Unauthenticated, match="revoked"):
        await by_credential(services, None, made.key)
    prefix, _ = made.key.split(".")
    with pytest.raises(Unauthenticated, match="not valid"):
        await by_credential(services, None, f"{prefix}.{'x' * 43}")


async def test_the_last_use_is_noted_to_the_hour_and_written_once(services: Services, time: Time) -> None:
    made = await key_of(services)
    store = CountingStore(services.store)  # type: ignore[arg-type]  # what the fixture made
    counted = replace(services, store=store)  # type: ignore[arg-type]  # counts for it
    for _ in range(5):
        tenant = await by_credential(counted, None, made.key)
    assert store.calls.count("put") == 1
    time.now += timedelta(hours=1)
    await by_credential(counted, None, made.key)
    assert store.calls.count("put") == 2
    (shown,), _ = await accounts.list_keys(services, tenant, 10, None)
    assert shown.last_used == datetime(2026, 3, 1, 11, tzinfo=UTC)


async def test_noting_a_use_does_not_bring_a_revoked_key_back(services: Services, time: Time) -> None:
    made = await key_of(services)
    held = await ApiKeys(services.store).find(made.key_id)
    assert held is not None
    await accounts.revoke_key(services, TenantContext("u-ada"), made.key_id)
    used = held.doc.used(time.now)
    assert used is not None
    with pytest.raises(Conflict):
        await ApiKeys(services.store).replace(used, held.etag)


async def test_a_disabled_user_is_not_let_in(services: Services) -> None:
    made = await key_of(services)
    held = await accounts.get_user(services, "u-ada")
    changed = await accounts.change_user(services, "u-ada", UserChange(disabled=True), held.etag)
    with pytest.raises(Forbidden, match="disabled"):
        await by_credential(services, None, made.key)
    with pytest.raises(Stale):
        await accounts.change_user(services, "u-ada", UserChange(disabled=False), held.etag)
    await accounts.change_user(services, "u-ada", UserChange(disabled=False), changed.etag)
    assert await by_credential(services, None, made.key)


async def test_a_key_has_no_more_rights_than_who_makes_it(services: Services) -> None:
    await accounts.create_user(services, NewUser(name="Ada"), "u-ada")
    reader = TenantContext("u-ada", READ)
    with pytest.raises(Forbidden):
        await accounts.create_key(services, reader, NewKey(name="more"))
    admin = TenantContext("u-ada", frozenset(Scope))
    with pytest.raises(Forbidden):
        await accounts.create_key(services, admin, NewKey(name="admin", scopes=(Scope.ADMIN,)))
    assert (await accounts.create_key(services, reader, NewKey(name="same", scopes=(Scope.READ,)))).scopes == (
        Scope.READ,
    )


@pytest.mark.parametrize("scopes", [["read", "read"], ["read", "write", "read"]])
def test_a_scope_is_named_once(scopes: list[str]) -> None:
    with pytest.raises(ValidationError, match="name each scope once"):
        NewKey.model_validate({"name": "phone", "scopes": scopes})
    assert NewKey.model_validate({"name": "phone", "scopes": ["read", "write"]}).scopes == (Scope.READ, Scope.WRITE)


@pytest.mark.parametrize("name", ["", " ", "\x1c", " " + "a" * 120, "a" * 121])
def test_a_name_is_measured_as_it_was_sent(name: str) -> None:
    with pytest.raises(ValidationError):
        NewUser(name=name)
    assert NewUser(name=" Ada ").name == "Ada"


async def test_keys_are_their_users_own(services: Services) -> None:
    ada = await key_of(services, "Ada")
    await key_of(services, "Bob")
    bob = TenantContext("u-bob")
    with pytest.raises(NotFound):
        await accounts.revoke_key(services, bob, ada.key_id)
    listed, _ = await accounts.list_keys(services, bob, 10, None)
    assert ada.key_id not in {key.key_id for key in listed}
    assert await by_credential(services, None, ada.key)


async def test_a_user_has_so_many_keys_at_most(services: Services, time: Time) -> None:
    first = await key_of(services)
    ada = TenantContext("u-ada")
    for _ in range(accounts.MAX_KEYS - 1):
        time.now += timedelta(seconds=1)
        await accounts.create_key(services, ada, NewKey(name="more"))
    with pytest.raises(InvalidInput, match="revoke one"):
        await accounts.create_key(services, ada, NewKey(name="too many"))
    await accounts.revoke_key(services, ada, first.key_id)
    await accounts.create_key(services, ada, NewKey(name="in its place"))
    listed, _ = await accounts.list_keys(services, ada, 200, None)
    assert len(listed) == accounts.MAX_KEYS
    assert first.key_id not in {key.key_id for key in listed}
    with pytest.raises(Unauthenticated):
        await by_credential(services, None, first.key)


async def test_the_administrator_may_manage_users_and_nothing_else(services: Services) -> None:
    tenant = await by_credential(services, None, ADMIN_KEY)
    assert tenant.scopes == {Scope.ADMIN}
    for presented in (ADMIN_KEY + " ", ADMIN_KEY.upper(), digest(ADMIN_KEY)):
        with pytest.raises(Unauthenticated):
            await by_credential(services, None, presented)
    with pytest.raises(Unauthenticated):
        await by_credential(replace(services, settings=Settings()), None, ADMIN_KEY)


async def test_the_local_users_key_is_a_setting(services: Services) -> None:
    local = replace(services, settings=Settings(local_user="ada", local_key_sha256=digest("the local key")))
    assert (await by_credential(local, None, "the local key")).user_id == "ada"
    with pytest.raises(Unauthenticated):
        await by_credential(local, None, "another")


async def test_who_signs_in_with_entra_is_one_user_of_their_tenant(services: Services) -> None:
    ada, elsewhere = Identity("t-1", "o-1", "Ada"), Identity("t-2", "o-1")
    first, again = await by_identity(services, ada), await by_identity(services, ada)
    assert first == again
    assert first.user_id == Identity("T-1", "O-1").user_id
    assert (await by_identity(services, elsewhere)).user_id != first.user_id
    held = await accounts.get_user(services, first.user_id)
    assert held.doc.name == "Ada"
    await accounts.change_user(services, first.user_id, UserChange(disabled=True), None)
    with pytest.raises(Forbidden):
        await by_identity(services, ada)


SEED = bytes(range(32))


class MortalStore(CountingStore):
    """Dies instead of a key's write once so many of them are done."""

    def __init__(self, store: SqliteStore, writes: int) -> None:
        super().__init__(store)
        self.put = self._mortal
        self._writes = writes

    async def _mortal(self, space: SpaceKey, category: Category, *rest: Any, **more: Any) -> str:
        if category is Category.API_KEY:
            self._writes -= 1
            if self._writes < 0:
                raise RuntimeError("the process died")
        return await self._store.put(space, category, *rest, **more)


@pytest.mark.parametrize("writes", [0, 1, 2])
async def test_a_creation_that_broke_off_is_repeated_without_a_second_key(
    services: Services, writes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, new, fresh = TenantContext("u-ada"), NewKey(name="laptop"), "0123456789abcdef"
    lost: list[CreatedKey] = []
    with suppress(RuntimeError):
        dying = replace(services, store=MortalStore(cast(SqliteStore, services.store), writes))
        lost.append(await accounts.create_key(dying, ada, new, fresh, SEED))
    assert len(lost) == (writes == 2)
    monkeypatch.setattr(accounts, "MAX_KEYS", 1)  # there is no room for another
    made = await accounts.create_key(services, ada, new, fresh, SEED)
    listed, _ = await accounts.list_keys(services, ada, 10, None)
    assert [key.key_id for key in listed] == [made.key_id] == ["ss-0123456789ab"]
    assert (await by_credential(services, None, made.key)).user_id == "u-ada"
    assert [key.key for key in lost] == [made.key] * len(lost)


async def test_a_key_that_was_revoked_before_it_was_handed_out_stays_so(services: Services) -> None:
    ada, new, fresh = TenantContext("u-ada"), NewKey(name="laptop"), "0123456789abcdef"
    made = await accounts.create_key(services, ada, new, fresh, SEED)
    await accounts.revoke_key(services, ada, made.key_id)
    with pytest.raises(Conflict, match="revoked before"):
        await accounts.create_key(services, ada, new, fresh, SEED)
    with pytest.raises(Conflict):  # nor does the id of one user's request reach another's key
        await accounts.create_key(services, TenantContext("u-bob"), new, fresh, SEED)


async def test_a_slow_attempt_takes_no_key_away_that_a_second_one_handed_out(services: Services) -> None:
    """The first stalls between its look and its write for so long that its repetition is done meanwhile."""
    ada, new, fresh = TenantContext("u-ada"), NewKey(name="laptop"), "0123456789abcdef"
    made = await accounts.create_key(services, ada, new, fresh, SEED)
    assert (await by_credential(services, None, made.key)).user_id == "u-ada"
    assert (await accounts.create_key(services, ada, new, fresh, SEED)).key == made.key
    with pytest.raises(Conflict):  # whatever else comes under the id
        await accounts.create_key(services, ada, new, fresh, b"s" * 32)
    assert (await by_credential(services, None, made.key)).user_id == "u-ada"
