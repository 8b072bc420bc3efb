"""How requests reach a deployment, and what their failures are called."""

import ipaddress
import json
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar
from urllib.parse import SplitResult, urlsplit

import httpx2
from pydantic import ValidationError

from cli.failures import CliError, Problem, Unreachable
from cli.wire import Document, Paged

#: Bytes of one JSON answer that are taken at most.
MAX_ANSWER = 64 * 1024 * 1024
#: Bytes of one JSON request that a deployment takes at most.
MAX_BODY = 4 * 1024 * 1024
#: Seconds a request may take beyond what it was asked to wait.
TIMEOUT = 30.0
#: Pages of a list that are taken at most.
MAX_PAGES = 1_000
#: What helps a user who was not let in.
NO_KEY = "Put your key into SWARMSTAR_API_KEY."

D = TypeVar("D", bound=Document)
P = TypeVar("P", bound=Paged)


class Transport:
    """The connection to a deployment; `advice` is said where the key is missing or refused.

    Every method raises `Unreachable` when nothing answers and `Problem` when the answer is an error.
    """

    def __init__(self, url: str, key: str | None = None, advice: str = NO_KEY) -> None:
        parts = _address(url)
        self.url = url.strip().rstrip("/")
        self.is_loopback = is_loopback(parts.hostname or "")
        if key and parts.scheme == "http" and not self.is_loopback:
            raise CliError(f"SWARMSTAR_API_KEY is not sent to {self.url}: use https, anyone between could read it.")
        self._advice = advice
        headers = {"accept": "application/json", "user-agent": "swarmstar-cli"}
        if key:
            headers["authorization"] = f"Bearer {key}"
        # A proxy of the environment is for the way out, never for a host on this machine.
        base = f"{self.url}/api/v1/"
        try:
            self._http = httpx2.Client(base_url=base, headers=headers, timeout=TIMEOUT, trust_env=not self.is_loopback)
        except httpx2.InvalidURL as error:
            raise CliError(f"{url!r} is not an address: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def _whole(
        self, kind: type[P], path: str, query: Mapping[str, str | int] | None = None, listed: str = "items"
    ) -> P:
        """Every page of a list as one."""
        pages = list(self._pages(kind, path, query))
        items = tuple(item for page in pages for item in getattr(page, listed))
        return pages[-1].model_copy(update={listed: items})

    def _pages(self, kind: type[P], path: str, query: Mapping[str, str | int] | None = None) -> Iterator[P]:
        """One page after the other; raises `CliError` where there is no end to them."""
        asked = dict(query or {})
        for _ in range(MAX_PAGES):
            page = self._get(kind, path, asked)
            yield page
            if page.cursor is None:
                return
            asked["cursor"] = page.cursor
        raise CliError(f"The list is over {MAX_PAGES} pages and was not taken.")

    def _get(
        self, kind: type[D], path: str, query: Mapping[str, str | int] | None = None, timeout: float = TIMEOUT
    ) -> D:
        return self._read(kind, self._send("GET", path, params=query, timeout=timeout))

    def _post(self, kind: type[D], path: str, body: dict[str, Any] | None = None, timeout: float = TIMEOUT) -> D:
        return self._read(kind, self._send("POST", path, timeout=timeout, **_as_json(body)))

    def _patch(self, kind: type[D], path: str, body: dict[str, Any]) -> D:
        """Change something, whichever its version is."""
        sent = _as_json(body)
        return self._read(kind, self._send("PATCH", path, **sent | {"headers": sent["headers"] | {"if-match": "*"}}))

    def _read(self, kind: type[D], content: bytes) -> D:
        try:
            return kind.model_validate_json(content)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise CliError(
                f"{self.url} answered what this version does not understand ({where}: {first['msg']})"
            ) from error

    def _send(
        self, method: str, path: str, bound: int = MAX_ANSWER, http: httpx2.Client | None = None, **request: Any
    ) -> bytes:
        return b"".join(self._chunks(method, path, bound, http, **request))

    def _save(self, path: str, file: BinaryIO, bound: int, timeout: float) -> int:
        """Write what is answered to a file as it comes; how many bytes it was."""
        return sum(
            file.write(chunk) for chunk in self._chunks("GET", path, bound, headers={"accept": "*/*"}, timeout=timeout)
        )

    def _chunks(
        self, method: str, path: str, bound: int, http: httpx2.Client | None = None, **request: Any
    ) -> Iterator[bytes]:
        """What is answered, as it comes."""
        try:
            with (http or self._http).stream(method, path, **request) as response:
                if not response.is_success:
                    raise problem(response, b"".join(_bounded(response, bound)), self._advice)
                yield from _bounded(response, bound)
        except httpx2.TransportError as error:
            raise Unreachable(self._no_answer(error)) from error

    def _no_answer(self, error: httpx2.TransportError) -> str:
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            start = (
                "Start it with `make dev` (or `swarmstar dev`), or name"
                if self.is_loopback
                else "Check the address, or name"
            )
            return f"Nothing answers at {self.url}. {start} another deployment with --url or SWARMSTAR_URL."
        return f"The connection to {self.url} broke ({type(error).__name__})."


def _address(url: str) -> SplitResult:
    """The parts of an address; raises `CliError` for what is none."""
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
        well_formed = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        well_formed = False
    if not well_formed:
        raise CliError(f"{url!r} is not an address: it starts with http:// or https://")
    return parts


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine, without asking a name server."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def problem(response: httpx2.Response, content: bytes, advice: str = NO_KEY) -> Problem:
    """The error a response stands for: the detail of its problem document, else its status line."""
    fields = _problem_fields(content)
    status = f"{response.status_code} {response.reason_phrase}".strip()
    said = fields.get("detail") or fields.get("title")
    message = str(said) if said else f"The server answered {status}."
    if response.status_code == 401 and "/api/" in response.url.path:
        message = f"{message.rstrip('.')}. {advice}"
    return Problem(message, response.status_code, _seconds(response.headers.get("retry-after")))


def _as_json(body: dict[str, Any] | None) -> dict[str, Any]:
    """A body as the client sends it; raises `CliError` for one that no deployment takes."""
    if body is None:
        return {}
    try:
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as error:
        raise CliError("What was typed is not UTF-8 text and cannot be sent.") from error
    if len(content) > MAX_BODY:
        raise CliError(
            f"The request has {len(content) / 1024 / 1024:.1f} MiB, and {MAX_BODY // 1024 // 1024} MiB is the limit: "
            "hand over less."
        )
    return {"content": content, "headers": {"content-type": "application/json"}}


def _bounded(response: httpx2.Response, bound: int) -> Iterator[bytes]:
    taken = 0
    for chunk in response.iter_bytes():
        taken += len(chunk)
        if taken > bound:
            raise CliError(f"The answer is over {bound // 1024 // 1024} MiB and was not taken.")
        yield chunk


def _problem_fields(content: bytes) -> dict[str, Any]:
    try:
        return Document.model_validate_json(content).model_dump()
    except ValidationError:
        return {}


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isdecimal() else None
