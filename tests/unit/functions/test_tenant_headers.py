"""Which headers make a user: credentials by their kinds, and the platform's identity only where a setting says so."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from functions._tenant import tenant_of
from shared import bootstrap
from shared.config import Settings
from shared.errors import Forbidden, Unauthenticated
from shared.tenancy.identity import Identity
from tests.unit.functions.bound_calls import bootstrapped

TENANT = "11111111-aaaa-4bbb-8ccc-000000000001"
_SCHEMA = "http://schemas.microsoft.com/identity/claims"
ADA = Identity(TENANT, "ada-object")


def asking(**headers: str) -> func.HttpRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return func.HttpRequest("GET", "https://swarm.example/api/v1/swarms", headers=named, body=b"")


def principal(*claims: tuple[str, str], kind: str = "aad") -> str:
    """The platform's header."""
    said = {"auth_typ": kind, "claims": [{"typ": name, "val": value} for name, value in claims]}
    return base64.b64encode(json.dumps(said).encode()).decode()


SHORT = (("tid", TENANT), ("oid", "ada-object"), ("roles", "Swarms.Access"))
SIGNED_IN = principal(
    (f"{_SCHEMA}/tenantid", TENANT),
    (f"{_SCHEMA}/objectidentifier", "ada-object"),
    (f"{_SCHEMA}/scope", "openid Swarms.Access"),
    ("name", "Ada"),
)


@asynccontextmanager
async def deployed(monkeypatch: pytest.MonkeyPatch, folder: Path, **settings: Any) -> AsyncIterator[None]:
    given = {"local_user": None, "entra_tenants": (TENANT,), "entra_audiences": ("api://swarmstar",), **settings}
    async with bootstrapped(monkeypatch, Settings(spaces_dir=folder, **given)):
        yield


async def test_the_platforms_identity_counts_where_it_is_believed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with deployed(monkeypatch, tmp_path, easy_auth=True, platform_sign_in=True):
        assert (await tenant_of(asking(x_ms_client_principal=SIGNED_IN))).user_id == ADA.user_id
        assert (await tenant_of(asking(x_ms_client_principal=principal(*SHORT)))).user_id == ADA.user_id
        with pytest.raises(Forbidden, match="another site"):
            await tenant_of(asking(x_ms_client_principal=SIGNED_IN, sec_fetch_site="cross-site"))


@pytest.mark.parametrize("settings", [{}, {"easy_auth": True}, {"platform_sign_in": True}])
async def test_anybody_can_send_it_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: dict[str, bool]
) -> None:
    async with deployed(monkeypatch, tmp_path, **settings):
        with pytest.raises(Unauthenticated):
            await tenant_of(asking(x_ms_client_principal=SIGNED_IN, x_ms_client_principal_id="ada-object"))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "!",
        "e30=",
        base64.b64encode(b"[]").decode(),
        base64.b64encode(b"\xff").decode(),
        base64.b64encode(b'{"claims": [7]}').decode(),
        base64.b64encode(b"[" * 5_000).decode(),
        base64.b64encode(b'{"auth_typ": "aad", "claims": ' + b"[" * 5_000).decode(),
        base64.b64encode(b'{"auth_typ": "aad", "claims": [], "more": ' + b"9" * 5_000 + b"}").decode(),
        "\udcff",
        principal(*SHORT, ("name", "\ud800")),
        principal(*SHORT[:1], ("oid", "\ud800"), *SHORT[2:]),
        principal(*SHORT, *((f"more{number}", "x") for number in range(2_000))),
        principal(*SHORT, kind="google"),
        principal(*SHORT, ("oid", "bob-object")),
        principal(*SHORT, ("tid", "another")),
        principal(*SHORT, (f"{_SCHEMA}/objectidentifier", "bob-object")),
        principal(*SHORT[:1], ("https://provider.example/oid", "ada-object"), *SHORT[2:]),
        principal(("https://provider.example/tid", TENANT), *SHORT[1:]),
        principal(),
        principal(("tid", TENANT)),
        principal(("oid", "ada-object")),
        principal(("tid", "another"), ("oid", "ada-object")),
        principal(("tid", TENANT), ("oid", "")),
    ],
)
async def test_a_principal_that_names_nobody_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, header: str) -> None:
    async with deployed(monkeypatch, tmp_path, easy_auth=True, platform_sign_in=True):
        with pytest.raises(Unauthenticated):
            await tenant_of(asking(x_ms_client_principal=header))


async def test_a_claim_that_only_ends_like_another_changes_nobody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with deployed(monkeypatch, tmp_path, easy_auth=True, platform_sign_in=True):
        header = principal(*SHORT, ("https://provider.example/oid", "bob-object"), ("http://x/tenantid", "another"))
        assert (await tenant_of(asking(x_ms_client_principal=header))).user_id == ADA.user_id


@pytest.mark.parametrize(
    "granted",
    [(), (("roles", "Swarms.Accessible"),), (("scp", "openid"),), (("https://x.example/roles", "Swarms.Access"),)],
)
async def test_a_principal_needs_the_permission_that_a_token_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, granted: tuple[tuple[str, str], ...]
) -> None:
    async with deployed(monkeypatch, tmp_path, easy_auth=True, platform_sign_in=True):
        with pytest.raises(Forbidden, match=r"Swarms\.Access"):
            await tenant_of(asking(x_ms_client_principal=principal(*SHORT[:2], *granted)))


async def test_another_permission_can_be_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with deployed(monkeypatch, tmp_path, easy_auth=True, platform_sign_in=True, entra_permission="Use"):
        with pytest.raises(Forbidden, match="Use"):
            await tenant_of(asking(x_ms_client_principal=SIGNED_IN))
        header = principal(*SHORT[:2], ("scp", "openid Use"))
        assert (await tenant_of(asking(x_ms_client_principal=header))).user_id == ADA.user_id


class OneToken:
    """Lets one token in."""

    async def identify(self, token: str) -> Identity:
        if token != "a.good.token":
            raise Unauthenticated("the token is not valid")
        return ADA


async def test_a_token_is_its_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with deployed(monkeypatch, tmp_path):
        monkeypatch.setattr(bootstrap, "tokens", OneToken)
        assert (await tenant_of(asking(authorization="Bearer a.good.token"))).user_id == ADA.user_id
        assert (await tenant_of(asking(authorization="bearer  a.good.token "))).user_id == ADA.user_id
        for headers in (
            {"authorization": "Bearer another"},
            {"authorization": "Basic a.good.token"},
            {"authorization": "a.good.token"},
            {"authorization": "Bearer a.good.token", "x_api_key": "a.good.token"},
        ):
            with pytest.raises(Unauthenticated):
                await tenant_of(asking(**headers))


async def test_a_presented_credential_that_fails_is_not_made_good_by_another_way_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with deployed(monkeypatch, tmp_path, easy_auth=True, platform_sign_in=True, local_user="ada"):
        with pytest.raises(Unauthenticated):
            await tenant_of(asking(x_ms_client_principal=SIGNED_IN, authorization="Bearer wrong"))


async def test_with_a_local_key_nobody_comes_in_without_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with deployed(monkeypatch, tmp_path, local_user="ada", local_key_sha256="0" * 64):
        request = func.HttpRequest("GET", "http://127.0.0.1:7071/api/v1/swarms", body=b"")
        with pytest.raises(Unauthenticated):
            await tenant_of(request)


def test_tenants_without_audiences_are_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWARMSTAR_ENTRA_TENANTS", "one, two")
    with pytest.raises(ValueError, match="SWARMSTAR_ENTRA_AUDIENCES"):
        Settings()
    monkeypatch.setenv("SWARMSTAR_ENTRA_AUDIENCES", "api://swarmstar")
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "True")
    monkeypatch.setenv("WEBSITE_SITE_NAME", "site")
    settings = Settings()
    assert settings.entra_tenants == ("one", "two")
    assert (settings.platform_sign_in, settings.azure_site) == (True, "site")
