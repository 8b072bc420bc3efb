"""`python -m local.dev`: a deployment on this machine, with no account elsewhere and a key of its own."""

import os
import signal
import socket
import sys
import threading
from contextlib import nullcontext
from pathlib import Path
from types import FrameType
from typing import Annotated, Never

import typer

from cli.options import KEY_FILE
from cli.output import remark
from cli.private_files import set_private_umask
from local.dev.endpoint import Endpoint, configured, offline
from local.dev.environment import app_environment
from local.dev.key import local_key
from local.dev.stores import Store, kept_in
from local.host.lock import StateInUse, StateLock
from shared.errors import SwarmStarError, Unavailable
from shared.tenancy.api_keys import digest

#: The checkout, where function_app.py and host.json lie.
HOME = Path(__file__).resolve().parents[2]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def dev(
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Where it listens on 127.0.0.1; 0 takes a free one.")
    ] = 7071,
    root: Annotated[Path, typer.Option(help="Where function_app.py and host.json lie.")] = HOME,
    state: Annotated[Path, typer.Option(help="The host's own database.")] = Path(".swarmstar/host.db"),
    spaces: Annotated[Path, typer.Option(help="The folder of the swarm spaces.")] = Path(".swarmstar/spaces"),
    model: Annotated[str | None, typer.Option(help="The endpoint's model, or an offline one by its name.")] = None,
    with_parent: Annotated[bool, typer.Option(help="End when stdin does.", hidden=True)] = False,
    store: Annotated[Store, typer.Option(help="Files, or the emulators of Cosmos DB and Blob Storage.")] = Store.SQLITE,
    without: Annotated[bool, typer.Option("--offline", help="Use the offline model whatever is configured.")] = False,
) -> None:
    """Run a deployment on this machine.

    It uses the endpoint of OPENAI_API_KEY, OPENAI_BASE_URL and SWARMSTAR_MODEL, or else a small offline model.
    """
    signal.signal(signal.SIGTERM, _leave)
    _see_that_it_is_free(port, state.resolve())
    if with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    endpoint = None if without else configured(os.environ, model)
    with kept_in(store) as settings, offline(model) if endpoint is None else nullcontext(endpoint) as chosen:
        os.environ.update(settings)
        typer.echo(chosen.notice, err=True)
        _set_key(shown=not with_parent)
        status = _serve(chosen, root, port, state, spaces)
    from local.host.__main__ import leave  # loaded by now

    leave(status)


def _see_that_it_is_free(port: int, state: Path) -> None:
    """Refuse what the host would refuse, before a model is loaded for it; raises `Unavailable`."""
    state.parent.mkdir(parents=True, exist_ok=True)
    lock = StateLock(state)
    try:
        lock.acquire()
    except StateInUse as error:
        raise Unavailable(str(error)) from None
    lock.release()
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise Unavailable(
            f"port {port} of 127.0.0.1 cannot be listened on ({why}); choose another with --port"
        ) from None


def _set_key(*, shown: bool) -> None:
    """Have the deployment ask for the key of this machine, unless its environment says what it asks for."""
    if "SWARMSTAR_LOCAL_KEY_SHA256" in os.environ:
        return
    key = local_key(KEY_FILE)
    os.environ["SWARMSTAR_LOCAL_KEY_SHA256"] = digest(key)
    if shown:
        typer.echo(f"API key: {key} (in {KEY_FILE}, where `swarmstar` finds it)", err=True)


def _serve(endpoint: Endpoint, root: Path, port: int, state: Path, spaces: Path) -> int:
    """Run the host in this process until it is told to end; it handles the signals meanwhile. Its exit status."""
    from local.host.__main__ import main as run_host  # the host loads much, and no option needs it

    os.environ.update(app_environment(endpoint, spaces.resolve(), os.environ))
    sys.argv = ["local.host", "--root", str(root), "--port", str(port), "--state", str(state.resolve())]
    return run_host()


def _end_with_parent() -> None:
    """Whoever started this holds its stdin open; when it closes, that process is gone, however it ended."""
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _leave(number: int, _frame: FrameType | None) -> Never:
    """End in order while the model loads: what was started is stopped on the way out."""
    raise SystemExit(128 + number)


def main() -> None:
    """Run it; what goes wrong is one message, not a traceback."""
    set_private_umask()
    try:
        app(prog_name=os.environ.pop("SWARMSTAR_CALLED", None))
    except (SwarmStarError, OSError) as error:
        remark(f"error: {error}")
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
