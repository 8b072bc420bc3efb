"""The public keys of a token issuer, fetched when they are needed and kept for a while."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping

import aiohttp
import jwt

from shared.errors import Unavailable

#: Seconds after which keys are fetched again though all were found, so that a withdrawn one is not believed for ever.
MAX_AGE = 6 * 3_600.0
#: Seconds between two fetches, whatever key ids callers make up.
MIN_INTERVAL = 60.0
_TIMEOUT = aiohttp.ClientTimeout(total=5.0)
_MAX_BYTES = 262_144
_MAX_KEYS = 64


class KeySet:
    """The RSA signing keys at one address, by their ids. Safe to share between the calls of one event loop."""

    def __init__(
        self, url: str, *, min_interval: float = MIN_INTERVAL, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._min_interval = min_interval
        self._clock = clock
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fetched = self._tried = float("-inf")
        self._failure = ""
        self._lock = asyncio.Lock()

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        """The key of that id, or None. Raises `Unavailable` while no keys could be had at all."""
        if self._needs_fetch(key_id):
            async with self._lock:
                if self._needs_fetch(key_id):  # nobody else did while this waited
                    await self._fetch()
        if not self._keys or self._age() > 2 * MAX_AGE:
            raise Unavailable(f"the keys that prove tokens cannot be had: {self._failure}", self._min_interval)
        return self._keys.get(key_id)

    def _age(self) -> float:
        return self._clock() - self._fetched

    def _needs_fetch(self, key_id: str) -> bool:
        wanted = key_id not in self._keys or self._age() > MAX_AGE
        return wanted and self._clock() - self._tried >= self._min_interval

    async def _fetch(self) -> None:
        try:
            self._keys = _signing_keys(await self._read())
            self._fetched = self._clock()
        except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError, jwt.PyJWTError) as error:
            self._failure = f"{type(error).__name__} at {self._url}"
        finally:
            self._tried = self._clock()  # only now: who comes meanwhile waits for what this one gets

    async def _read(self) -> bytes:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.get(self._url, allow_redirects=False) as reply,
        ):
            if reply.status != 200:
                raise ValueError(f"status {reply.status}")
            content = await reply.content.read(_MAX_BYTES + 1)
            while len(content) <= _MAX_BYTES and (more := await reply.content.read(_MAX_BYTES)):
                content += more
            if len(content) > _MAX_BYTES:
                raise ValueError("too large")
            return content


def _signing_keys(content: bytes) -> dict[str, jwt.PyJWK]:
    """The keys of a key set; raises `ValueError` where it holds none. Those of other kinds are left out."""
    read = json.loads(content)
    listed = read.get("keys") if isinstance(read, dict) else None
    if not isinstance(listed, list):
        raise ValueError("no key set")
    found = {
        key["kid"]: jwt.PyJWK(key, "RS256")
        for key in listed[:_MAX_KEYS]
        if isinstance(key, dict) and isinstance(key.get("kid"), str) and _signs(key)
    }
    if not found:
        raise ValueError("no signing keys")
    return found


def _signs(key: dict[str, object]) -> bool:
    return key.get("kty") == "RSA" and key.get("use", "sig") == "sig" and key.get("alg", "RS256") == "RS256"
