"""Finds the functions of an app: imports `function_app.py` and reads its bindings as the Azure worker does."""

import importlib
import inspect
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from azure.functions import FunctionRegister

from local.host.logs import log

MODULE = "function_app"
#: Trigger and binding types this host serves. What is not here is refused at index time.
TRIGGERS = frozenset({"httpTrigger", "timerTrigger", "orchestrationTrigger", "activityTrigger"})
BINDINGS = TRIGGERS | {"http", "durableClient"}
#: A parameter of this name that is no binding gets the invocation's context.
CONTEXT = "context"
RETURN = "$return"


class IndexingError(Exception):
    """The app cannot be loaded; the message names the function and says what to change."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One entry of a function's binding list."""

    type: str
    name: str
    properties: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the app: what starts it and what to call."""

    name: str
    call: Callable[..., Any]
    trigger: Binding
    bindings: tuple[Binding, ...]
    is_async: bool
    wants_context: bool

    @property
    def durable_name(self) -> str:
        """The name orchestrations use for it: the trigger's alias, or else the function's name."""
        alias = self.trigger.properties.get("orchestration") or self.trigger.properties.get("activity")
        return str(alias or self.name)


def load(root: Path) -> list[Function]:
    """Import `root/function_app.py` and return its functions.

    Raises `IndexingError` for what cannot run here, and whatever the app itself raises on import.
    """
    module = _import(root)
    apps = [value for value in vars(module).values() if isinstance(value, FunctionRegister)]
    if len({id(app) for app in apps}) != 1:
        raise IndexingError(f"{root / MODULE}.py must define exactly one app; it defines {len(apps)}")
    # Asking an app twice raises: it remembers the names it has handed out.
    found = getattr(module, "__host_functions__", None) or apps[0].get_functions()
    vars(module)["__host_functions__"] = found
    functions = [_read(function) for function in found]
    _check_durable_names(functions)
    return functions


def _import(root: Path) -> ModuleType:
    path = (root / f"{MODULE}.py").resolve()
    if not path.is_file():
        raise IndexingError(f"there is no {MODULE}.py in {root.resolve()}; say --root DIR")
    loaded = sys.modules.get(MODULE)
    if loaded is not None and getattr(loaded, "__file__", None) == str(path):
        return loaded
    sys.modules.pop(MODULE, None)
    folder = str(path.parent)
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    return importlib.import_module(MODULE)


def _read(function: Any) -> Function:
    name = function.get_function_name()
    bindings = tuple(_read_binding(text) for text in function.get_raw_bindings())
    for binding in bindings:
        if binding.type not in BINDINGS:
            raise IndexingError(f"function {name!r}: this host does not serve {binding.type!r} bindings")
    trigger = next((binding for binding in bindings if binding.type in TRIGGERS), None)
    if trigger is None:
        raise IndexingError(f"function {name!r} has no trigger")
    call = function.get_user_function()
    parameters = set(inspect.signature(call).parameters)
    names = {binding.name for binding in bindings} - {RETURN}
    wants_context = CONTEXT in parameters - names and trigger.type != "orchestrationTrigger"
    _check_parameters(name, parameters - ({CONTEXT} if wants_context else set()), names)
    found = Function(name, call, trigger, bindings, inspect.iscoroutinefunction(call), wants_context)
    _check_callable(found)
    if function.get_settings_dict("retry_policy"):
        log.warning("function %s: this host does not apply its retry policy", name)
    return found


def _read_binding(text: str) -> Binding:
    properties = json.loads(text)
    return Binding(properties["type"], properties["name"], properties)


def _check_parameters(name: str, parameters: set[str], names: set[str]) -> None:
    if parameters != names:
        raise IndexingError(
            f"function {name!r}: its parameters {sorted(parameters)} and its bindings {sorted(names)} differ"
            + ("; an orchestration's context_name must be 'context'" if "context" in parameters - names else "")
        )


def _check_callable(function: Function) -> None:
    """Refuse what the durable SDK 1.7.0 would fail on only when it is called."""
    for binding in function.bindings:
        inner = getattr(function.call, "client_function", None)
        if binding.type == "durableClient" and inner is not None and not inspect.iscoroutinefunction(inner):
            raise IndexingError(f"function {function.name!r}: with a durable client it must be `async def`")
    inner = getattr(function.call, "orchestrator_function", None)
    if inner is not None and inspect.iscoroutinefunction(inner):
        raise IndexingError(f"function {function.name!r}: an orchestrator is a generator, not `async def`")


def _check_durable_names(functions: list[Function]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for function in functions:
        if function.trigger.type in {"orchestrationTrigger", "activityTrigger"}:
            if function.durable_name != function.call.__name__:
                # The SDK's call_activity(function) sends the name of the `def`, which would then not be found.
                log.warning("call %s by its durable name %r, a text", function.call.__name__, function.durable_name)
            key = (function.trigger.type, function.durable_name.casefold())
            if key in seen:
                raise IndexingError(
                    f"functions {seen[key]!r} and {function.name!r} have the same durable name; case does not count"
                )
            seen[key] = function.name
