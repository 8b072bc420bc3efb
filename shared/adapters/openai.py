"""The model port on any OpenAI-compatible endpoint, OpenAI and Azure OpenAI among them.

The `openai` package does connections, authentication and errors; the request is written and the answer read here,
which costs less than half the processor time of its typed resources.
"""

import asyncio
import ipaddress
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError

from shared.errors import ModelError, ModelUnavailable
from shared.llm.port import Completion, CompletionRequest
from shared.llm.schema import without_bounds

if TYPE_CHECKING:
    import httpx2
    import openai

#: Gives the key or token of a call; it caches what it can.
KeyProvider = Callable[[], Awaitable[str]]

#: The largest response read, in bytes.
MAX_RESPONSE = 8 * 1024 * 1024
#: The longest wait an endpoint may ask for, and the one taken when it names none, in seconds.
MAX_RETRY_AFTER = 120.0
DEFAULT_RETRY_AFTER = 2.0
#: Seconds a connection may take to open.
CONNECT_TIMEOUT = 10.0
#: Seconds an idle connection is kept. Many servers drop one after 5, and a call must not meet that moment.
KEEP_ALIVE = 4.0
#: How much of an endpoint's error text is passed on, in characters.
SHOWN_ERROR = 300
#: How many models' dialects and schemas are remembered.
REMEMBERED = 256

_RETRYABLE = frozenset({408, 409, 429})
_KEY_LIKE = re.compile(r"\bsk-[\w*.-]+|\bBearer\s+\S+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Dialect:
    """How a model wants its parameters: newer ones refuse the older name of the limit, and any temperature."""

    limit: str = "max_tokens"
    temperature: bool = True

    def taught(self, refused: str | None) -> "_Dialect":
        """The dialect after the endpoint refused a parameter; the same one if nothing can be done about it."""
        if refused == "max_tokens":
            return replace(self, limit="max_completion_tokens")
        return replace(self, temperature=False) if refused == "temperature" else self


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int = Field(0, ge=0)
    completion_tokens: int = Field(0, ge=0)


class _Answer(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    model: str = ""
    usage: _Usage | None = None


class OpenAIChatModel:
    """A `ChatModel` that posts to `{base_url}/chat/completions`.

    `keep_bounds` is for servers that turn the schema into a grammar and need its lengths; OpenAI's strict mode
    refuses some of them. No client is built before the first call.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | KeyProvider,
        *,
        keep_bounds: bool = False,
        max_connections: int = 2_000,
    ) -> None:
        self._base_url = base_url
        self._api_key = api_key
        self._keep_bounds = keep_bounds
        self._max_connections = max_connections
        self._client: openai.AsyncOpenAI | None = None
        self._building = asyncio.Lock()
        #: The key last used, so that it can be struck out of what the endpoint says.
        self._secret = api_key.strip() if isinstance(api_key, str) else ""
        self._dialects: dict[str, _Dialect] = {}
        self._stripped: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}

    async def complete(self, request: CompletionRequest) -> Completion:
        """Make one attempt; errors as the port says, with nothing of the key in them."""
        client = await self._connected()
        import aiohttp
        import openai

        try:
            async with asyncio.timeout(request.timeout):
                body = await self._post(client, request)
        except TimeoutError:
            raise _unavailable(f"the model endpoint gave no answer in {request.timeout:g} seconds") from None
        except openai.APIStatusError as error:
            self._refuse(error)
        except (openai.APIConnectionError, aiohttp.ClientError):
            raise _unavailable("the connection to the model endpoint failed") from None
        except openai.OpenAIError as error:
            raise ModelError(self._shown(str(error))) from None
        return _completion(body, request)

    async def close(self) -> None:
        """Let go of connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _connected(self) -> "openai.AsyncOpenAI":
        if self._client is None:
            async with self._building:
                if self._client is None:
                    # In a thread, because the import alone takes half a second.
                    self._client = await asyncio.to_thread(self._build)
        return self._client

    def _build(self) -> "openai.AsyncOpenAI":
        import httpx2
        import openai

        limits = httpx2.Limits(max_connections=self._max_connections, keepalive_expiry=KEEP_ALIVE)
        http_client = openai.DefaultAioHttpClient(
            limits=limits,
            # A proxy named in the environment is not for a server on this machine.
            trust_env=not _is_loopback(self._base_url),
            event_hooks={"response": [_bounding_hook()]},
        )
        return openai.AsyncOpenAI(
            base_url=self._base_url,
            # Never None or empty: the package would take a key from the environment, for whatever endpoint.
            api_key=self._provided_key if callable(self._api_key) else self._secret or "none",
            max_retries=0,
            http_client=http_client,
            default_headers={"Accept-Encoding": "identity"},
        )

    async def _provided_key(self) -> str:
        if callable(self._api_key):
            self._secret = await self._api_key()
        return self._secret

    async def _post(self, client: "openai.AsyncOpenAI", request: CompletionRequest) -> bytes:
        """Send the request; again only when the endpoint refused a parameter that can be said otherwise."""
        import httpx2
        import openai

        # The time of the whole call is kept by the caller; a timeout that the client reports is one of connecting.
        timeout = httpx2.Timeout(None, connect=CONNECT_TIMEOUT)
        while True:
            dialect = self._dialects.get(request.model, _Dialect())
            try:
                response = await client.post(
                    "/chat/completions",
                    cast_to=httpx2.Response,
                    body=self._body(request, dialect),
                    options={"timeout": timeout, "headers": request.headers},
                )
            except openai.BadRequestError as error:
                if dialect.taught(error.param) == dialect:
                    raise
                self._learn(request.model, error.param)
            else:
                return response.content

    def _learn(self, model: str, refused: str | None) -> None:
        if len(self._dialects) >= REMEMBERED:
            self._dialects.clear()
        self._dialects[model] = self._dialects.get(model, _Dialect()).taught(refused)

    def _body(self, request: CompletionRequest, dialect: _Dialect) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            dialect.limit: request.max_output_tokens,
        }
        if dialect.temperature:
            body["temperature"] = request.temperature
        if request.schema is not None:
            schema = request.schema if self._keep_bounds else self._without_bounds(request.schema)
            described = {"name": request.schema_name, "schema": schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": described}
        return body

    def _without_bounds(self, schema: dict[str, Any]) -> dict[str, Any]:
        known = self._stripped.get(id(schema))
        if known is not None:
            return known[1]
        if len(self._stripped) >= REMEMBERED:
            self._stripped.clear()
        stripped = without_bounds(schema)
        # The original is kept too: as long as it lives, no other object has its id.
        self._stripped[id(schema)] = (schema, stripped)
        return stripped

    def _refuse(self, error: "openai.APIStatusError") -> NoReturn:
        """Raise what a status of 400 or above means to the caller."""
        told = f"the model endpoint answered {error.status_code}: {self._shown(_message(error.body))}"
        if error.status_code < 500 and error.status_code not in _RETRYABLE:
            raise ModelError(told) from None
        # Used-up credit comes as a 429 too, but is not back in seconds.
        wait = MAX_RETRY_AFTER if error.code == "insufficient_quota" else retry_after(error.response.headers)
        raise ModelUnavailable(told, retry_after=wait) from None

    def _shown(self, text: str) -> str:
        if self._secret:
            text = text.replace(self._secret, "[key]")
        return _KEY_LIKE.sub("[key]", text)[:SHOWN_ERROR]


def retry_after(headers: "httpx2.Headers | dict[str, str]") -> float:
    """The seconds that `retry-after-ms` or `Retry-After` (seconds or a date) asks for, from 0 to the cap."""
    wait = _number(headers.get("retry-after-ms"), 1_000)
    if wait is None:
        wait = _number(headers.get("retry-after"), 1)
    if wait is None:
        wait = _until(headers.get("retry-after"))
    return min(max(wait, 0.0), MAX_RETRY_AFTER)


def _number(value: str | None, unit: int) -> float | None:
    with suppress(TypeError, ValueError):
        number = float(value or "") / unit
        return number if number == number else None
    return None


def _until(date: str | None) -> float:
    with suppress(TypeError, ValueError):
        when = parsedate_to_datetime(date or "")
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - datetime.now(UTC).timestamp()
    return DEFAULT_RETRY_AFTER


def _unavailable(told: str) -> ModelUnavailable:
    return ModelUnavailable(told, retry_after=DEFAULT_RETRY_AFTER)


def _message(body: object) -> str:
    if isinstance(body, dict) and isinstance(message := body.get("message"), str):
        return message
    return str(body or "no reason given")


def _completion(body: bytes, request: CompletionRequest) -> Completion:
    try:
        answer = _Answer.model_validate(json.loads(body))
    except (ValueError, RecursionError, ValidationError):
        raise ModelError("the model endpoint answered with what is no completion") from None
    choice = answer.choices[0]
    if choice.message.refusal:
        raise ModelError(f"the model refused: {choice.message.refusal[:SHOWN_ERROR]}")
    if choice.message.content is None and choice.finish_reason != "length":
        raise ModelError(f"the model answered no text ({choice.finish_reason})")
    text = _encodable(choice.message.content or "")
    usage = answer.usage or _estimate(text, request)
    return Completion(
        text=text,
        model=answer.model or request.model,
        finish_reason=choice.finish_reason or "stop",
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
    )


def _estimate(text: str, request: CompletionRequest) -> _Usage:
    """Tokens by length, for an endpoint that does not count them: a budget must not see calls as free."""
    asked = sum(len(message.content) for message in request.messages)
    return _Usage(prompt_tokens=-(-asked // 4), completion_tokens=-(-len(text) // 4))


def _encodable(text: str) -> str:
    """The text with half surrogate pairs, as an answer cut off in one leaves them, replaced: no store takes them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if not text.isascii() else text


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _bounding_hook() -> Callable[["httpx2.Response"], Awaitable[None]]:
    """A hook that lets a response be read up to `MAX_RESPONSE` bytes and no further."""
    import httpx2

    class Bounded(httpx2.AsyncByteStream):
        def __init__(self, stream: httpx2.AsyncByteStream) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for chunk in self._stream:
                size += len(chunk)
                if size > MAX_RESPONSE:
                    raise ModelError(f"the model endpoint answered more than {MAX_RESPONSE} bytes")
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    async def bound(response: httpx2.Response) -> None:
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = Bounded(response.stream)

    return bound
