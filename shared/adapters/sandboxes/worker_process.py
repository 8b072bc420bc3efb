"""A worker process, as the app sees it: requests go in as JSON lines, frames come out."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from shared.adapters.sandboxes.frames import READY, read_frame
from shared.errors import Unavailable

#: Seconds a worker may take to start, and to be gone once it is killed.
_START, _END = 60.0, 10.0
#: Frames that wait to be looked at; then the worker has to wait.
_WAITING = 256
#: Runs a module of the app in a fresh interpreter that reads neither environment nor user's files.
_BOOT = "import sys; sys.path[:0] = {path!r}; from shared.adapters.sandboxes import {module} as m; m.main()"
_APP = str(Path(__file__).resolve().parents[3])

Frame = tuple[bytes, bytes]


class WorkerProcess:
    """One process of `shared.adapters.sandboxes.{module}`; for one thread at a time."""

    def __init__(self, module: str, told: Mapping[str, Any], folder: Path) -> None:
        path = [_APP, *(place for place in sys.path if place and "packages" in place)]
        kept = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-c", _BOOT.format(path=path, module=module)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=kept,
            cwd=folder,
            start_new_session=True,
        )
        self.folder = folder
        self._frames: queue.Queue[Frame | None] = queue.Queue(_WAITING)
        #: Whether the frame that says so was taken.
        self._gone = False
        self._errors = b""
        for reader in (self._read_frames, self._read_errors):
            threading.Thread(target=reader, name="sandbox worker", daemon=True).start()
        self.ask(told)
        #: What keeps programs in, as the worker says.
        self.isolation = self._await_ready()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def ask(self, request: Mapping[str, Any]) -> None:
        """Send a request; a worker that is gone shows in the frames."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()

    def next_frame(self, timeout: float) -> Frame | None:
        """The next frame, None if the worker is gone; raises `queue.Empty` after `timeout` seconds."""
        frame = self._frames.get(timeout=timeout)
        self._gone = frame is None
        return frame

    def kill(self) -> None:
        """End the process and what it started, and wait for that; a second time does nothing."""
        if self._process.returncode is not None:
            return
        if sys.platform == "win32":
            self._process.kill()
        else:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(_END)
        with suppress(queue.Empty):
            while not self._gone:
                self.next_frame(_END)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()

    def _await_ready(self) -> str:
        try:
            frame = self.next_frame(_START)
        except queue.Empty:
            frame = None
        if frame is None or frame[0] != READY:
            self._process.kill()
            self._process.wait(_END)
            said = self._errors.decode(errors="replace").strip().rpartition("\n")[2]
            raise Unavailable(f"a sandbox worker did not start: {said[:300] or 'it said nothing'}")
        return frame[1].decode()

    def _read_frames(self) -> None:
        assert self._process.stdout is not None
        frame: Frame | None = (READY, b"")
        while frame is not None:
            try:
                frame = read_frame(self._process.stdout)  # type: ignore[arg-type]
            except (OSError, ValueError):
                frame = None
            self._frames.put(frame)

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        with suppress(OSError, ValueError):
            while piece := self._process.stderr.read1(4_096):  # type: ignore[attr-defined]
                self._errors = (self._errors + piece)[-4_096:]
