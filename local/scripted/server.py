"""The HTTP side of the scripted endpoint: chat completions, a model list and the log of calls."""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from local.scripted.rules import STEP_HEADER, Call, Calling, Reply, Rule, say_ok

#: The largest request body taken, in bytes.
MAX_BODY = 16 * 1024 * 1024
#: How many calls are kept for looking at, and how many step keys are counted.
KEEP_CALLS = 5_000
KEEP_STEPS = 1_000_000
#: Connections the kernel may hold back until they are accepted.
BACKLOG = 4_096

_JSON = {"Content-Type": "application/json"}
_MODELS = json.dumps({"object": "list", "data": [{"id": "scripted", "object": "model", "owned_by": "local"}]})


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    headers: dict[str, str]


class ScriptedModel:
    """An endpoint on 127.0.0.1 that answers by a rule and remembers what it was asked.

    Use it as `async with ScriptedModel(rule) as server`, and point a client at `server.base_url`.
    """

    def __init__(self, rule: Rule = say_ok, *, port: int = 0, latency: float = 0.0, log: Path | None = None) -> None:
        self.rule = rule
        #: Seconds every answer takes at least.
        self.latency = latency
        #: The latest `KEEP_CALLS` calls.
        self.calls: deque[Call] = deque(maxlen=KEEP_CALLS)
        #: How many calls there were, and how many had each step key.
        self.total = 0
        self.times_seen: dict[str, int] = {}
        #: Answers go out while this is set, as it is at first; a test that clears it holds all calls in flight.
        self.gate = asyncio.Event()
        self.gate.set()
        #: How many calls are being answered now, and the most there were at once.
        self.in_flight = 0
        self.most_in_flight = 0
        self._port = port
        self._log_path = log
        self._log: FileIO | None = None
        self._server: web.Server | None = None
        self._listener: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def base_url(self) -> str:
        """What a client takes as its base URL."""
        return f"{self.url}/v1"

    async def __aenter__(self) -> Self:
        if self._log_path is not None:
            self._log = FileIO(str(self._log_path), "a")
        self._server = web.Server(self._handle, request_factory=_request, access_log=None)
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._server, "127.0.0.1", self._port, backlog=BACKLOG)
        self._port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listener is not None:
            self._listener.close()
        if self._server is not None:
            await self._server.shutdown(timeout=0.1)
        if self._log is not None:
            self._log.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        route = (request.method, request.path)
        if route == ("POST", "/v1/chat/completions"):
            return await self._complete(request)
        if route == ("GET", "/v1/models"):
            return web.Response(text=_MODELS, headers=_JSON)
        if route == ("GET", "/__calls"):
            return web.Response(text=json.dumps(self._seen()), headers=_JSON)
        return web.Response(status=404, body=_error_body(404, "no such path"), headers=_JSON)

    async def _complete(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            call = self._record(_body_of(await request.read()), request.headers)
        except ValueError as error:
            body = _error_body(400, f"the body is no chat completion request: {error}")
            return web.Response(status=400, body=body, headers=_JSON)
        return await self._answer(request, call, self.rule(call))

    async def _answer(self, request: web.BaseRequest, call: Call, reply: Reply) -> web.StreamResponse:
        answer = _render(call, reply)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if (delay := reply.delay + self.latency) > 0:
                await asyncio.sleep(delay)
            await self.gate.wait()
            if reply.cut:
                return await _cut(request, answer)
            return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
        finally:
            self.in_flight -= 1

    def _record(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> Call:
        step = headers.get(STEP_HEADER, "")
        seen = self.times_seen.get(step, 0) + 1
        if seen > 1 or len(self.times_seen) < KEEP_STEPS:
            self.times_seen[step] = seen
        call = Call(self.total, step, seen, body, headers)
        self.total += 1
        self.calls.append(call)
        if self._log is not None:
            # Unbuffered, so that the line is there even if this process is killed with the next instruction.
            self._log.write(json.dumps(_line(call)).encode() + b"\n")
        return call

    def _seen(self) -> dict[str, object]:
        return {
            "total": self.total,
            "most_in_flight": self.most_in_flight,
            "times_seen": self.times_seen,
            "calls": [_line(call) for call in self.calls],
        }


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    """Build a request as aiohttp does, with room for a long prompt."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY)


def _body_of(text: bytes) -> dict[str, Any]:
    body = json.loads(text)
    if not isinstance(body, dict):
        raise ValueError("it is no JSON object")
    if body.get("stream"):
        raise ValueError("streaming is not scripted")
    return body


def _line(call: Call) -> dict[str, object]:
    return {
        "index": call.index,
        "step": call.step,
        "times_seen": call.times_seen,
        "model": call.model,
        "schema": call.schema_name,
    }


def _render(call: Call, reply: Reply) -> _Answer:
    headers = {**_JSON, **reply.headers}
    if reply.rubbish is not None:
        return _Answer(reply.status, reply.rubbish, headers)
    if reply.status >= 400:
        return _Answer(reply.status, _error_body(reply.status, reply.content), headers)
    return _Answer(reply.status, _completion_body(call, reply), headers)


def _error_body(status: int, content: object) -> bytes:
    told = dict(content) if isinstance(content, Mapping) else {"message": str(content) or f"status {status}"}
    return json.dumps({"error": {"type": "scripted", "code": None, "param": None, **told}}).encode()


def _completion_body(call: Call, reply: Reply) -> bytes:
    text = reply.content if isinstance(reply.content, str) else json.dumps(reply.content)
    asked = reply.input_tokens if reply.input_tokens is not None else _prompt_tokens(call)
    given = reply.output_tokens if reply.output_tokens is not None else _tokens(len(text))
    message: dict[str, object] = {
        "role": "assistant",
        "content": None if reply.refusal else text,
        "refusal": reply.refusal,
    }
    if reply.calls:
        message["tool_calls"] = [_tool_call(call, place, one) for place, one in enumerate(reply.calls)]
    reason = reply.finish_reason or ("tool_calls" if reply.calls else "stop")
    choice = {"index": 0, "message": {**message, **reply.message}, "finish_reason": reason, "logprobs": None}
    usage = {"prompt_tokens": asked, "completion_tokens": given, "total_tokens": asked + given, **reply.usage}
    body = {
        "id": f"chatcmpl-{call.index}",
        "object": "chat.completion",
        "created": 0,
        "model": call.model,
        "choices": [choice],
        "usage": usage,
    }
    return json.dumps({**body, **reply.body}).encode()


def _tool_call(call: Call, place: int, made: Calling) -> dict[str, object]:
    arguments = made.arguments if isinstance(made.arguments, str) else json.dumps(made.arguments)
    given = made.id if made.id is not None else f"call_{call.index}_{place}"
    return {"id": given, "type": "function", "function": {"name": made.name, "arguments": arguments}}


def _prompt_tokens(call: Call) -> int:
    return _tokens(sum(len(message.get("content") or "") for message in call.messages))


def _tokens(characters: int) -> int:
    return -(-characters // 4)


async def _cut(request: web.BaseRequest, answer: _Answer) -> web.StreamResponse:
    """Promise the whole body, send half of it, and drop the connection."""
    headers = {**answer.headers, "Content-Length": str(len(answer.body))}
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2])
    if request.transport is not None:
        request.transport.abort()
    return response
