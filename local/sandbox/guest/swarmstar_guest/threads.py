"""Threads on one thread: each runs to its end at the first point where the program would wait."""

import concurrent.futures
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

_NOBODY = "this waits for ever: the sandbox has no threads that run at the same time"
#: Seconds slept at once, so that the host can stop a program that sleeps.
_SLICE = 0.02

_sleep = time.sleep
_pending: deque[threading.Thread] = deque()
_ended: set[int] = set()


def run_pending() -> bool:
    """Run the threads that were started and have not run; whether there were any."""
    ran = False
    while _pending:
        _run(_pending.popleft())
        ran = True
    return ran


def finish() -> None:
    """Run what `python` would wait for at its end: threads that are no daemons."""
    while _pending:
        if not (thread := _pending.popleft()).daemon:
            _run(thread)


def sleep(seconds: float) -> None:
    """Sleep in slices, and let threads run first."""
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    end = time.monotonic() + seconds
    run_pending()
    while (left := end - time.monotonic()) > 0:
        _sleep(min(left, _SLICE))


def _run(thread: threading.Thread) -> None:
    ident = threading.get_ident()
    caller = threading._active.get(ident)
    threading._active[ident] = thread
    try:
        thread.run()
    except SystemExit:
        pass
    except BaseException:
        threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), thread)))
    finally:
        _ended.add(id(thread))
        threading._active[ident] = caller


class Lock:
    """A lock that says so when nobody can release it."""

    def __init__(self) -> None:
        self._held = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take it; raises `RuntimeError` where a thread would wait for ever."""
        if self._held and blocking:
            run_pending()
            if self._held and timeout < 0:
                raise RuntimeError(_NOBODY)
            if self._held:
                sleep(timeout)
        if self._held:
            return False
        self._held = True
        return True

    def release(self) -> None:
        """Give it back."""
        if not self._held:
            raise RuntimeError("release unlocked lock")
        self._held = False

    def locked(self) -> bool:
        """Whether somebody holds it."""
        return self._held

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class InlineExecutor(concurrent.futures.Executor):
    """Runs each call when it is submitted."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        """Run it; the future is done."""
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


def _start(thread: threading.Thread) -> None:
    if thread._started.is_set():
        raise RuntimeError("threads can only be started once")
    thread._started.set()
    _ended.discard(id(thread))
    _pending.append(thread)


def _join(thread: threading.Thread, timeout: float | None = None) -> None:
    if not thread._started.is_set():
        raise RuntimeError("cannot join thread before it is started")
    while thread in _pending:
        _run(_pending.popleft())


def _is_alive(thread: threading.Thread) -> bool:
    return thread._started.is_set() and id(thread) not in _ended


def install() -> None:
    """Put them in the place of the real ones."""
    time.sleep = sleep
    threading.Lock = threading._allocate_lock = Lock
    threading.Thread.start = _start
    threading.Thread.join = _join
    threading.Thread.is_alive = _is_alive
    queue.SimpleQueue = queue._PySimpleQueue
    concurrent.futures.ThreadPoolExecutor = concurrent.futures.thread.ThreadPoolExecutor = InlineExecutor
    concurrent.futures.ProcessPoolExecutor = InlineExecutor
