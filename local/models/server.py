"""Serves the offline model from a child process on loopback, and starts it again when it breaks."""

import asyncio
import contextlib
import json
import os
import secrets
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from local.models.fetch import REAL_ENDPOINT
from local.models.serve_child import ChildConfig
from local.models.table import ModelFile
from shared.errors import ModelUnavailable

#: Answers written at the same time; the model gets through twice as much with several as with one.
SLOTS = 4
#: Tokens that a question and its answer may have together.
CONTEXT = 4096
#: Tokens of an answer for which the request sets no bound; one that it sets goes up to the context.
MAX_OUTPUT_TOKENS = 1024
#: MiB for prompts that are kept, so that what begins alike is read once.
PROMPT_CACHE_MIB = 512
#: How often a child that broke is replaced.
RESTARTS = 3
#: Seconds in which the child must have loaded the model, and must have ended.
START_TIMEOUT = 120.0
STOP_TIMEOUT = 5.0

GIB = 1024**3

#: How long a thread of the model spins for the others before it sleeps. With the default, answers come several times
#: slower as soon as anything else wants a core; on an idle machine a short spin costs next to nothing.
SPIN = {"GOMP_SPINCOUNT": "1000"}


class OfflineModel:
    """A model file served with the OpenAI API; `base_url`, `api_key` and `model` are what a client needs.

    Use it as a context manager, `async with` or `with`. One object serves once.
    """

    def __init__(
        self,
        model: ModelFile,
        path: Path,
        *,
        slots: int = SLOTS,
        context: int = CONTEXT,
        threads: int | None = None,
        memory_limit: int | None = None,
        restarts: int = RESTARTS,
    ) -> None:
        context = min(context, model.context)
        self._config = ChildConfig(
            path=str(path),
            alias=model.name,
            api_key=secrets.token_urlsafe(32),
            slots=slots,
            context=context,
            max_output_tokens=min(MAX_OUTPUT_TOKENS, context),
            threads=threads or os.cpu_count() or 1,
            prompt_cache_mib=PROMPT_CACHE_MIB,
            memory_limit=memory_limit or memory_bound(model, slots, context),
        )
        self._file = model
        self._restarts_left = restarts
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._child: subprocess.Popen[str] | None = None
        self._stderr: deque[str] = deque(maxlen=20)
        self._supervisor = threading.Thread(target=self._supervise, name="offline-model", daemon=True)
        self.base_url = ""

    @property
    def api_key(self) -> str:
        """The key that every request needs; a new one for each server."""
        return self._config.api_key

    @property
    def model(self) -> str:
        """The name that requests give for the model."""
        return self._config.alias

    @property
    def pid(self) -> int | None:
        """The process that holds the model now."""
        return self._child.pid if self._child else None

    @property
    def alive(self) -> bool:
        """Whether it serves, or is about to again."""
        return self._supervisor.is_alive() and not self._ended.is_set()

    def banner(self) -> str:
        """What a person should know before relying on it."""
        return (
            f"Offline model: {self._file.display}, on this machine's {self._config.threads} cores. It is small and "
            f"weak: good for seeing how a swarm works, not for work that matters. {REAL_ENDPOINT}"
        )

    def start(self) -> None:
        """Load the model; returns when requests can be sent.

        Raises `ModelUnavailable` with what the child said when it does not come up.
        """
        url = self._launch()
        self.base_url = f"{url}/v1"
        # A child that is started again serves at the same address.
        self._config = self._config.model_copy(update={"port": int(url.rsplit(":", 1)[1])})
        self._supervisor.start()

    def wait(self) -> None:
        """Return when it serves no more: it was stopped, or broke too often."""
        self._ended.wait()

    def stop(self) -> None:
        """End the child; answers being written are cut."""
        self._stopping.set()
        _end(self._child)
        if self._supervisor.is_alive():
            self._supervisor.join(STOP_TIMEOUT + START_TIMEOUT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        try:
            await asyncio.to_thread(self.start)
        except asyncio.CancelledError:
            self._stopping.set()
            _end(self._child)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    def _launch(self) -> str:
        child = subprocess.Popen(
            (sys.executable, "-m", "local.models.serve_child"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=SPIN | os.environ,
            # A Ctrl-C at the terminal is for the parent, which then ends the child in order.
            start_new_session=True,
        )
        self._child = child
        assert child.stderr is not None
        threading.Thread(target=_keep_tail, args=(child.stderr, self._stderr), daemon=True).start()
        impatience = threading.Timer(START_TIMEOUT, child.kill)
        impatience.start()
        try:
            return self._hand_over(child)
        finally:
            impatience.cancel()

    def _hand_over(self, child: "subprocess.Popen[str]") -> str:
        assert child.stdin is not None
        assert child.stdout is not None
        # A child that broke has no input any more, and `stop` may have closed it; either way it says nothing.
        with contextlib.suppress(BrokenPipeError, ValueError):
            child.stdin.write(self._config.model_dump_json() + "\n")
            child.stdin.flush()
        with child.stdout as answers:
            answer = answers.readline()
        if not answer or self._stopping.is_set():
            _end(child)
            said = " ".join(self._stderr)[-500:] or f"exit code {child.returncode}"
            raise ModelUnavailable(f"the offline model {self.model} did not start: {said}", retry_after=30)
        return str(json.loads(answer)["url"])

    def _supervise(self) -> None:
        try:
            while self._child is not None:
                self._child.wait()
                if self._stopping.is_set() or self._restarts_left == 0:
                    return
                self._restarts_left -= 1
                _end(self._child)
                with contextlib.suppress(ModelUnavailable):
                    self._launch()
        finally:
            self._ended.set()
            _end(self._child)


def memory_bound(model: ModelFile, slots: int, context: int) -> int:
    """Bytes of address space that serving takes, with room for the work of `slots` answers at once.

    The weights count twice: the file as it is mapped, and as it is laid out anew for the processor.
    """
    cache = slots * context * model.cache_per_token + PROMPT_CACHE_MIB * 1024**2
    return 2 * model.size + cache + GIB


def _keep_tail(stream: IO[str], tail: "deque[str]") -> None:
    with stream:
        for line in stream:
            tail.append(line.strip()[:300])


def _end(child: "subprocess.Popen[str] | None") -> None:
    """Close the child's input, which ends it; kill it if that does not."""
    if child is None:
        return
    if child.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()
    try:
        child.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
