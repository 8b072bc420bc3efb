"""Modules that a run lacked: what its output names and its files import, and whether a deployment could have it."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from shared.sandbox.known_packages import KNOWN
from shared.sandbox.port import MissingKind, MissingModule, RunRequest

#: Modules that are named, at most.
MOST = 20
_MESSAGE: Final = re.compile(r"^(?:E +)?(?:ModuleNotFoundError|ImportError): No module named '?([A-Za-z_][\w.]*)", re.M)
#: What `python -m` says of a module that is not there.
_NO_MAIN: Final = re.compile(r": No module named ([A-Za-z_][\w.]*)$", re.M)
_IMPORT: Final = re.compile(rb"^[ \t]*(?:import|from)[ \t]+([A-Za-z_][\w.]*(?:[ \t]*,[ \t]*[A-Za-z_][\w.]*)*)", re.M)
_REQUIREMENT: Final = re.compile(r"""^[ \t"']*([A-Za-z][A-Za-z0-9._-]*)""", re.M)
_MANIFESTS: Final = ("requirements.txt", "requirements-dev.txt", "pyproject.toml", "setup.cfg", "Pipfile")
#: Bytes that are read of one file, to find what it imports.
_READ: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class KnownModules:
    """The top-level modules that a deployment knows of."""

    #: Of its list of packages.
    approved: frozenset[str] = frozenset()
    #: Of the standard library or its list, that the engine cannot have.
    lacking: frozenset[str] = frozenset()


def find_missing(request: RunRequest, output: str, known: KnownModules) -> tuple[MissingModule, ...]:
    """Name the modules that the program could not import.

    The output must say so, and the program must import the module or be started by its name: output alone could say
    anything. A module that lies among the files is not missing, but imported from the wrong place.
    """
    named = {match.partition(".")[0] for match in (*_MESSAGE.findall(output), *_NO_MAIN.findall(output))}
    if not named:
        return ()
    wanted = set(_imported(request)) | set(_started(request.command))
    public = {name.lstrip("_") if name.lstrip("_") in sys.stdlib_module_names else name for name in named}
    found = [MissingModule(name, kind) for name in sorted(public) if (kind := _kind(name, wanted, request, known))]
    return tuple(found[:MOST])


def _kind(name: str, wanted: set[str], request: RunRequest, known: KnownModules) -> MissingKind | None:
    if name in known.lacking or (name in wanted and name in sys.stdlib_module_names | known.approved):
        return "not_here"
    if name not in wanted or _own(name, request):
        return None
    declared = {requirement.lower().replace("-", "_") for requirement in _declared(request)}
    return "not_approved" if name in KNOWN or name.lower() in declared else "unknown"


def _imported(request: RunRequest) -> Iterator[str]:
    for path, content in request.files.items():
        if path.endswith(".py"):
            for names in _IMPORT.findall(content[:_READ]):
                for name in names.split(b","):
                    yield name.strip().partition(b".")[0].decode()
    for argument in request.command[1:]:
        for names in _IMPORT.findall(argument.encode()):
            yield from (name.strip().partition(b".")[0].decode() for name in names.split(b","))


def _started(command: tuple[str, ...]) -> Iterator[str]:
    for option, value in pairwise(command):
        if option == "-m":
            yield value.partition(".")[0]
    if command[0] in ("pytest", "flask"):
        yield command[0]


def _own(name: str, request: RunRequest) -> bool:
    parts = {part for path in request.files for part in path.split("/")}
    return name in parts or f"{name}.py" in parts


def _declared(request: RunRequest) -> Iterator[str]:
    """Names of packages that the project's own manifests hold, as far as a line begins with one."""
    for path, content in request.files.items():
        if path.rpartition("/")[2] in _MANIFESTS:
            yield from _REQUIREMENT.findall(content[:_READ].decode("utf-8", "replace"))
