"""Calls functions the way the Azure worker does: values in and out go through the SDK's own converters."""

import asyncio
import contextvars
import functools
import json
import threading
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import azure.functions as func
from azure.functions import _durable_functions as durable_codec
from azure.functions import meta

from local.host.indexing import CONTEXT, RETURN, Function

_CONVERTERS: Any = meta.get_binding_registry()  # type: ignore[no-untyped-call]  # azure-functions leaves it untyped


class FunctionTimeout(Exception):
    """The function ran longer than `functionTimeout` in host.json allows."""


class _TraceContext(func._abc.TraceContext):
    """Tracing is not carried through this host."""

    trace_state = ""
    trace_parent = ""
    attributes: dict[str, str] = {}  # noqa: RUF012  the abstract class has a property here; never written to


class _Context(func.Context):
    """What a function asks for with a parameter named `context`."""

    def __init__(self, name: str, invocation_id: str) -> None:
        self._name = name
        self._id = invocation_id

    @property
    def invocation_id(self) -> str:
        return self._id

    @property
    def thread_local_storage(self) -> Any:
        return _LOCAL

    @property
    def function_name(self) -> str:
        return self._name

    @property
    def function_directory(self) -> str:
        return ""

    @property
    def trace_context(self) -> func._abc.TraceContext:
        return _TraceContext()

    @property
    def retry_context(self) -> Any:
        return None


_LOCAL = threading.local()


class Invoker:
    """Calls one function: decodes what its bindings bring, awaits or threads it, encodes what it returns."""

    def __init__(
        self, function: Function, pool: ThreadPoolExecutor, timeout: timedelta | None, client: Callable[[], str]
    ) -> None:
        self.function = function
        self._pool = pool
        self._timeout = timeout.total_seconds() if timeout else None
        self._client = client
        self._clients = [binding.name for binding in function.bindings if binding.type == "durableClient"]
        self._decode = _CONVERTERS.get(function.trigger.type).decode
        self._encode = self._output(function)

    @staticmethod
    def _output(function: Function) -> Callable[..., Any] | None:
        explicit = next((binding for binding in function.bindings if binding.name == RETURN), None)
        if explicit is not None:
            return _CONVERTERS.get(explicit.type).encode  # type: ignore[no-any-return]  # untyped registry
        converter = _CONVERTERS.get(function.trigger.type)
        return converter.encode if converter.has_implicit_output() else None

    async def __call__(self, trigger: meta.Datum, invocation_id: str | None = None) -> Any:
        """Run the function on the datum of its trigger and return the datum of its result, if it has one.

        Raises what the function raises, and `FunctionTimeout`.
        """
        result = await self._bounded(self._arguments(trigger, invocation_id))
        if self._encode is not None:
            return self._encode(result, expected_type=None)
        if result is not None:
            raise TypeError(f"function {self.function.name!r} returned a value, but has no binding for it")
        return None

    def _arguments(self, trigger: meta.Datum, invocation_id: str | None) -> dict[str, Any]:
        arguments = {self.function.trigger.name: self._decode(trigger, trigger_metadata={})}
        for name in self._clients:
            arguments[name] = self._client()
        if self.function.wants_context:
            arguments[CONTEXT] = _Context(self.function.name, invocation_id or str(uuid.uuid4()))
        return arguments

    async def _bounded(self, arguments: dict[str, Any]) -> Any:
        if self._timeout is None:
            return await self._start(arguments)
        # Not asyncio.timeout: it would also take a TimeoutError of the function's own for ours.
        task = asyncio.current_task()
        expired = False

        def expire() -> None:
            nonlocal expired
            expired = True
            if task is not None:
                task.cancel()

        alarm = asyncio.get_running_loop().call_later(self._timeout, expire)
        try:
            return await self._start(arguments)
        except asyncio.CancelledError:
            if not expired or (task is not None and task.uncancel() > 0):
                raise
            raise FunctionTimeout(f"{self.function.name} ran over functionTimeout, {self._timeout:g} s") from None
        finally:
            alarm.cancel()

    def _start(self, arguments: dict[str, Any]) -> Awaitable[Any]:
        if self.function.is_async:
            return self.function.call(**arguments)  # type: ignore[no-any-return]  # a user's coroutine
        call = functools.partial(contextvars.copy_context().run, self.function.call, **arguments)
        return asyncio.get_running_loop().run_in_executor(self._pool, call)


def silence_codec_notices() -> None:
    """Mark the SDK's once-only notices as given.

    They advise passing an expected type where activity input is decoded, which no host can do (azure-functions
    1.26.0), and as warnings they would turn into errors in a strict test run.
    """
    durable_codec._no_expected_type_notice_emitted = True
    durable_codec._loose_codec_notice_emitted = True


def json_datum(value: object) -> meta.Datum:
    """A datum of JSON text."""
    return meta.Datum(json.dumps(value), "json")
