"""The HTTP API behind durable clients and management addresses.

Every reply's body is empty or JSON: the SDK's client decodes it whatever the status says.
"""

import asyncio
import json
import re
import uuid
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from local.host.body import BodyTooLarge, read_body
from local.host.durable.binding import Addresses
from local.host.durable.engine import AlreadyRunning, Engine, InboxFull
from local.host.durable.model import Instance, Kind
from local.host.durable.protocol import Status, clean, encode, missing
from local.host.durable.status import COLUMNS, document, history, row_of
from local.host.durable.storage import Storage, StorageError

#: The SDK's own calls have no limit of their own; this one only keeps a mistake from filling the memory.
_BODY_LIMIT = 256 << 20
_MAX_WAIT = 230.0
_BAD_ID = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,7}))?Z?")
#: Orchestrations purged in one transaction, during which the host does nothing else.
_PURGE_SLICE = 50

Handler = Callable[[web.BaseRequest, "re.Match[str]"], Awaitable[web.Response]]


class _Refused(Exception):
    """The request cannot be served; carries the reply."""

    def __init__(self, status: HTTPStatus, message: str = "") -> None:
        super().__init__(message)
        self.status = status


class ClientApi:
    """Serves requests whose path begins with the API's prefix; the caller has checked that they may come."""

    def __init__(self, engine: Engine, storage: Storage, addresses: Addresses) -> None:
        self._engine = engine
        self._storage = storage
        self._addresses = addresses
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = [
            ("POST", re.compile(r"orchestrators/(?P<name>[^/]+)(?:/(?P<id>[^/]*))?"), self._start),
            ("GET", re.compile(r"instances/?"), self._list),
            ("DELETE", re.compile(r"instances/?"), self._purge_many),
            ("GET", re.compile(r"instances/(?P<id>[^/]+)"), self._status),
            ("DELETE", re.compile(r"instances/(?P<id>[^/]+)"), self._purge),
            ("POST", re.compile(r"instances/(?P<id>[^/]+)/raiseEvent/(?P<name>[^/]+)"), self._raise_event),
            ("POST", re.compile(r"instances/(?P<id>[^/]+)/(?P<what>terminate|suspend|resume)"), self._control),
            ("POST", re.compile(r"instances/(?P<id>[^/]+)/restart"), self._restart),
            ("POST", re.compile(r"instances/(?P<id>[^/]+)/rewind"), self._rewind),
        ]

    async def __call__(self, request: web.BaseRequest, path: str) -> web.Response:
        """Serve the request for `path`, the still quoted rest behind the prefix."""
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(path)
            if match is not None and request.method == method:
                try:
                    return await handler(request, match)
                except _Refused as refusal:
                    return _refusal(refusal)
                except StorageError as error:
                    return _refusal(_Refused(HTTPStatus.SERVICE_UNAVAILABLE, str(error)))
        return web.Response(status=HTTPStatus.NOT_FOUND)

    async def _start(self, request: web.BaseRequest, match: "re.Match[str]") -> web.Response:
        name = unquote(match["name"])
        instance_id = _check_id(unquote(match["id"] or "") or uuid.uuid4().hex)
        if not self._engine.knows(name):
            raise _Refused(HTTPStatus.BAD_REQUEST, missing(name, "an orchestrator"))
        body = await _json_text(request)
        version = request.query.get("version", "")
        return await self._begin(request, name, instance_id, body, version)

    async def _begin(
        self, request: web.BaseRequest, name: str, instance_id: str, body: str | None, version: str
    ) -> web.Response:
        try:
            self._engine.create(name, instance_id, body, version)
        except AlreadyRunning as error:
            raise _Refused(HTTPStatus.CONFLICT, str(error)) from None
        await self._storage.committed()
        if "timeout" in request.query:
            await self._wait(request, instance_id)
            row = self._row(instance_id)
            if Status(row["status"]).finished:
                return _json(document(row, with_input=True))
        return self._accepted(request, instance_id)

    async def _wait(self, request: web.BaseRequest, instance_id: str) -> None:
        """Wait until the instance has ended, as long as the query says."""
        try:
            timeout = min(float(request.query["timeout"]), _MAX_WAIT)
            interval = max(float(request.query.get("pollingInterval", "1")), 0.05)
        except ValueError:
            raise _Refused(HTTPStatus.BAD_REQUEST, "timeout and pollingInterval are seconds") from None
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout
        while instance_id in self._engine.instances and loop.time() < until:  # noqa: ASYNC110  at the caller's pace
            await asyncio.sleep(min(interval, max(until - loop.time(), 0)))

    async def _status(self, request: web.BaseRequest, match: "re.Match[str]") -> web.Response:
        row = self._row(unquote(match["id"]))
        answer = document(row, with_input=_flag(request, "showInput", default=True))
        if _flag(request, "showHistory"):
            answer["historyEvents"] = history(self._storage, row, with_output=_flag(request, "showHistoryOutput"))
        if not Status(row["status"]).finished:
            location = self._addresses.payload(row["instance_id"])["statusQueryGetUri"]
            return _json(answer, HTTPStatus.ACCEPTED, {"Location": location, "Retry-After": "5"})
        failed = row["status"] == Status.FAILED
        if failed and _flag(request, "returnInternalServerErrorOnFailure"):
            return _json(answer, HTTPStatus.INTERNAL_SERVER_ERROR)
        return _json(answer)

    async def _list(self, request: web.BaseRequest, _match: "re.Match[str]") -> web.Response:
        condition, values = _filter(request)
        limit = request.query.get("top", "")
        rows = self._storage.query(
            f"SELECT {COLUMNS} FROM instances WHERE {condition} ORDER BY created, id LIMIT ?",  # noqa: S608  constants
            [*values, int(limit) if limit.isdecimal() else -1],
        )
        with_input = _flag(request, "showInput", default=True)
        return _json([document(row_of(row), with_input) for row in rows])

    async def _raise_event(self, request: web.BaseRequest, match: "re.Match[str]") -> web.Response:
        if request.content_type != "application/json":
            raise _Refused(HTTPStatus.BAD_REQUEST, "Only application/json request content is supported")
        body = await _body(request)
        try:
            # An SDK client sends JSON text as a JSON string. Like Azure, this host does not undo that here.
            payload = encode(json.loads(body)) if body else None
        except ValueError:
            raise _Refused(HTTPStatus.BAD_REQUEST, "The request content is not JSON") from None
        self._send(self._running(match), Kind.EVENT, clean(unquote(match["name"])), payload)
        await self._storage.committed()
        return web.Response(status=HTTPStatus.ACCEPTED)

    async def _control(self, request: web.BaseRequest, match: "re.Match[str]") -> web.Response:
        instance, reason = self._running(match), clean(request.query.get("reason", ""))
        kind = Kind[match["what"].upper()]
        # Azure answers 500 to what is already so; here it is simply done.
        if kind is Kind.TERMINATE or instance.suspended is not (kind is Kind.SUSPEND) or instance.inbox:
            self._send(instance, kind, "", reason)
        await self._storage.committed()
        return web.Response(status=HTTPStatus.ACCEPTED)

    async def _restart(self, request: web.BaseRequest, match: "re.Match[str]") -> web.Response:
        row = self._row(unquote(match["id"]))
        renamed = _flag(request, "restartWithNewInstanceId", default=True)
        instance_id = uuid.uuid4().hex if renamed else row["instance_id"]
        return await self._begin(request, row["name"], instance_id, row["input"], row["version"])

    async def _rewind(self, _request: web.BaseRequest, match: "re.Match[str]") -> web.Response:
        self._row(unquote(match["id"]))
        raise _Refused(HTTPStatus.NOT_IMPLEMENTED, "This host cannot rewind an orchestration; restart it instead.")

    async def _purge(self, _request: web.BaseRequest, match: "re.Match[str]") -> web.Response:
        row = self._row(unquote(match["id"]))
        if not Status(row["status"]).finished:
            raise _Refused(HTTPStatus.CONFLICT, "The orchestration has not ended; terminate it first.")
        self._storage.forget([row["id"]])
        return _json({"instancesDeleted": 1})

    async def _purge_many(self, request: web.BaseRequest, _match: "re.Match[str]") -> web.Response:
        if "createdTimeFrom" not in request.query:
            raise _Refused(HTTPStatus.BAD_REQUEST, "createdTimeFrom is needed")
        condition, values = _filter(request)
        select = f"SELECT id FROM instances WHERE finished IS NOT NULL AND id > ? AND {condition} ORDER BY id LIMIT ?"  # noqa: S608  constants
        removed = last = 0
        while rows := [row[0] for row in self._storage.query(select, [last, *values, _PURGE_SLICE])]:
            self._storage.forget(rows)
            removed, last = removed + len(rows), rows[-1]
            await asyncio.sleep(0)
        if not removed:
            raise _Refused(HTTPStatus.NOT_FOUND)
        return _json({"instancesDeleted": removed})

    def _row(self, instance_id: str) -> dict[str, Any]:
        """What the state file holds of the newest instance of that id."""
        rows = self._storage.query(
            f"SELECT {COLUMNS} FROM instances WHERE instance_id=? ORDER BY id DESC LIMIT 1",  # noqa: S608  constants
            (instance_id,),
        )
        if not rows:
            raise _Refused(HTTPStatus.NOT_FOUND)
        return row_of(rows[0])

    def _running(self, match: "re.Match[str]") -> Instance:
        instance_id = unquote(match["id"])
        instance = self._engine.instances.get(instance_id)
        if instance is None:
            self._row(instance_id)
            raise _Refused(HTTPStatus.GONE)
        return instance

    def _send(self, instance: Instance, kind: Kind, name: str, body: str | None) -> None:
        try:
            self._engine.send(instance, kind, name, body)
        except InboxFull as error:
            raise _Refused(HTTPStatus.TOO_MANY_REQUESTS, str(error)) from None

    def _accepted(self, request: web.BaseRequest, instance_id: str) -> web.Response:
        payload = dict(self._addresses.payload(instance_id, f"{request.scheme}://{request.host}"))
        del payload["rewindPostUri"]
        headers = {"Location": payload["statusQueryGetUri"], "Retry-After": "10"}
        return _json(payload, HTTPStatus.ACCEPTED, headers)


def _filter(request: web.BaseRequest) -> tuple[str, list[str]]:
    """The SQL condition for the query's filters, and its values."""
    conditions, values = ["1"], []
    for name, operator in (("createdTimeFrom", ">="), ("createdTimeTo", "<=")):
        text = request.query.get(name)
        if text:
            conditions.append(f"created {operator} ?")
            values.append(_stamp(name, text))
    names = [name.strip() for name in request.query.get("runtimeStatus", "").split(",") if name.strip()]
    if names:
        conditions.append(f"status IN ({','.join('?' * len(names))})")
        values.extend(names)
    prefix = request.query.get("instanceIdPrefix", "")
    if prefix:
        conditions.append("substr(instance_id, 1, length(?)) = ?")
        values.extend((prefix, prefix))
    return " AND ".join(conditions), values


def _stamp(name: str, text: str) -> str:
    """A time of the query as times are stored, so that text order is time order."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise _Refused(HTTPStatus.BAD_REQUEST, f"{name} is not a time in UTC")
    return f"{match[1]}.{(match[2] or '').ljust(6, '0')[:6]}Z"


def _check_id(instance_id: str) -> str:
    if len(instance_id) > 100 or instance_id.startswith("@") or _BAD_ID.search(instance_id):
        raise _Refused(
            HTTPStatus.BAD_REQUEST,
            "An instance id has at most 100 characters, does not begin with @ and holds none of / \\ # ?",
        )
    return clean(instance_id)


async def _json_text(request: web.BaseRequest) -> str | None:
    """The input of a new orchestration as JSON text.

    An SDK client sends JSON text as a JSON string; that is undone here, so that both ways of calling mean the same.
    """
    body = await _body(request)
    if not body:
        return None
    try:
        value = json.loads(body)
        if isinstance(value, str):
            return encode(json.loads(value))
    except ValueError:
        if not body.lstrip().startswith(b'"'):
            raise _Refused(HTTPStatus.BAD_REQUEST, "The request content is not JSON") from None
    return None if value is None else encode(value)


async def _body(request: web.BaseRequest) -> bytes:
    try:
        return await read_body(request, _BODY_LIMIT)
    except BodyTooLarge as error:
        raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error)) from None


def _flag(request: web.BaseRequest, name: str, default: bool = False) -> bool:
    return request.query.get(name, str(default)).lower() == "true"


def _json(value: object, status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=encode(value).encode(), content_type="application/json", headers=headers)


def _refusal(refusal: _Refused) -> web.Response:
    """The reply in the form in which the SDK's client reads errors."""
    message = str(refusal)
    if not message:
        return web.Response(status=refusal.status)
    return _json(
        {"Message": message, "ExceptionMessage": message, "ExceptionType": "", "StackTrace": ""}, refusal.status
    )
