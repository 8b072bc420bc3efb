"""`python -m local.host`: serve an app until SIGINT or SIGTERM."""

import argparse
import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from cli.private_files import set_private_umask
from local.host.durable.storage import StorageError
from local.host.host import DEFAULT_STATE, Host, HostFailed, run
from local.host.indexing import IndexingError
from local.host.lock import StateInUse
from local.host.logs import configure, log
from local.host.settings import HostSettings, SettingsError, apply_local_settings

#: Files and connections the host may have open at once; some systems begin with as few as 256.
_FILES = 8_192


def main() -> int:
    """Parse the command line and serve. The exit status is 0 after an orderly stop and 1 after a failure."""
    options = _parse()
    set_private_umask()
    root = options.root.resolve()
    state = (options.state or root / DEFAULT_STATE).resolve()
    os.chdir(root)
    allow_files()
    try:
        if options.local_settings:
            apply_local_settings(root)
        settings = HostSettings.load(root)
        configure(options.log_level or settings.log_level)
        host = Host(root, state, options.port, settings)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(host))
    except (IndexingError, SettingsError, StateInUse, StorageError, HostFailed, OSError) as error:
        sys.stderr.write(f"The host cannot run: {error}\n")
        return 1
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.host", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(), help="the folder of function_app.py and host.json")
    parser.add_argument("--port", type=int, default=7071, help="the port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--state", type=Path, help=f"the state file; {DEFAULT_STATE} under the root by default")
    parser.add_argument(
        "--no-local-settings", dest="local_settings", action="store_false", help="do not read local.settings.json"
    )
    parser.add_argument("--log-level", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    return parser.parse_args()


def allow_files() -> None:
    """Ask the system for more open files than a process begins with, as far as it lets."""
    if sys.platform == "win32":
        return
    import resource  # has no Windows build

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's loops where it is installed: they take less time for every callback."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(host: Host) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
        else:
            loop.add_signal_handler(number, stop.set)
    await run(host, stop, _announce)
    log.info("stopped")


def _announce(url: str) -> None:
    """Write the line that scripts wait for."""
    # What is loaded by now stays. Looking for garbage less often saves a tenth of the time under load.
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)
    sys.stdout.write(f"Listening on {url}\n")
    sys.stdout.flush()


def leave(status: int) -> NoReturn:
    """Exit at once: the app's own clients have no hook to be closed by, and an abandoned activity may still run."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    leave(main())
