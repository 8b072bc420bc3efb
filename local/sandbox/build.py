"""Prepares an installation of the sandbox, once for each list of packages and version of its parts."""

import asyncio
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from local.models.cache import locked, require_space
from local.sandbox.components import GUEST, compile_component, compile_modules, make_component, unpack_library
from local.sandbox.packages import describe, install, package_list
from shared.adapters.sandboxes.installation import MANIFEST, Installation, Manifest
from shared.adapters.sandboxes.wasm import this_platform
from shared.adapters.sandboxes.wasm_worker import Machine
from shared.errors import InvalidInput

#: Bytes that preparing one takes for a while.
_ROOM = 400 << 20
#: Seconds to wait for another process that prepares the same one.
_WAIT = 900.0
_KEY = 16
#: Seconds after which an installation that nobody asked for is removed.
_KEPT = 30 * 86_400

Say = Callable[[str], None]


def sandbox_cache() -> Path:
    """`$SWARMSTAR_CACHE/sandbox`, or `~/.cache/swarmstar/sandbox`."""
    root = os.environ.get("SWARMSTAR_CACHE")
    return (Path(root).expanduser() if root else Path.home() / ".cache" / "swarmstar") / "sandbox"


def installation_folder() -> Path:
    """Where the installation lies, or would lie, that fits this checkout, its list of packages and this machine."""
    found = hashlib.sha256()
    sources = sorted(path for path in Path(__file__).parent.rglob("*") if path.suffix in (".py", ".wit"))
    listed = package_list()
    for path in [*sources, *([listed] if listed.is_file() else [])]:
        found.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    parts = [version("wasmtime"), version("componentize-py"), this_platform(), ".".join(map(str, sys.version_info[:2]))]
    found.update("\0".join(parts).encode())
    return sandbox_cache() / found.hexdigest()[:_KEY]


def installed() -> Installation | None:
    """The installation if it is there."""
    try:
        return Installation.open(installation_folder())
    except InvalidInput:
        return None


async def prepare(say: Say) -> Installation:
    """The installation, made if it is not there; raises `Unavailable` and `InvalidInput` that say what to do."""
    folder = installation_folder()
    if (there := installed()) is not None:
        (folder / MANIFEST).touch()
        return there
    folder.parent.mkdir(parents=True, exist_ok=True)
    async with locked(folder.with_suffix(".lock"), _WAIT):
        if (there := installed()) is not None:
            return there
        require_space(folder.parent, _ROOM)
        say("Setting up the sandbox (once, about half a minute) ...")
        draft = folder.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        await asyncio.to_thread(_make, draft)
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
        _remove_old(folder.parent)
    return Installation.open(folder)


def _remove_old(cache: Path) -> None:
    for manifest in cache.glob(f"*/{MANIFEST}"):
        if manifest.stat().st_mtime < time.time() - _KEPT:
            shutil.rmtree(manifest.parent, ignore_errors=True)


def _make(draft: Path) -> None:
    listed = package_list()
    draft.mkdir(mode=0o700)
    packages, library, native = draft / "packages", draft / "python", draft / "packages-native"
    made, compiled = draft / "sandbox.wasm", draft / "sandbox.cwasm"
    with ThreadPoolExecutor() as pool:
        others = [pool.submit(unpack_library, library)]
        if sys.platform == "linux":
            others.append(pool.submit(install, listed, native, native=True))
        install(listed, packages, native=False)
        described = describe(packages)
        make_component("sandbox", "swarmstar_main", [packages, GUEST], made)
        compile_component(made, compiled)
        for other in others:
            other.result()
    made.unlink()
    machine = Machine(str(compiled), str(library), str(packages))
    compile_modules(machine, packages, "/0")
    python = compile_modules(machine, library, "/python")
    manifest = Manifest(platform=this_platform(), wasmtime=version("wasmtime"), python=python, packages=described)
    (draft / MANIFEST).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")
