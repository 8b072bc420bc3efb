"""A sandbox of worker processes on this machine: a pool, folders, limits that are watched from outside."""

import asyncio
import itertools
import os
import queue
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.adapters.sandboxes.capture import Capture
from shared.adapters.sandboxes.frames import RESULT, STDERR, STDOUT
from shared.adapters.sandboxes.work_folder import WorkFolder, remove_tree
from shared.adapters.sandboxes.worker_process import WorkerProcess
from shared.errors import Unavailable
from shared.sandbox.modules import KnownModules, find_missing
from shared.sandbox.port import Limits, RunRequest, RunResult, StopReason, Traits, Used

#: Seconds that a worker has to end a program by itself, before it is ended.
_GRACE = 0.5
#: Seconds between two looks at a program's files, and how many times longer than a look that must be.
_LOOK, _LOOK_SHARE = 0.1, 5.0
_POLL = 0.05
#: A worker is replaced after so many runs, or once it holds so many bytes.
_RUNS, _WORKER_BYTES = 500, 400 << 20
_PREFIX = "swarmstar-sandbox-"


class WorkerKind(Protocol):
    """What differs between the engines."""

    #: The module of the worker.
    module: str
    known: KnownModules

    def traits(self, isolation: str) -> Traits:
        """The engine, as a worker that is kept in by `isolation`."""
        ...

    def told(self, folder: Path, file_size: int) -> Mapping[str, Any]:
        """What a worker needs to start: it may work in `folder` and make files of `file_size` bytes."""
        ...

    def request(self, request: RunRequest, folder: WorkFolder) -> Mapping[str, Any]:
        """What a worker needs to run a program."""
        ...


class Ended(BaseModel):
    """What a worker says at the end of a run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    exit_code: Annotated[int, Field(ge=0, le=255)] | None
    stopped: StopReason | None
    seconds: float
    cpu_seconds: float | None = None
    memory: int | None = None


class _Cancelled(Exception):
    """The caller does not wait any longer."""


class LocalSandbox:
    """Runs programs in at most `workers` processes at once, which are kept for the next run."""

    def __init__(self, kind: WorkerKind, workers: int) -> None:
        if workers < 1:
            raise ValueError("a sandbox needs at least one worker")
        self._kind = kind
        self._root: Path | None = None
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="sandbox")
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._numbers = itertools.count()
        self._traits: Traits | None = None
        self._closed = False

    @property
    def traits(self) -> Traits:
        """The engine; a first worker is started to know how it is kept in."""
        if self._traits is None:
            self._release(self._acquire(Limits().file_size))
        assert self._traits is not None
        return self._traits

    async def run(self, request: RunRequest) -> RunResult:
        """Run one command and wait for its end; a cancelled call kills the program before it returns."""
        if self._closed:
            raise Unavailable("the sandbox is closed")
        cancelled = threading.Event()
        running = asyncio.get_running_loop().run_in_executor(self._threads, self._run, request, cancelled)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            cancelled.set()
            with suppress(_Cancelled, Unavailable):
                await running
            raise

    async def close(self) -> None:
        """End the workers and remove their folders; runs that have not ended are waited for."""
        self._closed = True
        await asyncio.to_thread(self._threads.shutdown)
        for worker in self._idle:
            await asyncio.to_thread(worker.process.kill)
        self._idle.clear()
        if self._root is not None:
            await asyncio.to_thread(remove_tree, self._root)

    def _run(self, request: RunRequest, cancelled: threading.Event) -> RunResult:
        worker = self._acquire(request.limits.file_size)
        folder = WorkFolder(worker.process.folder / f"run-{next(self._numbers)}")
        healthy = False
        try:
            folder.fill(request.files, request.stdin)
            result, healthy = self._observe(worker, request, folder, cancelled)
            return result
        finally:
            if healthy:
                self._release(worker)
            else:
                worker.process.kill()
            folder.remove()
            if not healthy:
                remove_tree(worker.process.folder)

    def _observe(
        self, worker: "_Worker", request: RunRequest, folder: WorkFolder, cancelled: threading.Event
    ) -> tuple[RunResult, bool]:
        """Run a program in a worker; what came of it, and whether the worker can be used again."""
        watch = _Watch(worker.process, request.limits, folder, cancelled)
        began = time.monotonic()
        worker.process.ask(self._kind.request(request, folder))
        ended, stopped = watch.until_end()
        if ended is None:
            worker.process.kill()  # before anything is read from its folder
            ended = Ended(exit_code=None, stopped=stopped, seconds=time.monotonic() - began)
        over = folder.over(request.limits)
        if over:
            ended = _stopped_by(ended, over)
        files = folder.changes(request.limits)
        texts = {name: capture.text() for name, capture in watch.captures.items()}
        failed = ended.stopped is None and ended.exit_code != 0
        result = RunResult(
            exit_code=ended.exit_code if ended.stopped is None else None,
            stopped=ended.stopped,
            stdout=texts[STDOUT],
            stderr=texts[STDERR],
            truncated=any(capture.truncated for capture in watch.captures.values()),
            changed=files.changed,
            deleted=files.deleted,
            left_out=tuple(files.left_out),
            missing=find_missing(request, "\n".join(texts.values()), self._kind.known) if failed else (),
            used=Used(
                round(ended.seconds, 4),
                ended.cpu_seconds,
                ended.memory,
                sum(capture.written for capture in watch.captures.values()),
            ),
            traits=self._kind.traits(worker.process.isolation),
        )
        worker.runs += 1
        worker.memory = ended.memory or 0
        return result, stopped is None

    def _acquire(self, file_size: int) -> "_Worker":
        """An idle worker that allows files of this size, or a new one; raises `Unavailable` if it does not start."""
        with self._lock:
            for at, worker in enumerate(self._idle):
                if worker.file_size == file_size:
                    return self._idle.pop(at)
            other = self._idle.pop() if self._idle else None
            if self._root is None:
                self._root = _make_root()
            folder = self._root / f"worker-{next(self._numbers)}"
            folder.mkdir(mode=0o700)
        if other is not None:
            other.process.kill()
        process = WorkerProcess(self._kind.module, self._kind.told(folder, file_size), folder)
        self._traits = self._kind.traits(process.isolation)
        return _Worker(process, file_size)

    def _release(self, worker: "_Worker") -> None:
        if worker.runs >= _RUNS or worker.memory > _WORKER_BYTES:
            worker.process.kill()
            remove_tree(worker.process.folder)
            return
        with self._lock:
            self._idle.append(worker)


class _Worker:
    """A worker and how it was used."""

    def __init__(self, process: WorkerProcess, file_size: int) -> None:
        self.process = process
        self.file_size = file_size
        self.runs = 0
        self.memory = 0


class _Watch:
    """Follows one run: output, time, files, and whether anybody still waits for it."""

    def __init__(self, process: WorkerProcess, limits: Limits, folder: WorkFolder, cancelled: threading.Event) -> None:
        self._process = process
        self._limits = limits
        self._folder = folder
        self._cancelled = cancelled
        self._end = time.monotonic() + limits.seconds + _GRACE
        self._look = time.monotonic() + _LOOK
        self.captures = {STDOUT: Capture(limits.output), STDERR: Capture(limits.output)}

    def until_end(self) -> tuple[Ended | None, StopReason | None]:
        """What the worker says, or why it must be ended; raises `_Cancelled` when nobody waits any longer."""
        while True:
            with suppress(queue.Empty):
                frame = self._process.next_frame(_POLL)
                if frame is None:
                    return None, "crash"
                if frame[0] == RESULT:
                    return _read_ended(frame[1])
                if frame[0] not in self.captures or not self.captures[frame[0]].add(frame[1]):
                    return None, "output"
            if self._cancelled.is_set():
                raise _Cancelled
            if reason := self._fault():
                return None, reason

    def _fault(self) -> StopReason | None:
        now = time.monotonic()
        if now > self._end:
            return "time"
        if now < self._look:
            return None
        over = self._folder.over(self._limits)
        self._look = time.monotonic() + max(_LOOK, _LOOK_SHARE * (time.monotonic() - now))
        return over


def _read_ended(payload: bytes) -> tuple[Ended | None, StopReason | None]:
    try:
        return Ended.model_validate_json(payload), None
    except ValidationError:
        return None, "crash"


def _stopped_by(ended: Ended, stopped: StopReason) -> Ended:
    """The same end, for another reason."""
    return ended.model_copy(update={"stopped": stopped, "exit_code": None})


def _make_root() -> Path:
    """A folder for this process's workers; those of processes that are gone are removed."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = left.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and _abandoned(left, int(pid)):
            remove_tree(left)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))


def _abandoned(folder: Path, pid: int) -> bool:
    """Whether a folder is our own user's, and the process that made it is gone. Windows cleans up by itself."""
    if sys.platform == "win32" or folder.lstat().st_uid != os.getuid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
