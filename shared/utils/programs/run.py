"""`programs.run`: run a program of the workspace in the sandbox."""

import asyncio
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from shared.llm.prompting import clip
from shared.sandbox import Limits, RunRequest, RunResult
from shared.utils.util import Arguments, Drafted, Result, Util, UtilError
from shared.utils.workbench import Workbench
from shared.workspace.bounds import IN_FLIGHT
from shared.workspace.draft_files import DraftFiles
from shared.workspace.paths import never_kept

MAX_SECONDS = 180.0
#: Changed files that a result names.
_NAMED = 30


class RunArguments(Arguments):
    """A command without a shell."""

    command: Annotated[list[Annotated[str, Field(max_length=20_000)]], Field(min_length=1, max_length=100)] = Field(
        description="The program and its arguments, one string each, without a shell. Programs: python, pytest, "
        'or the path of a .py file; for example ["python", "-m", "pkg.cli", "--help"].'
    )
    stdin: str = Field(default="", max_length=200_000, description="Text for its standard input.")
    seconds: float = Field(default=60.0, ge=1, le=MAX_SECONDS, description="After so many seconds it is stopped.")
    keep_files: bool = Field(
        default=False, description="Whether files that the program writes or deletes are taken over into the workspace."
    )


class RunOutcome(Result):
    """What came of a run."""

    exit_code: int | None
    stopped: str | None
    stdout: str
    stderr: str
    changed: tuple[str, ...]
    deleted: tuple[str, ...]
    kept: bool
    missing: tuple[str, ...]
    left_out: tuple[str, ...]
    seconds: float
    engine: str

    @property
    def succeeded(self) -> bool:
        """Whether the program ended by itself with exit code 0."""
        return self.stopped is None and self.exit_code == 0

    def text(self) -> str:
        """Return the ending, both outputs, and the files it touched."""
        ended = f"exit code {self.exit_code}" if self.stopped is None else f"stopped: over its limit of {self.stopped}"
        lines = [f"{ended} after {self.seconds:.1f} s"]
        lines += [f"module not available: {name}" for name in self.missing]
        lines += [f"stdout:\n{self.stdout}" if self.stdout.strip() else "stdout: empty"]
        lines += [f"stderr:\n{self.stderr}"] if self.stderr.strip() else []
        touched = ", ".join([*self.changed, *(f"{path} (deleted)" for path in self.deleted)][:_NAMED])
        if touched:
            taken = "taken over into the workspace" if self.kept else "not kept; set keep_files to keep them"
            lines.append(f"files changed ({taken}): {touched}")
        lines += [f"not handed back: {told}" for told in self.left_out]
        return "\n".join(lines)


async def run_command(
    bench: Workbench,
    command: tuple[str, ...],
    *,
    stdin: str = "",
    seconds: float = 60.0,
    extra: Mapping[str, bytes] | None = None,
) -> RunResult:
    """Run a command on the draft's files and `extra` ones; raises `UtilError` where there is no sandbox."""
    if bench.sandbox is None:
        raise UtilError("this deployment has no sandbox: nothing can be run; check by reading, and say it was not run")
    files = {**await all_contents(bench.files), **(extra or {})}
    request = RunRequest(
        space=bench.space,
        session=bench.node_id,
        command=command,
        files=files,
        stdin=stdin.encode(),
        limits=Limits(seconds=seconds),
    )
    return await bench.sandbox.run(request)


def outcome_of(bench: Workbench, result: RunResult, *, kept: bool) -> RunOutcome:
    """Return a run's result as a model reads it: each output within its half of what may be shown."""
    room = bench.shown_tokens // 2
    return RunOutcome(
        exit_code=result.exit_code,
        stopped=result.stopped,
        stdout=clip(result.stdout, room),
        stderr=clip(result.stderr, room),
        changed=tuple(sorted(result.changed)),
        deleted=tuple(sorted(result.deleted)),
        kept=kept,
        missing=tuple(f"{module.name} ({module.kind})" for module in result.missing),
        left_out=result.left_out,
        seconds=result.used.seconds,
        engine=f"{result.traits.name} {result.traits.versions.get('python', '')}".strip(),
    )


async def all_contents(files: DraftFiles) -> dict[str, bytes]:
    """Return the bytes of every file of a draft, by path."""
    reading = asyncio.Semaphore(IN_FLIGHT)

    async def read(path: str) -> bytes:
        async with reading:
            return await files.read_bytes(path)

    paths = list(files.draft.paths())
    return dict(zip(paths, await asyncio.gather(*map(read, paths)), strict=True))


async def _run(bench: Workbench, arguments: RunArguments) -> Drafted:
    result = await run_command(bench, tuple(arguments.command), stdin=arguments.stdin, seconds=arguments.seconds)
    shown = outcome_of(bench, result, kept=arguments.keep_files)
    if not arguments.keep_files or not (result.changed or result.deleted):
        return Drafted(shown)
    taken = {path: content for path, content in result.changed.items() if not never_kept(path)}
    return Drafted(shown, await bench.files.take_over({**taken, **dict.fromkeys(result.deleted)}))


UTIL = Util(
    id="programs.run",
    description="Run a program on a copy of the workspace's files and see its exit code and output. No network.",
    arguments=RunArguments,
    result=RunOutcome,
    effect="drafts",
    call=_run,
)
