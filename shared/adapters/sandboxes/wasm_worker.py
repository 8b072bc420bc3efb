"""A worker process: runs programs in the WebAssembly component, one after the other, each in a fresh instance.

Requests come on the standard input as JSON lines, frames go to the standard output. The process confines itself first
where the kernel can, and ends when its standard input does. Standard library and wasmtime only.
"""

import json
import math
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from shared.adapters.sandboxes.capture import Capture, most_written
from shared.adapters.sandboxes.frames import READY, RESULT, STDERR, STDOUT, write_frame

if TYPE_CHECKING:
    import wasmtime

#: Seconds between two looks at the clock by a program that runs.
_TICK = 0.02
_STACK = 1_900 << 10
_EXIT = "Exited with i32 exit status "
#: Child programs of a run, how deep they start each other, and bytes kept of what each writes.
_CHILDREN, _CHILD_DEPTH, _CHILD_OUTPUT = 50, 2, 1 << 20
_BROKEN_PIPE = -32


@dataclass(slots=True)
class Run:
    """One run, as the app asks for it."""

    arguments: list[str]
    environment: dict[str, str]
    #: Folders of the host: where the program works, its temporary files, its devices, its standard input.
    work: str
    tmp: str
    dev: str
    stdin: str
    seconds: float
    memory: int
    output: int
    folder: str = "/work"
    deadline: float = 0.0
    depth: int = 0
    children: int = field(default=0)


def engine_config() -> "wasmtime.Config":
    """How components are compiled and run; the same for both, or what was compiled is refused."""
    import wasmtime

    config = wasmtime.Config()
    config.epoch_interruption = True
    config.max_wasm_stack = _STACK
    return config


class Machine:
    """The compiled component, and what it takes to instantiate it."""

    def __init__(self, component: str, library: str, packages: str) -> None:
        import wasmtime
        from wasmtime import component as wasm_component

        self._wasmtime, self._component_api = wasmtime, wasm_component
        self.engine = wasmtime.Engine(engine_config())
        self._component = wasm_component.Component.deserialize_file(self.engine, component)
        self._mounts = ((library, "/python"), (packages, "/0"))
        self.running = threading.Event()
        threading.Thread(target=self._tick, daemon=True).start()

    def _tick(self) -> None:
        while self.running.wait():
            time.sleep(_TICK)
            self.engine.increment_epoch()

    def execute(
        self, run: Run, stdout: Callable[[bytes], int], stderr: Callable[[bytes], int]
    ) -> tuple[int | None, str]:
        """Run a program to its end: its exit code, or None and what stopped it."""
        store = self._store(run, stdout, stderr)
        linker = self._component_api.Linker(self.engine)
        linker.add_wasip2()
        with linker.root() as root:
            root.add_func("run-child", lambda _store, request: self._answer(run, request))
        try:
            instance = linker.instantiate(store, self._component)
            entry = instance.get_func(store, "run")
            assert entry is not None
            asked = {"arguments": run.arguments, "environment": run.environment, "folder": run.folder}
            answer = entry(store, json.dumps(asked | {"path": ["/0", "/python"]}))
            return int(json.loads(answer)["exit_code"]), ""
        except self._wasmtime.WasmtimeError as error:
            return _ending(str(error))

    def _store(self, run: Run, stdout: Callable[[bytes], int], stderr: Callable[[bytes], int]) -> "wasmtime.Store":
        wasi = self._wasmtime.WasiConfig()
        wasi.argv = ["python"]
        wasi.env = []
        for host, guest in self._mounts:
            wasi.preopen_dir(host, guest, False)
        for host, guest in ((run.work, "/work"), (run.tmp, "/tmp"), (run.dev, "/dev")):  # noqa: S108
            wasi.preopen_dir(host, guest, True)
        wasi.stdin_file = run.stdin
        wasi.stdout_custom = stdout
        wasi.stderr_custom = stderr
        store = self._wasmtime.Store(self.engine)
        store.set_wasi(wasi)
        store.set_limits(memory_size=run.memory)
        store.set_epoch_deadline(max(1, math.ceil((run.deadline - time.monotonic()) / _TICK)))
        return store

    def _answer(self, parent: Run, request: str) -> str:
        """Run what a program asks for; what makes no sense is a child that fails."""
        try:
            return self._run_child(parent, request)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError, OSError) as error:
            return _child_answer(1, b"", f"sandbox: {type(error).__name__}\n".encode())

    def _run_child(self, parent: Run, request: str) -> str:
        """Run a child program over the same folders; its output goes back to the program that started it."""
        parent.children += 1
        if parent.children > _CHILDREN or parent.depth >= _CHILD_DEPTH:
            return _child_answer(1, b"", b"sandbox: too many child programs\n")
        asked = json.loads(request)
        timeout = asked["timeout"] if isinstance(asked["timeout"], int | float) else math.inf
        with _input_file(parent, asked["stdin"].encode("latin-1")) as stdin:
            child = Run(
                [str(one) for one in asked["arguments"]],
                {str(name): str(value) for name, value in asked["environment"].items()},
                parent.work, parent.tmp, parent.dev, stdin, parent.seconds, parent.memory, _CHILD_OUTPUT,
                folder=str(asked["folder"]),
                deadline=min(parent.deadline, time.monotonic() + timeout),
                depth=parent.depth + 1,
            )  # fmt: skip
            written = {STDOUT: Capture(_CHILD_OUTPUT), STDERR: Capture(_CHILD_OUTPUT)}
            code, stopped = self.execute(child, _keep(written[STDOUT]), _keep(written[STDERR]))
        parent.children += child.children
        texts = (written[STDOUT].text().encode(), written[STDERR].text().encode())
        return _child_answer(-9 if code is None else code, *texts, timed_out=stopped == "time")


class _input_file:  # noqa: N801
    """A file with a child's standard input, beside its parent's and out of the programs' reach."""

    def __init__(self, parent: Run, content: bytes) -> None:
        self._path = f"{parent.stdin}.{parent.depth}.{parent.children}"
        self._content = content

    def __enter__(self) -> str:
        with open(self._path, "wb") as file:
            file.write(self._content)
        return self._path

    def __exit__(self, *_: object) -> None:
        os.unlink(self._path)


def _child_answer(code: int, stdout: bytes, stderr: bytes, *, timed_out: bool = False) -> str:
    texts = {"stdout": stdout.decode("latin-1"), "stderr": stderr.decode("latin-1")}
    return json.dumps(texts | {"exit_code": code, "timed_out": timed_out})


def _keep(capture: Capture) -> Callable[[bytes], int]:
    return lambda piece: len(piece) if capture.add(piece) else _BROKEN_PIPE


def _ending(message: str) -> tuple[int | None, str]:
    """Read from the engine's error how a program ended."""
    if (at := message.rfind(_EXIT)) >= 0:
        return int(message[at + len(_EXIT) :].split()[0]), ""
    if "wasm trap: interrupt" in message:
        return None, "time"
    if "unreachable" in message or "memory" in message:
        return None, "memory"
    return None, "crash"


class Streamed:
    """Sends what a program writes to the app, until it has written too much."""

    def __init__(self, pipe: BinaryIO, kind: bytes, keep: int) -> None:
        self._pipe = pipe
        self._kind = kind
        self._left = most_written(keep)

    def __call__(self, piece: bytes) -> int:
        """Send a piece; a negative number has the program fail."""
        if self._left < 0:
            return _BROKEN_PIPE
        self._left -= len(piece)
        write_frame(self._pipe, self._kind, piece)
        return len(piece)

    @property
    def over(self) -> bool:
        """Whether the program wrote too much."""
        return self._left < 0


def serve(machine: Machine, requests: "queue.SimpleQueue[bytes]", pipe: BinaryIO, status: BinaryIO | None) -> None:
    """Run what is asked for, until the process is ended."""
    while True:
        run = Run(**json.loads(requests.get()))
        run.deadline = time.monotonic() + run.seconds
        stdout, stderr = Streamed(pipe, STDOUT, run.output), Streamed(pipe, STDERR, run.output)
        began, cpu = time.monotonic(), time.process_time()
        machine.running.set()
        try:
            code, stopped = machine.execute(run, stdout, stderr)
        finally:
            machine.running.clear()
        if code is None and (stdout.over or stderr.over):
            stopped = "output"
        result: dict[str, Any] = {"exit_code": code, "stopped": stopped or None}
        result |= {
            "seconds": time.monotonic() - began,
            "cpu_seconds": time.process_time() - cpu,
            "memory": _rss(status),
        }
        write_frame(pipe, RESULT, json.dumps(result).encode())


def _rss(status: BinaryIO | None) -> int | None:
    """Bytes of this process in memory; the file stays open, since it is out of reach later."""
    if status is None:
        return None
    status.seek(0)
    return int(status.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _confine(told: dict[str, Any]) -> str:
    """Confine the process if the kernel can; what keeps programs in, in words."""
    if sys.platform == "linux":
        from shared.adapters.sandboxes.confine import Confinement, confine
        from shared.adapters.sandboxes.landlock import landlock_abi

        if landlock_abi():
            confine(Confinement(told["readable"], told["writable"], ("/dev/urandom",), told["file_size"]))
            return "WebAssembly, Landlock, seccomp"
    return "WebAssembly"


def _read_requests(requests: "queue.SimpleQueue[bytes]", source: BinaryIO) -> None:
    """Queue what is asked for; when the app is gone, so is this process, whatever it is doing."""
    with suppress(OSError):
        for line in source:
            requests.put(line)
    os._exit(0)


def main() -> None:
    """Start, say so, and serve."""
    pipe, source = os.fdopen(os.dup(1), "wb"), sys.stdin.buffer
    os.dup2(2, 1)  # what a library prints does not get among the frames
    told = json.loads(source.readline())
    status = open("/proc/self/statm", "rb", buffering=0) if os.path.exists("/proc/self/statm") else None  # noqa: SIM115
    machine = Machine(told["component"], told["library"], told["packages"])
    isolation = _confine(told)
    write_frame(pipe, READY, isolation.encode())
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(requests, source), daemon=True).start()
    serve(machine, requests, pipe, status)
