"""host.json, of each profile: what it names is set, and its limits are those that the design counts on."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from infra import package
from infra.checks.project import MAIN, Finding, Project
from infra.checks.template import Template

CHECK: Final = "host"
_VARIABLE: Final = re.compile(r"%(\w+)%")
#: What every profile must say, by names with dots between.
FIXED: Final = {
    "version": "2.0",
    "extensionBundle.id": "Microsoft.Azure.Functions.ExtensionBundle",
    "extensions.http.routePrefix": "",
    "extensions.durableTask.hubName": "%TASKHUB_NAME%",
    "extensions.durableTask.maxConcurrentActivityFunctions": 200,
}
#: The bundle that has the Durable Task Scheduler's backend, and the next that may break things.
_BUNDLE: Final = re.compile(r"\[4\.(\d+)\.\d+, 5\.0\.0\)")
_FIRST_BUNDLE: Final = 31
#: What each backend must say of itself.
BACKENDS: Final = {"azureStorage": "partitionCount", "azureManaged": "connectionStringName"}
_LONGEST: Final = "00:30:00"


def profiles(project: Project) -> dict[str, Any]:
    """The host files with an extension for Durable, by their paths."""
    found = {}
    for path, text in project.files.items():
        if path.endswith(".json") and '"durableTask"' in text and "/checks/" not in path:
            found[path] = json.loads(text)
    return found


def variables(project: Project) -> set[str]:
    """The settings that host files name, as `%NAME%` or as the name of a connection string."""
    names = {name for path in profiles(project) for name in _VARIABLE.findall(project.files[path])}
    connections = {
        _at(profile, "extensions.durableTask.storageProvider.connectionStringName")
        for profile in profiles(project).values()
    }
    return names | {name for name in connections if isinstance(name, str)}


def check(project: Project) -> Iterator[Finding]:
    """What a profile lacks or says otherwise, and where the profiles differ in more than their backend."""
    found = profiles(project)
    if "host.json" not in found:
        yield Finding(CHECK, "host.json", "there is no host.json with Durable in it")
    for path, profile in found.items():
        yield from _profile(path, profile)
        other = {**profile, "extensions": _without_backend(profile)}
        base = found.get("host.json", profile)
        if other != {**base, "extensions": _without_backend(base)}:
            yield Finding(CHECK, path, "differs from host.json in more than its storage provider")
    if len(kinds := [_at(one, "extensions.durableTask.storageProvider.type") for one in found.values()]) != len(
        set(kinds)
    ):
        yield Finding(CHECK, "host.json", f"two profiles have one backend: {kinds}")


def check_package(project: Project, templates: dict[str, Template], root: Path) -> Iterator[Finding]:
    """The package has parts that exist, and for each backend of the template the host file that names it."""
    main = templates.get(MAIN)
    choice = None if main is None else main.named("durableBackend")
    if choice is not None and set(choice.allowed) != package.HOSTS.keys():
        yield Finding(
            CHECK, MAIN, f"durableBackend is one of {choice.allowed}, and of {sorted(package.HOSTS)} in package.py"
        )
    for backend, path in package.HOSTS.items():
        kind = _at(profiles(project).get(path), "extensions.durableTask.storageProvider.type")
        if kind != backend:
            yield Finding(CHECK, path, f"is packaged for {backend}, and is for {kind}")
    for part in package.PARTS:
        if not (root / part).exists():
            yield Finding(CHECK, "infra/package.py", f"{part} is packaged and is not there")


def _profile(path: str, profile: Any) -> Iterator[Finding]:
    for name, value in FIXED.items():
        if _at(profile, name) != value:
            yield Finding(CHECK, path, f"{name} is {_at(profile, name)!r} and should be {value!r}")
    bundle = _BUNDLE.fullmatch(str(_at(profile, "extensionBundle.version")))
    if bundle is None or int(bundle[1]) < _FIRST_BUNDLE:
        yield Finding(CHECK, path, f"the extension bundle must be [4.{_FIRST_BUNDLE}.0, 5.0.0) or a later 4")
    if str(_at(profile, "functionTimeout")) > _LONGEST:
        yield Finding(CHECK, path, f"functionTimeout is over {_LONGEST}")
    provider = _at(profile, "extensions.durableTask.storageProvider") or {}
    needs = BACKENDS.get(str(provider.get("type")))
    if needs is None or needs not in provider:
        yield Finding(CHECK, path, f"the storage provider {provider.get('type')} is not known or lacks {needs}")


def _without_backend(profile: Any) -> Any:
    extensions = profile.get("extensions", {})
    durable = {name: value for name, value in extensions.get("durableTask", {}).items() if name != "storageProvider"}
    return {**extensions, "durableTask": durable}


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
