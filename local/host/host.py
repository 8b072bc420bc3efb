"""Puts the host together: one app, one state file, one port on 127.0.0.1."""

import asyncio
import hmac
import secrets
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from cli.private_files import make_folder
from local.host import indexing
from local.host.body import Bodies
from local.host.durable import sdk
from local.host.durable.binding import WEBHOOKS, Addresses
from local.host.durable.client_api import ClientApi
from local.host.durable.engine import Engine
from local.host.durable.protocol import encode
from local.host.durable.storage import Storage
from local.host.http import HttpTriggers
from local.host.indexing import Function
from local.host.invoke import Invoker, silence_codec_notices
from local.host.lock import StateLock
from local.host.logs import log
from local.host.problems import problem
from local.host.settings import HostSettings
from local.host.timers import TimerTriggers

DEFAULT_STATE = Path(".swarmstar") / "host.db"
_STATUS = "admin/host/status"
_ADDRESS = "127.0.0.1"
#: How long requests that are being served may take to end when the host stops, in seconds.
_GRACE = 3.0


class HostFailed(Exception):
    """The host can no longer keep its state, and stops."""


class Host:
    """An Azure Functions host in this process, for development and tests.

        host = Host(root, state)
        url = await host.start()
        ...
        await host.stop()

    Everything runs on the loop that calls `start`. Only one host can run in a process at a time: the durable SDK
    shares one HTTP session.
    """

    def __init__(
        self, root: Path, state: Path | None = None, port: int = 0, settings: HostSettings | None = None
    ) -> None:
        self._root = root.resolve()
        self._state = (state or self._root / DEFAULT_STATE).resolve()
        self._port = port
        self._settings = settings or HostSettings.load(self._root)
        self._lock = StateLock(self._state)
        self._rpc_path = f"durabletask-rpc/{secrets.token_urlsafe(24)}"
        self._pool = ThreadPoolExecutor(self._settings.threads, "host-function")
        self._activity_pool = ThreadPoolExecutor(self._settings.threads, "host-activity")
        self._stopping: list[Callable[[], Awaitable[None] | None]] = []
        self.url = ""

    @property
    def key(self) -> str:
        """The `code` that management requests must carry."""
        return self._settings.key

    async def start(self) -> str:
        """Load the app, take up where the last host left off, and serve. Returns the base address.

        Raises `IndexingError`, `SettingsError`, `StateInUse`, `StorageError`, OSError for a port in use, or what the
        app itself raises on import.
        """
        functions = indexing.load(self._root)
        make_folder(self._state.parent)
        self._lock.acquire()
        try:
            await self._open(functions)
        except BaseException:
            await self.stop()
            raise
        return self.url

    async def _open(self, functions: list[Function]) -> None:
        silence_codec_notices()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        listener = socket.create_server((_ADDRESS, self._port))
        self._stopping.append(listener.close)
        self.url = f"http://{_ADDRESS}:{listener.getsockname()[1]}"
        self._storage = Storage(self._state, self._fail)
        self._storage.open()
        self._stopping.append(self._storage.close)
        addresses = Addresses(self.url, self._settings.hub_name, self.key, self._rpc_path)
        invokers = self._invokers(functions, addresses)
        self._engine = self._make_engine(invokers)
        bodies = Bodies(self._settings.body_limit, self._settings.large_bodies)
        self._http = HttpTriggers(invokers["httpTrigger"], self._settings.route_prefix, bodies)
        timers = TimerTriggers(invokers["timerTrigger"], self._storage)
        self._api = ClientApi(self._engine, self._storage, addresses)
        self._engine.start()
        self._stopping.append(self._engine.stop)
        # A body reaches its function as it came: a signature is over those bytes, and Azure's host unpacks none either.
        server = web.Server(self._handle, access_log=None, auto_decompress=False)
        self._runner = web.ServerRunner(server, shutdown_timeout=_GRACE)
        await self._runner.setup()
        self._stopping.append(sdk.close_session)
        self._stopping.append(self._runner.cleanup)
        await web.SockSite(self._runner, listener).start()
        timers.start()
        self._stopping.append(timers.stop)

    async def stop(self) -> None:
        """Stop serving, end what is being stored, and let go of the state file. Running activities are abandoned."""
        while self._stopping:
            outcome = self._stopping.pop()()
            if outcome is not None:
                await outcome
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._activity_pool.shutdown(wait=False, cancel_futures=True)
        self._lock.release()

    def stats(self) -> dict[str, int]:
        """Counters for measurements: what runs, and totals that a purge does not lessen."""
        return self._engine.stats()

    def _fail(self, error: BaseException) -> None:
        self._engine.halt()
        if not self.failed.done():
            self.failed.set_exception(HostFailed(f"the state file cannot be written: {error}"))

    def _invokers(self, functions: list[Function], addresses: Addresses) -> dict[str, list[Invoker]]:
        found: dict[str, list[Invoker]] = {kind: [] for kind in indexing.TRIGGERS}
        for function in functions:
            kind = function.trigger.type
            pool = self._activity_pool if kind == "activityTrigger" else self._pool
            found[kind].append(Invoker(function, pool, self._settings.function_timeout, addresses.client))
        return found

    def _make_engine(self, invokers: dict[str, list[Invoker]]) -> Engine:
        orchestrators = {
            invoker.function.durable_name.casefold(): invoker.function.call
            for invoker in invokers["orchestrationTrigger"]
        }
        activities = {invoker.function.durable_name.casefold(): invoker for invoker in invokers["activityTrigger"]}
        return Engine(self._storage, orchestrators, activities, self._settings)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Every request: the SDK's by its secret path, management by its key, the rest by the app's routes."""
        host = request.host.rsplit(":", 1)[0] if not request.host.endswith("]") else request.host
        if host.lower() not in self._settings.names:
            return problem(HTTPStatus.MISDIRECTED_REQUEST, "This host does not go by that name.")
        path = request.rel_url.raw_path.lstrip("/")
        for prefix in (self._rpc_path, WEBHOOKS):
            if path.startswith(f"{prefix}/"):
                if prefix == WEBHOOKS and not self._has_key(request):
                    return web.Response(status=HTTPStatus.UNAUTHORIZED)
                return await self._api(request, path[len(prefix) + 1 :])
        if path == _STATUS:
            return self._report(request)
        return await self._http(request)

    def _has_key(self, request: web.BaseRequest) -> bool:
        given = request.query.get("code", "") or request.headers.get("x-functions-key", "")
        return hmac.compare_digest(given.encode(), self.key.encode())

    def _report(self, request: web.BaseRequest) -> web.Response:
        if not self._has_key(request):
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        return web.Response(body=encode(self.stats()).encode(), content_type="application/json")


async def run(host: Host, stop: asyncio.Event, ready: Callable[[str], None]) -> None:
    """Serve until `stop` is set or the host fails. Raises `HostFailed` in that case."""
    url = await host.start()
    ready(url)
    log.info("this is a development host: one process, one machine, loopback only")
    host.failed.add_done_callback(lambda _: stop.set())
    try:
        await stop.wait()
        if host.failed.done():
            host.failed.result()
    finally:
        await host.stop()
