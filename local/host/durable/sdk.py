"""The only code that touches the durable SDK. It is pinned: each place names what of 1.7.0 it depends on."""

import asyncio
import functools
import importlib
import json
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import azure.functions as func

from local.host.durable.protocol import REPLAYED, clean, encode
from local.host.logs import log

_ENVELOPE = "\n\n$OutOfProcData$:"
_TRACE_LIMIT = 4000


@dataclass(frozen=True, slots=True)
class Reply:
    """What an orchestrator answers after a replay."""

    done: bool = False
    actions: list[dict[str, Any]] = field(default_factory=list)
    #: JSON text, or None for no output.
    output: str | None = None
    error: str | None = None
    trace: str = ""
    custom_status: Any = None
    #: The error did not come from the orchestrator's code, so the reply says nothing about its actions.
    broken: bool = False


def replay(handle: Callable[[Any], str], context: str) -> Reply:
    """Run an orchestrator's `handle` on a context text."""
    try:
        return _read(handle(func.OrchestrationContext(context)), "")
    except Exception as error:  # noqa: BLE001  the SDK wraps whatever the orchestrator raises in a bare Exception
        message, label, state = str(error).rpartition(_ENVELOPE)
        if not label:
            return Reply(error=_describe(error), trace=_trace(error), broken=True)
        return _read(state, _trace(error.__cause__ or error), message)


def prepare() -> None:
    """Import the SDK and make two things in it quick that most of a replay's time goes into otherwise.

    It reads every timestamp with a parser that guesses the format, and makes the same named tuple class anew for
    every replay. The results stay the same.
    """
    importlib.import_module("azure.durable_functions")
    models = "azure.durable_functions.models"
    _quicken(f"{models}.history.HistoryEvent", "dt_parse", _quick_parser)
    _quicken(f"{models}.TaskOrchestrationExecutor", "namedtuple", functools.lru_cache)


def _quicken(module_name: str, name: str, make: Callable[[Any], Any]) -> None:
    # By its name in sys.modules: as an attribute path it resolves to the class of the same name.
    module = sys.modules.get(module_name)
    original = getattr(module, name, None)
    if module is None or original is None:
        log.warning("this version of azure-functions-durable replays slowly; 1.7.0 is known to work")
    elif not hasattr(original, "__wrapped__"):
        vars(module)[name] = functools.update_wrapper(make(original), original)


async def close_session() -> None:
    """Close the HTTP session the SDK's clients share; it is bound to one loop and never recovers on another."""
    module = importlib.import_module("azure.durable_functions.models.utils.http_utils")
    await module._close_session()
    vars(module)["_session_lock"] = asyncio.Lock()


def _quick_parser(original: Callable[[str], datetime]) -> Callable[[str], datetime]:
    """The parser in place of `original`: the same result, sooner, for texts in this host's own format."""
    zone = original("2000-01-01T00:00:00.000000Z").tzinfo
    read = datetime.fromisoformat

    def parse(text: str) -> datetime:
        if len(text) == 27 and text[-1] == "Z":
            return read(text[:-1]).replace(tzinfo=zone)
        return original(text)

    return parse


def _read(text: str, trace: str, message: str | None = None) -> Reply:
    state = json.loads(text)
    error = state.get("error", message)
    return Reply(
        done=state["isDone"],
        actions=state["actions"][0] if state["actions"] else [],
        output=finite_json(state["output"]) if "output" in state else None,
        error=clean(error) if error is not None else None,
        trace=trace,
        custom_status=state.get("customStatus"),
    )


def finite_json(value: Any) -> str:
    """JSON text of a value; NaN and infinities, which Python's JSON has and others' has not, become null."""
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return encode(json.loads(encode(value), parse_constant=lambda _: None))


def _describe(error: BaseException) -> str:
    return clean(f"{type(error).__name__}: {error}")


def _trace(error: BaseException) -> str:
    return clean("".join(traceback.format_exception(error))[-_TRACE_LIMIT:])


def project(events: str) -> str:
    """Of stored events, joined by commas, those that are replayed."""
    kept = [item for item in json.loads(f"[{events}]") if item["EventType"] in REPLAYED]
    return ",".join(map(encode, kept))
