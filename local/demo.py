"""`python -m local.demo`: one real directive on a deployment of its own on this machine, from start to artifacts."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, Never

import typer
from pydantic import BaseModel, ConfigDict
from rich.console import Console

from cli.api import Api
from cli.commands.artifacts import save_all
from cli.commands.inspect import show_tree
from cli.context import read_context
from cli.failures import CliError
from cli.follow import Follower
from cli.options import local_key
from cli.output import is_terminal, remark, say
from cli.private_files import set_private_umask
from cli.text import clean, duration
from cli.tree import LiveTree
from cli.views import choose, used
from cli.wire import SwarmView
from local.dev.endpoint import configured
from local.models.table import find
from shared.errors import SwarmStarError
from shared.swarm.swarm import SwarmStatus

HOME = Path(__file__).resolve().parents[1]
EXAMPLES = HOME / "examples"
WORK = Path(".swarmstar/demo")
#: Runs whose work is kept.
KEEP = 5
READY = re.compile(r"Listening on (http://127\.0\.0\.1:\d+)")
#: Seconds until the host must be up; a model that is not here yet is fetched in that time.
START_TIMEOUT = 1_800.0
STOP_TIMEOUT = 20.0


class Expects(BaseModel):
    """What an example hands over, what it may use and what must come of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    context: tuple[str, ...] = ()
    limits: dict[str, int | float] = {}
    artifacts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A directive with its context."""

    folder: Path
    directive: str
    expects: Expects

    @classmethod
    def load(cls, name: str) -> "Example":
        """The example in the folder called `name`."""
        folder = EXAMPLES / name
        if not (folder / "expects.json").is_file():
            known = ", ".join(sorted(path.parent.name for path in EXAMPLES.glob("*/expects.json")))
            raise CliError(f"There is no example {name!r}; there are: {known}")
        expects = Expects.model_validate_json((folder / "expects.json").read_bytes())
        return cls(folder, (folder / "directive.txt").read_text(encoding="utf-8").strip(), expects)


def demo(
    example: Annotated[str, typer.Option(help="A folder of examples/.")] = "late-fees",
    model: Annotated[str | None, typer.Option(help="The endpoint's model, or an offline one by its name.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Use the offline model whatever is configured.")] = False,
    minutes: Annotated[float, typer.Option(min=0.1, max=240, help="How long it may take.")] = 15,
) -> None:
    """Run an example on a deployment of its own on this machine; the exit code says whether the work was done."""
    chosen = Example.load(example)
    work = _fresh_folder()
    _prepare_model(model, offline)
    options = [*(("--model", model) if model else ()), *(("--offline",) if offline else ())]
    with _host(work, options) as (url, host), Api(url, local_key(url)) as api:
        say(f"A deployment of its own runs at {url} with {api.health().model.name or 'its model'}.")
        swarm, tree = run_example(api, chosen, minutes * 60, host)
        problems = conclude(api, chosen, work, swarm, tree)
    for problem in problems:
        say(f"Not as promised: {problem}")
    if not problems:
        say("Checked: every promised file is there, and Python compiles. Whether it is right is for you to read.")
    raise typer.Exit(1 if problems else 0)


def run_example(
    api: Api, example: Example, seconds: float, host: "subprocess.Popen[bytes]"
) -> tuple[SwarmView, LiveTree]:
    """Submit the directive and show it to the end, which comes after `seconds` at the latest."""
    context = read_context(example.folder / name for name in example.expects.context)
    say("Directive")
    say(example.directive)
    say(f"Context: {', '.join(example.expects.context)}")
    say()
    swarm_id = api.create_swarm(example.directive, context, example.expects.limits).swarm_id
    with _bounded(lambda: _cancel(api.url, swarm_id), seconds), _bounded(host.kill, seconds + 60):
        return Follower(api, swarm_id, choose(as_json=False), patience=20).run()


@contextmanager
def _bounded(stop: Callable[[], None], seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cancel(url: str, swarm_id: str) -> None:
    with suppress(CliError), Api(url, local_key(url)) as api:
        api.control(swarm_id, "cancel")


def conclude(api: Api, example: Example, work: Path, swarm: SwarmView, tree: LiveTree) -> list[str]:
    """Save what was made, say what came of it, and return what was promised and is not there."""
    found = api.artifacts(swarm.swarm_id)
    taken = save_all(api, swarm.swarm_id, found, work / "artifacts")
    # Rounds may write a file again; what counts is the last.
    named = [(item.name, taken.saved.get(item.artifact_id)) for item in found.items]
    paths = {name: one.path for name, one in named if one is not None}
    say()
    if not is_terminal():
        show_tree(swarm, tree)
    took = duration((swarm.ended - swarm.created).total_seconds()) if swarm.ended else "?"
    say(f"Cost   {used(swarm)}, {took}")
    for one in taken.saved.values():
        say(f"Work   {one.path}")
    say(f"Again  swarmstar dev --state {work / 'host.db'} --spaces {work / 'spaces'}")
    say(f"       swarmstar tree {swarm.swarm_id}")
    return [*ending_problems(swarm), *taken.failed.values(), *artifact_problems(example.expects.artifacts, paths)]


def ending_problems(swarm: SwarmView) -> list[str]:
    """What is amiss with how a swarm ended: its root must have terminated with a report."""
    if swarm.report and swarm.status in {SwarmStatus.COMPLETED, SwarmStatus.INCOMPLETE}:
        return []
    return [f"the swarm ended {clean(swarm.status)}" + ("" if swarm.report else " and left no report")]


def artifact_problems(promised: Sequence[str], paths: Mapping[str, Path]) -> list[str]:
    """Which of the promised files are not there, or are no Python though they are called so."""
    problems = []
    for name in promised:
        if name not in paths:
            problems.append(f"there is no {name}")
        elif name.endswith(".py") and (error := _syntax_error(paths[name])):
            problems.append(f"{name} does not compile: {error}")
    return problems


def _syntax_error(path: Path) -> str:
    """Why a file is no Python, or an empty string. It is compiled and never run."""
    try:
        compile(path.read_bytes(), path.name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return str(error) or type(error).__name__
    return ""


def _fresh_folder() -> Path:
    """A folder for this run; those of the last few are kept."""
    for old in sorted(WORK.glob("2*"))[: -KEEP + 1 or None]:
        shutil.rmtree(old)
    work = WORK / datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    work.mkdir(parents=True)
    return work


def _prepare_model(model: str | None, offline: bool) -> None:
    """Fetch the offline model where it will be needed and is not here, with its progress in sight."""
    if not offline and configured(os.environ, model):
        return
    from local.models.__main__ import fetch_shown  # loads what only this path needs

    fetch_shown(find(model), Console(stderr=True))


@contextmanager
def _host(work: Path, options: Sequence[str]) -> "Iterator[tuple[str, subprocess.Popen[bytes]]]":
    """A deployment in a process of its own; its address and the process. It writes to `host.log`."""
    command = [sys.executable, "-m", "local.dev", "--port", "0", "--with-parent"]
    command += ["--state", str(work / "host.db"), "--spaces", str(work / "spaces"), *options]
    with (work / "host.log").open("wb") as log:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and module; options go as arguments
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C is for the demo, which then ends the host in order
        )
    try:
        yield _address(child, work / "host.log"), child
    finally:
        _end(child)


def _address(child: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        said = log.read_text(encoding="utf-8", errors="replace")
        if ready := READY.search(said):
            return ready.group(1)
        if child.poll() is not None:
            raise CliError(f"The host ended before it was up. {log} says:\n{said[-2_000:]}")
        time.sleep(0.1)
    raise CliError(f"The host was not up after {START_TIMEOUT:.0f} s; see {log}.")


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdin:
        child.stdin.close()


def _leave(number: int, _frame: FrameType | None) -> Never:
    """Let what was started be stopped on the way out."""
    raise SystemExit(128 + number)


def main() -> None:
    """Run it; what goes wrong is one message, not a traceback."""
    set_private_umask()
    signal.signal(signal.SIGTERM, _leave)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(demo)
    try:
        app()
    except (CliError, SwarmStarError, OSError) as error:
        remark(f"error: {error}")
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
