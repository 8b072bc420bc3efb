"""Makes the WebAssembly component, compiles it for this machine, and takes out the standard library it needs."""

import io
import platform
import subprocess
import sys
import time
import zipfile
from base64 import b64decode
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from shared.adapters.sandboxes.wasm_worker import Machine, Run, engine_config
from shared.errors import Unavailable

GUEST = Path(__file__).with_name("guest")
_SECONDS = 600
_MEMORY = 1 << 30
_PIECE = 3 << 20
#: Byte-compiles the working directory for the place where programs see it, with marks that are not checked later.
_COMPILE = """
import compileall, py_compile, sys
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
compileall.compile_dir('/work', quiet=2, stripdir='/work', prependdir=sys.argv[1], invalidation_mode=mode)
print(sys.version.split()[0])
"""


def make_component(world: str, application: str, folders: list[Path], output: Path) -> None:
    """Make a component of an application; raises `Unavailable` with what componentize-py said."""
    program = which("componentize-py", path=str(Path(sys.executable).parent)) or which("componentize-py")
    if program is None:
        raise Unavailable("componentize-py is not installed: run `make setup`")
    paths = [option for folder in folders for option in ("-p", str(folder))]
    command = [program, "-q", "-d", str(GUEST / f"{world}.wit"), "-w", world, "--world-module", "swarmstar_world"]
    done = subprocess.run(  # noqa: S603
        [*command, "componentize", *paths, application, "-o", str(output)],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        raise Unavailable(f"componentize-py could not make the sandbox: {done.stderr.strip()[:600]}")


def unpack_library(target: Path) -> None:
    """Fill a folder with the component's standard library, which a component of its own hands out."""
    import wasmtime
    from wasmtime import component as wasm_component

    with TemporaryDirectory(prefix="swarmstar-library-") as folder:
        made = Path(folder) / "library.wasm"
        make_component("library", "swarmstar_library", [GUEST], made)
        engine = wasmtime.Engine()
        linker = wasm_component.Linker(engine)
        linker.add_wasip2()
        store = wasmtime.Store(engine)
        store.set_wasi(wasmtime.WasiConfig())
        instance = linker.instantiate(store, wasm_component.Component.from_file(engine, str(made)))
        size, part = instance.get_func(store, "size"), instance.get_func(store, "part")
        assert size is not None
        assert part is not None
        pieces = [b64decode(part(store, start, start + _PIECE)) for start in range(0, int(size(store)), _PIECE)]
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        archive.extractall(target)


def compile_component(component: Path, output: Path) -> None:
    """Compile it for this machine's kind of processor, so that the result can be copied to another of that kind."""
    import wasmtime
    from wasmtime import component as wasm_component

    config = engine_config()
    if sys.platform == "linux":
        config.target = f"{platform.machine()}-unknown-linux-gnu"
    output.write_bytes(wasm_component.Component.from_file(wasmtime.Engine(config), str(component)).serialize())


def compile_modules(machine: Machine, folder: Path, place: str) -> str:
    """Byte-compile a folder's modules with the component's own Python, for where programs see it; Python's version."""
    written: list[bytes] = []

    def keep(piece: bytes) -> int:
        written.append(piece)
        return len(piece)

    with TemporaryDirectory(prefix="swarmstar-compile-") as spare:
        (Path(spare) / "stdin").touch()
        for name in ("tmp", "dev"):
            (Path(spare) / name).mkdir()
        run = Run(
            arguments=["-c", _COMPILE, place],
            environment={},
            work=str(folder),
            tmp=f"{spare}/tmp",  # noqa: S108
            dev=f"{spare}/dev",
            stdin=f"{spare}/stdin",
            seconds=_SECONDS,
            memory=_MEMORY,
            output=1 << 20,
            deadline=time.monotonic() + _SECONDS,
        )
        machine.running.set()
        code, stopped = machine.execute(run, keep, keep)
        machine.running.clear()
    said = b"".join(written).decode()
    if code != 0:
        raise Unavailable(f"the sandbox's Python could not compile {folder.name}: {stopped or said[-600:]}")
    return said.split()[-1]
