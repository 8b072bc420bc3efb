"""CPython compiled to WebAssembly: the embedded default. It needs wheels and a folder that the set-up prepares."""

import platform
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from shared.adapters.sandboxes.installation import Installation
from shared.adapters.sandboxes.landlock import readable_places
from shared.adapters.sandboxes.local import LocalSandbox
from shared.adapters.sandboxes.work_folder import WorkFolder
from shared.errors import InvalidInput
from shared.sandbox.commands import python_arguments
from shared.sandbox.modules import KnownModules
from shared.sandbox.port import RunRequest, Traits

#: Modules of the standard library that the component lacks.
_LACKING = frozenset(
    {"bz2", "lzma", "ctypes", "multiprocessing", "curses", "readline", "tkinter", "mmap", "fcntl", "pwd"}
)
_ENVIRONMENT = {
    "PATH": "/usr/bin",
    "HOME": "/tmp",  # noqa: S108  a folder of the program's own
    "TMPDIR": "/tmp",  # noqa: S108
    "USER": "sandbox",
    "LANG": "C.UTF-8",
    "PYTEST_ADDOPTS": "--capture=sys -p no:faulthandler -p no:cacheprovider",
}


def this_platform() -> str:
    """Names what a compiled component runs on: `linux-x86_64`."""
    return f"{sys.platform}-{platform.machine().lower()}"


class WasmWorkers:
    """How workers of this engine are started and asked."""

    module = "wasm_worker"

    def __init__(self, installation: Installation) -> None:
        if fault := installation.fault(this_platform()):
            raise InvalidInput(f"the sandbox in {installation.folder} cannot be used: {fault}; run `make sandbox`")
        self._installation = installation
        self.known = KnownModules(
            approved=frozenset(name for package in installation.manifest.packages for name in package.modules),
            lacking=_LACKING.union(
                *(package.modules for package in installation.manifest.packages if package.compiled is not None)
            ),
        )

    def traits(self, isolation: str) -> Traits:
        """The engine, as a worker that is kept in by `isolation`."""
        manifest = self._installation.manifest
        versions = {"python": manifest.python, "wasmtime": manifest.wasmtime}
        return Traits("wasm", isolation, versions, threads=False, other_programs=False, compiled_packages=False)

    def told(self, folder: Path, file_size: int) -> Mapping[str, Any]:
        """What a worker needs to start."""
        import wasmtime  # not loaded where it is not used

        places = [*sysconfig.get_paths().values(), sys.base_prefix, str(Path(wasmtime.__file__).parent)]
        places += [str(Path(__file__).resolve().parents[3] / "shared"), str(self._installation.folder)]
        places += ["/lib", "/lib64", "/usr/lib", "/etc/ld.so.cache"]
        return {
            "component": str(self._installation.component),
            "library": str(self._installation.library),
            "packages": str(self._installation.packages),
            "readable": readable_places(places),
            "writable": [str(folder)],
            "file_size": file_size,
        }

    def request(self, request: RunRequest, folder: WorkFolder) -> Mapping[str, Any]:
        """What a worker needs to run a program."""
        limits = asdict(request.limits)
        return {
            "arguments": list(python_arguments(request.command)),
            "environment": _ENVIRONMENT,
            "work": str(folder.work),
            "tmp": str(folder.tmp),
            "dev": str(folder.dev),
            "stdin": str(folder.stdin),
            **{name: limits[name] for name in ("seconds", "memory", "output")},
        }


def wasm_sandbox(installation: Installation, workers: int) -> LocalSandbox:
    """A sandbox of this engine; raises `InvalidInput` if the installation cannot be used here."""
    return LocalSandbox(WasmWorkers(installation), workers)
