"""The app's functions as the worker has them, and calls of them without a host."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from local.host import indexing
from local.host.durable.binding import Addresses
from local.host.indexing import Function
from shared import bootstrap
from shared.config import Settings

ROOT = Path(__file__).parents[3]

#: Ids that are well-formed and name nothing.
_IDS = {
    "swarm_id": "0123456789abcdef",
    "node_id": "0",
    "question_id": "0-0.0",
    "artifact_id": "0-0",
    "memory_id": "user-0123456789abcdef",
    "action_id": "magic.conjure",
    "schedule_id": "0123456789abcdef",
    "key_id": "ss-0123456789ab",
    "user_id": "u-0123456789abcdef",
    "hook_id": "0123456789abcdef0123456789abcdef",
}
_CLIENT = Addresses("http://127.0.0.1:9", "hub", "k" * 16, "rpc").client()


def functions(kind: str) -> dict[str, Function]:
    """The app's functions with a trigger of a kind, by name."""
    return {function.name: function for function in indexing.load(ROOT) if function.trigger.type == kind}


def request(
    function: Function,
    method: str,
    *,
    origin: str = "http://127.0.0.1:7071",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
) -> func.HttpRequest:
    """A request to a route, with an id wherever the route has one."""
    path = function.trigger.properties["route"].format(**_IDS)
    return func.HttpRequest(
        method, f"{origin}/{path}", headers=headers or {}, params={}, route_params=dict(_IDS), body=body
    )


async def call(function: Function, req: func.HttpRequest) -> func.HttpResponse:
    """What the function answers; its durable client reaches nobody."""
    clients = {binding.name: _CLIENT for binding in function.bindings if binding.type == "durableClient"}
    answer: func.HttpResponse = await function.call(**{function.trigger.name: req}, **clients)
    return answer


@asynccontextmanager
async def bootstrapped(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> AsyncIterator[None]:
    """The app wired with other settings, and nothing of it left behind."""
    parts: dict[str, Any] = {name: part for name, part in vars(bootstrap).items() if hasattr(part, "cache_clear")}
    for part in parts.values():
        part.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(bootstrap, "settings", lambda: settings)
        yield
        for name in ("store", "model"):
            if parts[name].cache_info().currsize:
                await parts[name]().close()
    for part in parts.values():
        part.cache_clear()
