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


def principal(*claims: tuple[str, str]) -> str:
    """The platform's header."""
    said = {"auth_typ": "aad", "claims": [{"typ": kind, "val": value} for kind, value in claims]}
    return base64.b64encode(json.dumps(said).encode()).decode()


SIGNED_IN = principal((f"{_SCHEMA}/tenantid", TENANT), (f"{_SCHEMA}/objectidentifier", "ada-object"), ("name", "Ada"))


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
        short = principal(("tid", TENANT), ("oid", "ada-object"))
        assert (await tenant_of(asking(x_ms_client_principal=short))).user_id == ADA.user_id
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
