"""The client: one attempt at a completion, in the dialect that the endpoint was found to speak.

The `openai` package does connections, authentication and errors; the request is written and the answer read here,
which costs less than half the processor time of its typed resources.
"""

import asyncio
import ipaddress
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.adapters.openai.answer import NoCompletion, completion_of
from shared.adapters.openai.body import Bodies
from shared.adapters.openai.dialect import Dialect, Feature, sent_features
from shared.adapters.openai.told import Told, told_by
from shared.adapters.openai.waits import MAX_WAIT, Backoff, asked_wait
from shared.errors import ModelError, ModelUnavailable, SwarmStarError
from shared.llm.encodable import encodable
from shared.llm.port import Completion, CompletionRequest
from shared.llm.profiles import ModelProfile, profile_of

if TYPE_CHECKING:
    import httpx2
    import openai

#: Gives the key or token of a call; it caches what it can.
KeyProvider = Callable[[], Awaitable[str]]

#: The largest response read, in bytes.
MAX_RESPONSE = 8 * 1024 * 1024
#: Seconds a connection may take to open.
CONNECT_TIMEOUT = 10.0
#: Seconds an idle connection is kept. Many servers drop one after 5, and a call must not meet that moment.
KEEP_ALIVE = 4.0
#: How much of an endpoint's error text is passed on, in characters.
SHOWN_ERROR = 300
#: How many models' dialects are remembered.
REMEMBERED = 256
#: Answers in a row that are no completion and are still taken for a passing fault.
ODD_ANSWERS = 3

_RETRYABLE = frozenset({408, 409, 425, 429})
_KEY_LIKE = re.compile(r"\bsk-[\w*.-]+|\bBearer\s+\S+", re.IGNORECASE)


class _Refused(Exception):
    """The endpoint answered with a status of 400 or above."""

    def __init__(self, status: int, told: Told, headers: "httpx2.Headers") -> None:
        super().__init__(told.message)
        self.status = status
        self.told = told
        self.headers = headers


class OpenAIChatModel:
    """A `ChatModel` that posts to `{base_url}/chat/completions`.

    `keep_bounds` is for servers that turn the schema into a grammar and need its lengths; OpenAI's strict mode
    refuses some of them. `profiles` says what each model is expected to take, until the endpoint teaches otherwise.
    No client is built before the first call.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | KeyProvider,
        *,
        keep_bounds: bool = False,
        max_connections: int = 2_000,
        profiles: Callable[[str], ModelProfile] = profile_of,
    ) -> None:
        self._base_url = base_url
        self._api_key = api_key
        self._max_connections = max_connections
        self._profiles = profiles
        self._client: openai.AsyncOpenAI | None = None
        self._building = asyncio.Lock()
        #: The key last used, so that it can be struck out of what the endpoint says.
        self._secret = api_key.strip() if isinstance(api_key, str) else ""
        self._bodies = Bodies(keep_bounds=keep_bounds)
        self._dialects: dict[str, Dialect] = {}
        #: Features that each model has answered with, so that a refusal without words is not put down to them.
        self._proven: dict[str, set[Feature]] = {}
        self._backoff = Backoff()
        self._odd = 0

    async def complete(self, request: CompletionRequest) -> Completion:
        """Make one attempt; errors as the port says, with nothing of the key in them."""
        client = await self._connected()
        import aiohttp
        import openai

        started = time.monotonic()
        try:
            async with asyncio.timeout(request.timeout):
                body = await self._ask(client, request)
            completion = completion_of(body, request)
        except TimeoutError:
            raise self._unavailable(f"the model endpoint gave no answer in {request.timeout:g} seconds") from None
        except _Refused as refused:
            raise self._refusal(refused) from None
        except NoCompletion as answer:
            raise self._odd_answer(answer.told) from None
        except (openai.APIConnectionError, aiohttp.ClientError):
            raise self._unavailable("the connection to the model endpoint failed") from None
        except (openai.OpenAIError, ModelError) as error:
            raise ModelError(self._shown(str(error))) from None
        self._odd = 0
        self._backoff.answered(started)
        return completion

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

    async def _ask(self, client: "openai.AsyncOpenAI", request: CompletionRequest) -> bytes:
        """Send the request; again only when the endpoint refused something that can be asked for otherwise."""
        while True:
            dialect = self._dialect(request.model)
            sent = self._bodies.of(request, dialect)
            try:
                answer = await _post(client, sent, request)
            except _Refused as refused:
                taught = dialect.taught(refused.status, refused.told, sent)
                if taught is None:
                    return await self._guess(client, request, dialect, refused)
                self._learn(request.model, dialect, taught)
            else:
                self._prove(request.model, sent)
                return answer

    async def _guess(
        self, client: "openai.AsyncOpenAI", request: CompletionRequest, dialect: Dialect, refused: _Refused
    ) -> bytes:
        """Ask for less and less, after a refusal that names nothing. Raises the refusal when nothing helps."""
        tried = dialect
        proven = self._proven.get(request.model, set())
        for feature in dialect.guesses(refused.status, refused.told, self._bodies.of(request, dialect)):
            while feature not in proven and (weaker := tried.without(feature)) not in (None, tried):
                tried = weaker
                sent = self._bodies.of(request, tried)
                with suppress(_Refused):
                    answer = await _post(client, sent, request)
                    return await self._confirmed(client, request, dialect, tried, answer)
        raise refused

    async def _confirmed(
        self, client: "openai.AsyncOpenAI", request: CompletionRequest, dialect: Dialect, tried: Dialect, answer: bytes
    ) -> bytes:
        """Learn the weaker form that was answered if the first one is refused once more.

        Otherwise the refusal was a passing one: the first form's answer counts, and nothing is learned.
        """
        first = self._bodies.of(request, dialect)
        try:
            better = await _post(client, first, request)
        except _Refused:
            self._learn(request.model, dialect, tried)
            self._prove(request.model, self._bodies.of(request, tried))
            return answer
        self._prove(request.model, first)
        return better

    def _dialect(self, model: str) -> Dialect:
        known = self._dialects.get(model)
        return Dialect.of(self._profiles(model)) if known is None else known

    def _learn(self, model: str, before: Dialect, after: Dialect) -> None:
        """Keep what one call learned, unless another learned something meanwhile."""
        if self._dialect(model) == before:
            _remember(self._dialects, model, after)

    def _prove(self, model: str, body: dict[str, Any]) -> None:
        proven = self._proven.get(model)
        if proven is None:
            proven = set()
            _remember(self._proven, model, proven)
        proven.update(sent_features(body))

    def _refusal(self, refused: _Refused) -> SwarmStarError:
        """What a status of 400 or above means to the caller."""
        told = f"the model endpoint answered {refused.status}: {refused.told.message or 'no reason given'}"
        if refused.status < 500 and refused.status not in _RETRYABLE:
            return ModelError(self._shown(told))
        return self._unavailable(told, refused.told, refused.headers)

    def _odd_answer(self, told: Told) -> SwarmStarError:
        """What a response of status 200 without a completion means to the caller."""
        self._odd += 1
        often = f" ({self._odd} times in a row)" if self._odd > 1 else ""
        words = told.message or "no reason given"
        said = f"the model endpoint answered with what is no completion{often}: {words}"
        lasting = not told.passes if told.code else self._odd > ODD_ANSWERS
        return ModelError(self._shown(said)) if lasting else self._unavailable(said, told)

    def _unavailable(
        self, said: str, told: Told | None = None, headers: "httpx2.Headers | None" = None
    ) -> ModelUnavailable:
        # Used-up credit comes as a 429 too, but is not back in seconds.
        if told is not None and "insufficient_quota" in told.words:
            return ModelUnavailable(self._shown(said), retry_after=MAX_WAIT)
        asked = asked_wait(headers or {}, told.message if told else "")
        return ModelUnavailable(self._shown(said), retry_after=self._backoff.refused() if asked is None else asked)

    def _shown(self, text: str) -> str:
        text = encodable(text)
        if self._secret:
            text = text.replace(self._secret, "[key]")
        return _KEY_LIKE.sub("[key]", text)[:SHOWN_ERROR]


async def _post(client: "openai.AsyncOpenAI", body: dict[str, Any], request: CompletionRequest) -> bytes:
    import httpx2
    import openai

    # The time of the whole call is kept by the caller; a timeout that the client reports is one of connecting.
    timeout = httpx2.Timeout(None, connect=CONNECT_TIMEOUT)
    try:
        response = await client.post(
            "/chat/completions",
            cast_to=httpx2.Response,
            body=body,
            options={"timeout": timeout, "headers": request.headers},
        )
    except openai.APIStatusError as error:
        raise _Refused(error.status_code, told_by(error.response.content), error.response.headers) from None
    return response.content


def _remember(known: dict[str, Any], model: str, value: Any) -> None:
    if len(known) >= REMEMBERED:
        known.clear()
    known[model] = value


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
