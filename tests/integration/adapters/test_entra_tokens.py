"""Entra ID tokens against a key server on this machine: every claim that is wrong keeps its bearer out."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import RSAAlgorithm

from shared.adapters.entra import EntraTokens
from shared.adapters.jwks import MAX_AGE, KeySet
from shared.errors import Forbidden, Unauthenticated, Unavailable
from shared.tenancy.identity import Identity

TENANT, OTHER_TENANT = "11111111-aaaa-4bbb-8ccc-000000000001", "11111111-aaaa-4bbb-8ccc-000000000002"
AUDIENCE, PERMISSION = "api://swarmstar", "Swarms.Access"


def signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2_048)


OURS, STRANGERS = signing_key(), signing_key()


def public(key: rsa.RSAPrivateKey, key_id: str, **more: str) -> dict[str, Any]:
    """The public half as a key set lists it."""
    return {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": key_id, "use": "sig", **more}


@dataclass
class Authority:
    """Serves the key sets of tenants."""

    sets: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    status: int = 200
    delay: float = 0.0
    url: str = ""

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        self.asked.append(request.path)
        await asyncio.sleep(self.delay)
        found = self.sets.get(request.path.split("/")[1])
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        return web.Response(status=self.status, body=body, content_type="application/json")


@pytest.fixture
async def authority() -> AsyncIterator[Authority]:
    serving = Authority({TENANT: {"keys": [public(OURS, "key-1")]}})
    runner = web.ServerRunner(web.Server(serving))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    serving.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield serving
    await runner.cleanup()


@pytest.fixture
def tokens(authority: Authority) -> EntraTokens:
    return EntraTokens([TENANT], [AUDIENCE, "swarmstar-id"], PERMISSION, authority.url)


def claims(authority: Authority, **other: Any) -> dict[str, Any]:
    """Those of a good token, with some changed; None leaves one out."""
    now = int(time.time())
    good = {
        "iss": f"{authority.url}/{TENANT}/v2.0",
        "aud": AUDIENCE,
        "tid": TENANT,
        "oid": "ada-object",
        "name": "Ada",
        "scp": f"openid {PERMISSION}",
        "iat": now,
        "nbf": now,
        "exp": now + 600,
    }
    return {name: value for name, value in (good | other).items() if value is not None}


def token(said: dict[str, Any], key: Any = OURS, algorithm: str = "RS256", **headers: Any) -> str:
    return jwt.encode(said, key, algorithm, headers={"kid": "key-1", **headers})


async def test_a_good_token_names_its_user(authority: Authority, tokens: EntraTokens) -> None:
    assert await tokens.identify(token(claims(authority))) == Identity(TENANT, "ada-object", "Ada")


async def test_the_older_issuer_other_audiences_and_apps_are_fine_too(
    authority: Authority, tokens: EntraTokens
) -> None:
    for other in (
        {"iss": f"https://sts.windows.net/{TENANT}/"},
        {"aud": "swarmstar-id"},
        {"scp": None, "roles": ["Other", PERMISSION]},
        {"exp": int(time.time()) - 10},
    ):
        assert (await tokens.identify(token(claims(authority, **other)))).object_id == "ada-object"


#: Far deeper than Python's own parser goes.
NESTED = "[" * 5_000
WRONG: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://login.example/v2.0"},
    "an issuer that begins alike": {"iss": f"https://sts.windows.net/{TENANT}/x"},
    "no issuer": {"iss": None},
    "an issuer that is no text": {"iss": 7},
    "another audience": {"aud": "api://another"},
    "no audience": {"aud": None},
    "another tenant": {"tid": OTHER_TENANT},
    "no tenant": {"tid": None},
    "no subject": {"oid": None},
    "a subject that is no text": {"oid": 7},
    "an empty subject": {"oid": ""},
    "a subject with half a surrogate": {"oid": "\ud800"},
    "a name with half a surrogate": {"name": "Ada\ud800"},
    "a name that nests without end": {"name": NESTED},
    "a time that is over": {"exp": 1_000_000_000},
    "no end": {"exp": None},
    "a time to come": {"nbf": 4_000_000_000},
    "no beginning": {"nbf": None},
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_claim_keeps_its_bearer_out(authority: Authority, tokens: EntraTokens, name: str) -> None:
    said = claims(authority, **WRONG[name])
    raw = jwt.api_jws.PyJWS().encode(
        json.dumps(said).replace(f'"{NESTED}"', NESTED).encode(), OURS, "RS256", headers={"kid": "key-1"}
    )
    with pytest.raises(Unauthenticated):
        await tokens.identify(raw)


async def test_a_token_without_the_permission_is_not_enough(authority: Authority, tokens: EntraTokens) -> None:
    for other in ({"scp": None}, {"scp": "Swarms.Accessible"}, {"scp": ["x"], "roles": "Swarms.Access"}):
        with pytest.raises(Forbidden):
            await tokens.identify(token(claims(authority, **other)))


async def test_a_strangers_signature_is_refused(authority: Authority, tokens: EntraTokens) -> None:
    good = token(claims(authority))
    head, body, signature = good.split(".")
    changed = base64.urlsafe_b64encode(json.dumps(claims(authority, oid="bob-object")).encode()).decode().rstrip("=")
    public_pem = OURS.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT","kid":"key-1"}').decode().rstrip("=")
    bad = {
        "another key": token(claims(authority), STRANGERS),
        "a changed body": f"{head}.{changed}.{signature}",
        "no signature": f"{head}.{body}.",
        "no algorithm": f"{none}.{body}.",
        "the public key as a secret": _hmac(claims(authority), public_pem),
        "another algorithm of the same key": token(claims(authority), OURS, "PS256"),
        "an elliptic key": token(claims(authority), ec.generate_private_key(ec.SECP256R1()), "ES256"),
        "an unknown key": token(claims(authority), OURS, kid="key-9"),
        "its own key": token(claims(authority), STRANGERS, jwk=public(STRANGERS, "key-1")),
        "not a token": "a.b.c",
        "text": "hello",
        "nothing": "..",
    }
    let_in = []
    for name, presented in bad.items():
        with suppress(Unauthenticated):
            let_in.append((name, await tokens.identify(presented)))
    assert let_in == []


def _hmac(said: dict[str, Any], secret: bytes) -> str:
    """A token signed with the public key as if it were a shared secret, which the library itself refuses to make."""
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"key-1"}').rstrip(b"=")
    body = base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=")
    mark = hmac.new(secret, head + b"." + body, hashlib.sha256).digest()
    return b".".join((head, body, base64.urlsafe_b64encode(mark).rstrip(b"="))).decode()


async def test_keys_are_fetched_once_for_many(authority: Authority, tokens: EntraTokens) -> None:
    authority.delay = 0.05
    await asyncio.gather(*(tokens.identify(token(claims(authority))) for _ in range(20)))
    assert len(authority.asked) == 1


async def test_made_up_key_ids_do_not_make_us_fetch(authority: Authority, tokens: EntraTokens) -> None:
    await tokens.identify(token(claims(authority)))
    for number in range(20):
        with pytest.raises(Unauthenticated):
            await tokens.identify(token(claims(authority), STRANGERS, kid=f"made-up-{number}"))
    assert len(authority.asked) == 1


async def test_a_new_key_is_found_and_an_old_one_forgotten(authority: Authority) -> None:
    tokens = EntraTokens([TENANT], [AUDIENCE], PERMISSION, authority.url, min_interval=0.0)
    await tokens.identify(token(claims(authority)))
    authority.sets[TENANT] = {"keys": [public(STRANGERS, "key-2")]}
    assert await tokens.identify(token(claims(authority), STRANGERS, kid="key-2"))
    with pytest.raises(Unauthenticated):
        await tokens.identify(token(claims(authority)))


@pytest.mark.parametrize(
    "served",
    [
        None,
        b"not json",
        b"[" * 100_000,
        {"keys": []},
        {"keys": "many"},
        [],
        {"keys": [{"kid": "key-1", "kty": "RSA", "n": "!", "e": "AQAB"}]},
        {"keys": [{"kid": "key-1", "kty": "oct", "k": "c2VjcmV0"}]},
        {"keys": [public(OURS, "key-1", use="enc")]},
        b" " * 300_000,
    ],
)
async def test_without_keys_nobody_is_let_in_and_told_to_come_back(
    authority: Authority, tokens: EntraTokens, served: Any
) -> None:
    authority.sets[TENANT] = served
    with pytest.raises(Unavailable) as raised:
        await tokens.identify(token(claims(authority)))
    assert raised.value.retry_after > 0
    authority.sets[TENANT] = {"keys": [public(OURS, "key-1")]}
    with pytest.raises(Unavailable):
        await tokens.identify(token(claims(authority)))
    assert len(authority.asked) == 1


async def test_when_the_authority_is_away_known_keys_hold_for_a_while(authority: Authority) -> None:
    now = [0.0]
    keys = KeySet(f"{authority.url}/{TENANT}/keys", clock=lambda: now[0])
    assert await keys.find("key-1")
    authority.status = 500
    now[0] = MAX_AGE + 1
    assert await keys.find("key-1")
    assert len(authority.asked) == 2
    now[0] = 2 * MAX_AGE + 1
    with pytest.raises(Unavailable):
        await keys.find("key-1")


async def test_a_redirect_is_not_followed(authority: Authority) -> None:
    authority.status = 302
    with pytest.raises(Unavailable):
        await KeySet(f"{authority.url}/{TENANT}/keys").find("key-1")
